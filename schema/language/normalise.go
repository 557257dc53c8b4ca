package language

import (
	"regexp"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
)

// normalise brings a manifest into the one form that the definitions are checked against, where it is: null is absent
// (but an object remembers the key: a region can so remove what it would inherit), boolean words become booleans, and
// numbers in quotes become numbers where a number is meant. Shapes that don't fit are left alone, to be explained later.
func normalise(t *manifest.Tree, s *typeInfo) {
	switch {
	case s == nil || s.anything:
	case t.Kind == manifest.Object:
		normaliseFields(t, s)
	case t.Kind == manifest.List:
		for _, item := range t.Items {
			normalise(item, s.element())
		}
	case s.flag:
		normaliseFlag(t)
	case s.numeric && t.Kind == manifest.Text:
		normaliseNumber(t)
	}
}

func normaliseFields(t *manifest.Tree, s *typeInfo) {
	kept := t.Fields[:0]
	for _, f := range t.Fields {
		known := s.field(f.Key)
		if f.Value.Kind == manifest.Null && known != nil {
			t.Removed = append(t.Removed, f)
			continue
		}
		normalise(f.Value, known)
		kept = append(kept, f)
	}
	t.Fields = kept
}

// words are what yes and no have always been called.
var words = map[string]string{
	"1": "true", "yes": "true", "enabled": "true", "true": "true", "please": "true",
	"0": "false", "no": "false", "disabled": "false", "false": "false",
}

func normaliseFlag(t *manifest.Tree) {
	if word, ok := words[strings.ToLower(t.Text)]; ok && t.Kind != manifest.Boolean {
		t.Kind, t.Text = manifest.Boolean, word
	}
}

var plainDecimal = regexp.MustCompile(`^(-?)0*([0-9]+)(\.[0-9]+)?$`)

func normaliseNumber(t *manifest.Tree) {
	if plainDecimal.MatchString(t.Text) {
		t.Kind, t.Text = manifest.Number, plainDecimal.ReplaceAllString(t.Text, "$1$2$3")
	}
}
