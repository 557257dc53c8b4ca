package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/report"
)

// maxErrors is the number of CUE's errors shown for one evaluation. One wrong definition can break hundreds of values.
const maxErrors = 50

// cueErrors reports CUE's errors in one line for each path, at the user's places. It is for errors before there is a value, such
// as those of the parser.
func (s *inputFile) cueErrors(err error) { s.explain(cueerrors.Errors(err), cue.Value{}) }

// explain reports errors of an evaluation, of which root is the result. CUE often lists only positions in the definitions; then
// the place of the value in root stands in.
func (s *inputFile) explain(errs []cueerrors.Error, root cue.Value) {
	if s.syntax == nil {
		s.syntax = &syntaxIndex{}
	}
	groups := byPath(errs)
	for i, group := range groups {
		if i == maxErrors {
			s.refuse(s.filePlace(), "", "%d more mistakes", len(groups)-maxErrors)
			return
		}
		// Each group becomes one message, for one path.
		m := &cueMistake{s: s, group: group, secret: s.hides(group[0].Path())}
		message := m.message()
		// A rule in the same place as the value would tell a reader nothing new.
		if m.rule.Line > 0 && m.rule != m.at {
			message += fmt.Sprintf(" (rule: %s)", m.rule.Pos(""))
		}
		if m.at.Line == 0 && root.Exists() {
			m.at, _ = s.place(root.LookupPath(cue.ParsePath(strings.Join(group[0].Path(), "."))), s.filePlace())
		}
		s.refuse(m.at, cuePath(group[0].Path()), "%s", message)
	}
}

