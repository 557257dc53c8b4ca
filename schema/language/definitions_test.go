package language

import (
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
)

// visit calls f with every field of a definition, those below patterns too, by its path; a pattern's name is *.
func visit(v cue.Value, path []string, f func(path []string, v cue.Value)) {
	l := &definitions{context: cuecontext.New()}
	s := l.typeInfo(v)
	if s.anything {
		return
	}
	if s.items.Exists() {
		visit(s.items.LookupPath(cue.MakePath(cue.AnyIndex)), append(path, "[]"), f)
	}
	if !s.object.Exists() {
		return
	}
	fields, err := s.object.Fields(cue.All(), cue.Patterns(true))
	if err != nil {
		return
	}
	for fields.Next() {
		name := "*"
		if sel := fields.Selector(); sel.ConstraintType() != cue.PatternConstraint {
			name = sel.Unquoted()
		}
		inner := append(slices.Clone(path), name)
		f(inner, fields.Value())
		visit(fields.Value(), inner, f)
	}
}

func forEachField(t *testing.T, f func(path string, v cue.Value)) {
	l := newLanguage(t)
	for _, name := range []string{"#Orbit", "#App"} {
		visit(l.root.LookupPath(cue.ParsePath(name)), []string{name}, func(path []string, v cue.Value) {
			f(strings.Join(path, "."), v)
		})
	}
}

func newLanguage(t *testing.T) *definitions {
	t.Helper()
	l, err := compileDefinitions(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEveryFieldIsDocumented(t *testing.T) {
	count := 0
	forEachField(t, func(path string, v cue.Value) {
		if strings.HasSuffix(path, "*") {
			return
		}
		count++
		if len(v.Doc()) == 0 {
			t.Errorf("%s has no comment", path)
		}
	})
	if count < 200 {
		t.Errorf("only %d fields were looked at", count)
	}
}

// CUE finds out that a regular expression is wrong when a value meets it, and then refuses the value for it.
func TestPatternsAreWellFormed(t *testing.T) {
	l := newLanguage(t)
	forEachField(t, func(path string, v cue.Value) {
		for _, form := range l.typeInfo(v).scalar {
			for _, text := range []string{"", "a", "1"} {
				for _, err := range errors.Errors(form.Unify(cuecontext.New().Encode(text)).Err()) {
					if strings.Contains(err.Error(), "regexp") || strings.Contains(err.Error(), "reference") {
						t.Errorf("%s: %v", path, err)
					}
				}
			}
		}
	})
}

// What a manifest may hold must be said in words: where only some strings or numbers will do, by error("must be …").
func TestConstraintsHaveWords(t *testing.T) {
	l := newLanguage(t)
	forEachField(t, func(path string, v cue.Value) {
		s := l.typeInfo(v)
		if s.anything || len(s.scalar) == 0 || s.anyText() || takesAnyString(s) {
			return
		}
		if words := s.words(); words[0] == kindWords(s.kinds) {
			t.Errorf("%s says only %q", path, words)
		}
	})
}

func takesAnyString(s *typeInfo) bool {
	return slices.ContainsFunc(s.scalar, func(form cue.Value) bool {
		return form.Unify(cuecontext.New().Encode("\x00 any")).Err() == nil
	})
}

// Where a pattern decides which keys there are, @keys says what they are.
func TestPatternsOfKeysHaveWords(t *testing.T) {
	l := newLanguage(t)
	patterns := map[string]bool{}
	owners := map[string]string{}
	forEachField(t, func(path string, v cue.Value) {
		owners[path] = l.typeInfo(v).keys
		if owner, ok := strings.CutSuffix(path, ".*"); ok && strings.Contains(owner, ".") {
			patterns[owner] = true
		}
	})
	any := []string{"patterns", "condition.*", "Conditions.*", "patch.*"} // where any key will do
	for owner := range patterns {
		if owners[owner] == "" && !slices.ContainsFunc(any, func(end string) bool { return strings.HasSuffix(owner, end) }) {
			t.Errorf("%s has no @keys", owner)
		}
	}
}
