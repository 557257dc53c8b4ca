package language

import (
	"regexp"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
)

// normalise converts a manifest, in place, into the one form in the definitions. Boolean words become
// booleans, and numbers in quotes become numbers where a number is expected. A field with null is removed; the
// object remembers the key in Removed, because a region uses null to remove an inherited value. Values
// of a wrong type stay as they are, for explain to report.
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

// normaliseFields normalises an object's fields, and moves fields with null to Removed. An unknown field with null
// stays, and is reported later.
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

// words maps the accepted words for true and false, in lower case.
var words = map[string]string{
	"1": "true", "yes": "true", "enabled": "true", "true": "true", "please": "true",
	"0": "false", "no": "false", "disabled": "false", "false": "false",
}

// normaliseFlag converts a boolean word.
func normaliseFlag(t *manifest.Tree) {
	if word, ok := words[strings.ToLower(t.Text)]; ok && t.Kind != manifest.Boolean {
		t.Kind, t.Text = manifest.Boolean, word
	}
}

var plainDecimal = regexp.MustCompile(`^(-?)0*([0-9]+)(\.[0-9]+)?$`)

// normaliseNumber converts a decimal number in quotes, and drops leading zeros.
func normaliseNumber(t *manifest.Tree) {
	if plainDecimal.MatchString(t.Text) {
		t.Kind, t.Text = manifest.Number, plainDecimal.ReplaceAllString(t.Text, "$1$2$3")
	}
}
