package cfn

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Path leads to a value within a resource: Properties.Tags[0].Value. A name that holds dots or brackets stands in quotes.
type Path []Step

// Step is the name of a member, or with an empty name the number of a list's item.
type Step struct {
	Name  string
	Index int
}

// String is the path as it is written.
func (p Path) String() string {
	var out strings.Builder
	for i, s := range p {
		switch {
		case s.Name == "":
			fmt.Fprintf(&out, "[%d]", s.Index)
			continue
		case i > 0:
			out.WriteByte('.')
		}
		if strings.ContainsAny(s.Name, `.[]"`) {
			out.WriteString(strconv.Quote(s.Name))
		} else {
			out.WriteString(s.Name)
		}
	}
	return out.String()
}

// Compare orders paths so that an outer path comes before the paths inside it, and items of a list are ordered by
// number.
func (p Path) Compare(other Path) int {
	return slices.CompareFunc(p, other, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
	})
}

// ParsePath reads a path.
func ParsePath(text string) (Path, error) {
	var path Path
	for rest := text; rest != "" || path == nil; {
		s, after, err := nextStep(rest, path == nil)
		if err != nil {
			return nil, fmt.Errorf("must be a path such as Properties.Tags[0].Value: %w", err)
		}
		path, rest = append(path, s), after
	}
	return path, nil
}

// nextStep reads one step and returns the rest of the text.
func nextStep(rest string, first bool) (Step, string, error) {
	if inner, ok := strings.CutPrefix(rest, "["); ok && !first {
		digits, after, closed := strings.Cut(inner, "]")
		n, err := strconv.Atoi(digits)
		if !closed || err != nil || n < 0 {
			return Step{}, "", fmt.Errorf("brackets must hold the index of a list's item, from 0, got %q", digits)
		}
		return Step{Index: n}, after, nil
	}
	if !first {
		name, ok := strings.CutPrefix(rest, ".")
		if !ok {
			return Step{}, "", fmt.Errorf("a dot or a bracket is missing before %q", rest)
		}
		rest = name
	}
	if strings.HasPrefix(rest, `"`) {
		return quotedStep(rest)
	}
	end := strings.IndexAny(rest, ".[")
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return Step{}, "", errors.New("a name is missing")
	}
	return Step{Name: rest[:end]}, rest[end:], nil
}

// quotedStep reads a name in double quotes, with Go's escapes. Property names such as policy variables may hold dots.
func quotedStep(rest string) (Step, string, error) {
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return Step{}, "", errors.New("a quote is not closed")
	}
	name, err := strconv.Unquote(quoted)
	if err != nil || name == "" {
		return Step{}, "", errors.New("a name is missing")
	}
	return Step{Name: name}, rest[len(quoted):], nil
}
