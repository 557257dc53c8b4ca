package schema

import (
	"regexp"
	"strings"
)

// normalise brings a manifest into the one form that the definitions are checked against, where it is: null is absent
// (but an object remembers the key: a region can so remove what it would inherit), boolean words become booleans, and
// numbers in quotes become numbers where a number is meant. Shapes that don't fit are left alone, to be explained later.
func normalise(t *tree, s *shape) {
	switch {
	case s == nil || s.anything:
	case t.kind == object:
		normaliseFields(t, s)
	case t.kind == list:
		for _, item := range t.items {
			normalise(item, s.element())
		}
	case s.flag:
		normaliseFlag(t)
	case s.numeric && t.kind == text:
		normaliseNumber(t)
	}
}

func normaliseFields(t *tree, s *shape) {
	kept := t.fields[:0]
	for _, f := range t.fields {
		known := s.field(f.key)
		if f.value.kind == null && known != nil {
			t.removed = append(t.removed, f)
			continue
		}
		normalise(f.value, known)
		kept = append(kept, f)
	}
	t.fields = kept
}

// words are what yes and no have always been called.
var words = map[string]string{
	"1": "true", "yes": "true", "enabled": "true", "true": "true", "please": "true",
	"0": "false", "no": "false", "disabled": "false", "false": "false",
}

func normaliseFlag(t *tree) {
	if word, ok := words[strings.ToLower(t.text)]; ok && t.kind != boolean {
		t.kind, t.text = boolean, word
	}
}

var plainDecimal = regexp.MustCompile(`^(-?)0*([0-9]+)(\.[0-9]+)?$`)

func normaliseNumber(t *tree) {
	if plainDecimal.MatchString(t.text) {
		t.kind, t.text = number, plainDecimal.ReplaceAllString(t.text, "$1$2$3")
	}
}