// byPath groups errors by path, in the order in which the paths first appear. Errors without a path stay single.
func byPath(errs []cueerrors.Error) (groups [][]cueerrors.Error) {
	index := map[string]int{}
	for _, e := range errs {
		path := strings.Join(e.Path(), ".")
		i, known := index[path]
		if !known || path == "" {
			index[path] = len(groups)
			groups = append(groups, []cueerrors.Error{e})
			continue
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// hides reports whether messages must not show values at a path of CUE: they may be secrets. Source other than a manifest, such as
// a package of policies, has no rule for secrets.
func (s *inputFile) hides(selectors []string) bool {
	if s.secret == nil {
		return false
	}
	keys := make([]string, len(selectors))
	for i, selector := range selectors {
		keys[i] = strings.Trim(selector, `"`)
	}
	return s.secret(keys)
}

// cuePath converts CUE's path of a field into a path for reports. CUE quotes a key of digits, so that digits without
// quotes are an index.
func cuePath(selectors []string) (path string) {
	for _, selector := range selectors {
		var i int
		if n, _ := fmt.Sscanf(selector, "%d", &i); n == 1 && path != "" && fmt.Sprint(i) == selector {
			path = report.Index(path, i)
			continue
		}
		if isHidden(selector) {
			path = strings.TrimPrefix(path+"."+selector, ".")
			continue
		}
		path = report.Member(path, strings.Trim(selector, `"`))
	}
	return path
}

// cueMistake is the group of CUE's errors for one path, while it is put into words.
type cueMistake struct {
	s      *inputFile
	group  []cueerrors.Error
	secret bool
	at     Place // of the value, or of the file
	rule   Place // of the constraint that it breaks; line 0 if there is none
}

// message returns the line for the path, and sets the places. An error() of the user comes before everything else, since its text
// was written for this case. Headlines and consequences are dropped when the group has other errors.
func (m *cueMistake) message() string {
	if own := slices.IndexFunc(m.group, m.s.syntax.isUsersError); own >= 0 {
		m.locate(m.group[own])
		return m.usersMessage(m.group[own])
	}
	alternatives := slices.ContainsFunc(m.group, isDisjunction)
	rest := slices.DeleteFunc(slices.Clone(m.group), func(e cueerrors.Error) bool {
		return isDisjunction(e) || len(m.group) > 1 && isConsequence(e)
	})
	if len(rest) == 0 {
		m.locate(m.group[0])
		return "matches none of the alternatives"
	}
	if bounds := slices.DeleteFunc(slices.Clone(rest), isConflict); alternatives && len(bounds) > 0 {
		rest = bounds // the value is one of the alternatives but for the bound: the others do not matter
	}
	m.locate(rest[0])
	if alternatives {
		return m.noneOf(rest)
	}
	var texts []string
	for _, e := range rest {
		if text := m.text(e); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// isDisjunction reports whether an error is only the headline of the errors of all alternatives.
func isDisjunction(e cueerrors.Error) bool {
	format, _ := e.Msg()
	return strings.Contains(format, "empty disjunction")
}

// isConflict reports whether an error is about a difference: between two values, or between a value and a type.
func isConflict(e cueerrors.Error) bool {
	format, _ := e.Msg()
	return strings.HasPrefix(format, "conflicting values")
}

// isConsequence reports whether an error only repeats the error of another value. An interpolation fails when a value in it does.
func isConsequence(e cueerrors.Error) bool {
	format, _ := e.Msg()
	return format == "invalid interpolation"
}

// usersMessage returns the text of an error() in the user's own files, on one line. The text may interpolate a secret, so
// arguments are masked at secret paths.
func (m *cueMistake) usersMessage(e cueerrors.Error) string {
	format, args := e.Msg()
	if m.secret {
		for i := range args {
			args[i] = "…"
		}
	}
	return strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
}

// noneOf words errors of alternatives as one: must be 1 or 2, got 3. It gives no details if one error has no demand, or if the
// errors are about different values: they do not add up to one sentence.
func (m *cueMistake) noneOf(errs []cueerrors.Error) string {
	var wants []string
	got := m.common(errs)
	for _, e := range errs {
		want, has := m.constraint(e, got)
		if want == "" || got != "" && has != got {
			return "matches none of the alternatives"
		}
		got = has
		if !slices.Contains(wants, want) {
			wants = append(wants, want)
		}
	}
	m.locateShared(errs)
	phrase := strings.ReplaceAll(strings.Join(wants, " or "), " or be ", " or ")
	return fmt.Sprintf("must %s, got %s", phrase, m.show(got))
}

// locateShared sets the place of the value to the literal that takes part in all conflicts, and that of the rule to another.
func (m *cueMistake) locateShared(errs []cueerrors.Error) {
	shared := m.s.syntax.data(errs[0], m.s)
	others := slices.Clone(shared)
	for _, e := range errs[1:] {
		places := m.s.syntax.data(e, m.s)
		shared = slices.DeleteFunc(shared, func(p Place) bool { return !slices.Contains(places, p) })
	}
	if len(errs) < 2 || len(shared) != 1 {
		return
	}
	m.at = shared[0]
	if other := slices.IndexFunc(others, func(p Place) bool { return p != m.at }); m.rule.Line == 0 && other >= 0 {
		m.rule = others[other]
	}
}

// common returns the value that conflicts with each alternative. CUE does not say which of two conflicting values is the
// rule, but only one of them takes part in all conflicts. It is empty if there is no such value, or if both do.
func (m *cueMistake) common(errs []cueerrors.Error) string {
	var shared []string
	for i, e := range errs {
		format, args := e.Msg()
		if !strings.HasPrefix(format, "conflicting values %s and %s") {
			return ""
		}
		pair := []string{oneLine(args[0]), oneLine(args[1])}
		if i == 0 {
			shared = pair
			continue
		}
		shared = slices.DeleteFunc(shared, func(v string) bool { return !slices.Contains(pair, v) })
	}
	if len(shared) != 1 {
		return ""
	}
	return shared[0]
}

// oneLine returns a value of CUE's message without line breaks.
func oneLine(arg any) string { return strings.Join(strings.Fields(fmt.Sprint(arg)), " ") }

// constraint splits an error into the demand of the rule, as a phrase after "must", and the value in the manifest. known is the
// value if other errors told it. want is empty if the error is of another kind.
func (m *cueMistake) constraint(e cueerrors.Error, known string) (want, got string) {
	format, args := e.Msg()
	switch {
	case strings.HasPrefix(format, "invalid value %v (out of bound"):
		return boundWords(oneLine(args[1])), oneLine(args[0])
	case strings.HasPrefix(format, "invalid value %s (does not satisfy"):
		return "satisfy " + oneLine(args[1]), oneLine(args[0])
	case strings.HasPrefix(format, "conflicting values %s and %s"):
		value, rule := oneLine(args[0]), oneLine(args[1])
		if rule == known || known == "" && (isType(value) || !isType(rule) && m.s.syntax.isRuleFirst(e)) {
			value, rule = rule, value
		}
		return "be " + typeWords(rule), value
	}
	return "", ""
}

// boundWords turns a bound such as >=2, =~"^a" or !="b" into a phrase after "must". Comparisons keep CUE's operators.
func boundWords(bound string) string {
	for _, b := range []struct{ prefix, words string }{{"=~", "match "}, {"!~", "not match "}, {"!=", "not be "}} {
		if rest, ok := strings.CutPrefix(bound, b.prefix); ok {
			return b.words + rest
		}
	}
	return "be " + bound
}

// typeNames maps CUE's names of types to a user's words.
var typeNames = map[string]string{
	"string": "a string", "int": "a whole number", "number": "a number", "float": "a number", "bool": "true or false", "bytes": "bytes",
	"struct": "an object", "list": "a list",
}

// typeWords names a type or an alternative of types. Any other text stays.
func typeWords(text string) string {
	switch {
	case strings.HasPrefix(text, "{"):
		return "an object"
	case strings.HasPrefix(text, "["):
		return "a list"
	}
	names := strings.FieldsFunc(strings.Trim(text, "()"), func(r rune) bool { return r == '|' || r == ' ' })
	for i, name := range names {
		word, ok := typeNames[name]
		if !ok {
			return strings.ReplaceAll(text, " | ", " or ")
		}
		names[i] = word
	}
	return cmp.Or(strings.Join(names, " or "), text)
}

// isType reports whether a value in an error is a type or a bound and not data.
func isType(text string) bool {
	return typeNames[text] != "" || strings.HasPrefix(text, "(") || strings.HasPrefix(text, ">") || strings.HasPrefix(text, "<") ||
		strings.HasPrefix(text, "=~") || strings.HasPrefix(text, "!")
}

// show returns a value for a message: objects, lists and secrets by their kind only. An object may be as long as the manifest.
func (m *cueMistake) show(value string) string {
	switch {
	case strings.HasPrefix(value, "{"), strings.HasPrefix(value, "["):
		return typeWords(value)
	case m.secret && strings.HasPrefix(value, `"`):
		return Text.String()
	case m.secret:
		return "a value"
	}
	return shorten(value, 60)
}

// quoted matches a string in a message of CUE.
var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// translation replaces one of CUE's errors.
type translation struct{ format, words string }

// fill puts CUE's arguments into the words: {0} is the first.
func (t translation) fill(args []any) string {
	text := t.words
	for i, arg := range args {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i), fmt.Sprint(arg))
	}
	return text
}

// translations holds words for CUE's errors, by CUE's format. The formats are not part of CUE's API: a new version of CUE may
// change one. Then CUE's own text is shown.
var translations = []translation{
	{notAllowed, "unknown field of this definition"},
	{"field is required but not present", "is required here and has no value"},
	{"required field missing: %s", "cannot be computed: {0} is required and has no value"},
	{"unreferenced alias or let clause %s", "{0} is never used; remove it"},
	{"imported and not used: %s", "the import {0} is never used; remove it"},
	{"non-concrete value %v in operand to %s", "cannot be computed: an operand of {1} has no value, only the type {0}"},
	{"invalid interpolation: %v", `cannot be computed: \( ) in it needs text, a number or a boolean`},
	{"invalid interpolation", `cannot be computed: \( ) in it needs text, a number or a boolean`},
	{"explicit error (_|_ literal) in source", "is an error as written (_|_)"},
	{"incompatible list lengths (%d and %d)", "combines lists of {0} and {1} items, which must be equally long"},
	{"incompatible %s bounds %v and %v", "has no possible value: it must be both {1} and {2}"},
	{"incompatible integer bounds %v and %v", "has no possible value: it must be both {0} and {1}"},
	{"incompatible number bounds %v and %v", "has no possible value: it must be both {0} and {1}"},
	{"expected %s, found '%s' %s", "expected {0}, found '{1}'"}, // the rest is text of the file, which may be a secret
	{"invalid regexp: %s", "has an invalid regular expression: {0}"},
	{"incomplete %s: %s", "cannot be computed: a value in it is only a type, {0}"},
	{"incomplete %s in %v: %s", "cannot be computed: a value in it is only a type, {0}"},
	{"adding field %v not allowed as field set was already referenced", "adds the field {0} to an object whose fields it reads"},
	{"empty list in call to or", "chooses from an empty list"},
}

// notAllowed is CUE's format for a field that a definition does not have.
const notAllowed = "field not allowed"

// text translates one error. Strings in quotes may be data, so they are masked at a path of a secret.
func (m *cueMistake) text(e cueerrors.Error) string {
	format, args := e.Msg()
	text := m.translate(e, format, args)
	if m.secret {
		text = quoted.ReplaceAllString(text, "…")
	}
	return text
}

// translate returns the words for an error, or CUE's own on one line.
func (m *cueMistake) translate(e cueerrors.Error, format string, args []any) string {
	for _, t := range translations {
		if t.format == format {
			return t.fill(args)
		}
	}
	switch {
	case strings.HasPrefix(format, "conflicting values") && m.s.syntax.bothData(e, m.s):
		return m.twoValues(e)
	case strings.HasPrefix(format, "incomplete value"):
		return noValue(fmt.Sprint(args...))
	case strings.HasPrefix(format, "unresolved disjunction"):
		return "cannot be computed: a value in it is still a choice of several"
	case strings.Contains(format, "cycle"), strings.Contains(format, "cyclic"):
		return "refers to itself (a cycle)"
	}
	if want, got := m.constraint(e, ""); strings.HasPrefix(want, "not be ") {
		return "must " + want // it got what it must not be
	} else if want != "" {
		return fmt.Sprintf("must %s, got %s", want, m.show(got))
	}
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	if cause := errors.Unwrap(e); cause != nil {
		text += ": " + strings.Join(strings.Fields(cause.Error()), " ")
	}
	return text
}

// noValue words the mistake of a field with a type or a choice, but no value.
func noValue(open string) string {
	open = strings.Join(strings.Fields(open), " ")
	if open == "_" {
		return "needs a value"
	}
	return "needs a value: " + shorten(typeWords(open), 60)
}

// twoValues reports two values for one field. The values themselves are at the two places, so neither is repeated.
func (m *cueMistake) twoValues(e cueerrors.Error) string {
	m.rule = Place{}
	for _, at := range m.s.syntax.data(e, m.s) {
		if at != m.at {
			return fmt.Sprintf("has two different values; the other one is at %s", at.Pos(""))
		}
	}
	return "has two different values"
}

// locate sets the places of value and rule from an error's positions.
func (m *cueMistake) locate(e cueerrors.Error) {
	m.at, m.rule = m.s.syntax.places(e, m.s)
}

// written reports whether a position is in a file of the user. The definitions are parsed under their import path.
func written(pos token.Pos) bool {
	return pos.IsValid() && !strings.HasPrefix(pos.Filename(), ImportPath+"/")
}
