package language

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// explainer walks a manifest that its definition refuses. It reports every mistake, and removes the invalid values
// from the tree.
type explainer struct {
	report   *report.Report
	regions  []string // that a misspelt section may be meant for
	mistakes int
	levels   []level // the objects around the value that is checked, the whole manifest first
}

// errorf reports a mistake and counts it.
func (e *explainer) errorf(at manifest.Place, path, format string, args ...any) {
	e.mistakes++
	e.report.Errorf(at.Pos(path), format, args...)
}

// object checks an object's fields, and reports required ones that are missing. A required field with an invalid
// value has been reported already.
func (e *explainer) object(t *manifest.Tree, s *typeInfo, path string, secret bool) {
	e.levels = append(e.levels, level{s, path})
	defer func() { e.levels = e.levels[:len(e.levels)-1] }()
	kept := t.Fields[:0]
	for _, f := range t.Fields {
		if e.field(f, s, path, secret) {
			kept = append(kept, f)
			continue
		}
		t.MarkReported(f.Key)
	}
	t.Fields = kept
	_, required := s.known()
	for _, name := range required {
		if t.Lookup(name) == nil && !t.Reported[name] {
			e.errorf(t.At, report.Member(path, name), "is missing: it %s", s.field(name).wants())
		}
	}
}

// choice lists the known names for a message, when there are few of them.
func choice(names []string) string {
	if len(names) > 8 {
		return ""
	}
	return "; known fields: " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// field checks one field and returns whether to keep it. At the top level a region's name is a valid key too, so a
// suggestion may be a region. A field that is known at another level comes before a name that is only similar.
func (e *explainer) field(f manifest.Field, s *typeInfo, path string, secret bool) bool {
	inner := s.field(f.Key)
	path = report.Member(path, f.Key)
	if inner != nil {
		return e.value(f.Value, inner, f.At, path, secret || s.secret)
	}
	if s.keys != "" {
		e.errorf(f.At, path, "the key must be %s", s.keys)
		return false
	}
	names, _ := s.known()
	if !strings.Contains(path, ".") {
		names = slices.Concat(names, e.regions)
	}
	e.errorf(f.At, path, "unknown field%s", cmp.Or(e.misplaced(f.Key, names), report.Suggest(f.Key, names), choice(names)))
	return false
}

// misplaced returns a hint for a field that is known at another level. A field that is known below and begins the name of a field
// here, as hostname and hostnames, gets both hints, since either may be meant.
func (e *explainer) misplaced(key string, names []string) string {
	other, similar := e.elsewhere(key), report.Suggest(key, names)
	if lower, ok := strings.CutPrefix(other, "; it belongs one level lower:"); ok && strings.HasPrefix(similar, "; did you mean "+key) {
		return similar + " Or one level lower," + lower
	}
	return other
}

// value checks a value and returns whether to keep it. An object or a list is kept where one is allowed, even if
// some of its contents were removed. secret marks values that no message may show; it is inherited by everything
// inside.
func (e *explainer) value(t *manifest.Tree, s *typeInfo, at manifest.Place, path string, secret bool) bool {
	secret = secret || s.secret
	switch {
	case s.anything:
		return true
	case t.Kind == manifest.Object && s.object.Exists():
		e.object(t, s, path, secret)
		return true
	case t.Kind == manifest.List && s.items.Exists():
		e.list(t, s, path, secret)
		return true
	case s.accepts(t):
		return true
	}
	e.errorf(at, path, "%s, got %s%s", s.wants(), got(t, secret), s.hint(t, secret))
	return false
}

// list checks the items of a list, and removes invalid ones.
func (e *explainer) list(t *manifest.Tree, s *typeInfo, path string, secret bool) {
	kept := t.Items[:0]
	for i, item := range t.Items {
		if e.value(item, s.element(), item.At, report.Index(path, i), secret) {
			kept = append(kept, item)
			continue
		}
		t.MarkReported(report.Index("", i))
	}
	t.Items = kept
}

// accepts reports whether a scalar matches one of the type's alternatives.
func (s *typeInfo) accepts(t *manifest.Tree) bool {
	if t.Kind == manifest.List || t.Kind == manifest.Object {
		return false
	}
	value := s.of.context.BuildExpr(t.Syntax())
	return slices.ContainsFunc(s.scalar, func(form cue.Value) bool {
		return form.Unify(value).Validate(cue.Concrete(true)) == nil
	})
}

// wants returns the expectation for a message: "must be" and the words of the definition or, if it has none, the
// kinds of values.
func (s *typeInfo) wants() string {
	if s.anything {
		return "must have a value"
	}
	forms := s.words()
	if s.items.Exists() {
		forms = append(forms, "a list of "+s.element().plural())
	}
	if s.object.Exists() {
		forms = append(forms, "an object")
	}
	return "must be " + strings.Join(forms, " or ")
}

// words returns the text of the definition's error("must be …") alternatives, without "must be". error() never
// matches, so unifying it with any value yields its message. Without such an alternative the words are the kinds
// of values.
func (s *typeInfo) words() []string {
	var words []string
	var kinds cue.Kind
	misfit := s.of.context.Encode(struct{}{})
	for _, form := range s.scalar {
		kinds |= form.IncompleteKind()
		for _, e := range errors.Errors(form.Unify(misfit).Err()) {
			format, args := e.Msg()
			if own, ok := strings.CutPrefix(fmt.Sprintf(format, args...), "must be "); ok {
				words = append(words, own)
			}
		}
	}
	if words == nil && kinds != 0 {
		return []string{kindWords(kinds)}
	}
	return slices.Compact(words)
}

// kindWords names kinds of scalars in a user's words.
func kindWords(k cue.Kind) string {
	var words []string
	for _, known := range []struct {
		kind cue.Kind
		word string
	}{{cue.StringKind, "a string"}, {cue.NumberKind, "a number"}, {cue.BoolKind, "true or false"}} {
		if k&known.kind != 0 {
			words = append(words, known.word)
		}
	}
	return strings.Join(words, ", ")
}

// plural names the items of a list.
func (s *typeInfo) plural() string {
	switch {
	case s.object.Exists():
		return "objects"
	case s.kinds == cue.StringKind:
		return "strings"
	}
	return "values"
}

// got describes the actual value for a message. Long text is cut, and a secret is not shown.
func got(t *manifest.Tree, secret bool) string {
	const most = 60
	switch {
	case t.Kind == manifest.List || t.Kind == manifest.Object || t.Kind == manifest.Null || secret:
		return t.Kind.String()
	case t.Kind == manifest.Text && len(t.Text) > most:
		return fmt.Sprintf("%q…", strings.ToValidUTF8(t.Text[:most], ""))
	case t.Kind == manifest.Text:
		return fmt.Sprintf("%q", t.Text)
	}
	return t.Text
}

// hint returns a hint when a single string stands in place of a list of strings, or a secret in plain text.
func (s *typeInfo) hint(t *manifest.Tree, secret bool) string {
	if t.Kind == manifest.Text && s.secret && s.object.Exists() && len(s.scalar) == 0 {
		return `; plain text is refused: write {from: "secret:NAME#KEY"}, or an encrypted payload of spacel secret encrypt`
	}
	if t.Kind != manifest.Text || secret || !s.items.Exists() || s.element().kinds&cue.StringKind == 0 {
		return ""
	}
	return fmt.Sprintf("; write [%q]", t.Text)
}
