package deploy

import (
	"errors"
	"slices"
	"strings"
)

// Problems are all errors that keep a deployment from starting. They were found before anything changed.
type Problems struct {
	List []error // sorted; one line each
}

// Error returns all problems, a line each.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, err := range p.List {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems, for errors.Is and errors.As.
func (p *Problems) Unwrap() []error { return p.List }

// asProblems makes one error of many, nil if there are none. Joined errors are taken apart, and duplicates dropped.
func asProblems(errs []error) error {
	var list []error
	said := map[string]bool{}
	for _, err := range apart(errs) {
		if !said[err.Error()] {
			said[err.Error()] = true
			list = append(list, err)
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return &Problems{list}
}

// apart flattens errors.Join.
func apart(errs []error) []error {
	var out []error
	for _, err := range errs {
		var joined interface{ Unwrap() []error }
		switch {
		case err == nil:
		// The parts may be joined errors themselves.
		case isJoin(err, &joined):
			out = append(out, apart(joined.Unwrap())...)
		default:
			out = append(out, err)
		}
	}
	return out
}

// isJoin reports whether an error has no text of its own, as one of errors.Join. An error of fmt.Errorf with several %w has.
func isJoin(err error, joined *interface{ Unwrap() []error }) bool {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok || errors.Join(list.Unwrap()...).Error() != err.Error() {
		return false
	}
	*joined = list
	return true
}
