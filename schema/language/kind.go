package language

import (
	"slices"

	"github.com/pebble/spacel/schema/manifest"
)

// OtherKind reports whether a manifest that was given as one kind is a manifest of the other kind: an orbit's where an app's
// is expected, or the other way round. Both kinds have a name, regions and sections, so only the fields of the sections tell
// them apart. Fields that stand beside the sections by mistake count, too. A few fields of the wrong kind in an otherwise
// right manifest are ordinary mistakes.
func (c *Checker) OtherKind(t *manifest.Tree, d Definition) bool {
	other := App
	if d == App {
		other = Orbit
	}
	own, foreign := c.lean.sectionFields(d), c.lean.sectionFields(other)
	mine, others := 0, 0
	count := func(fields []manifest.Field) {
		for _, f := range fields {
			switch here, there := slices.Contains(own, f.Key), slices.Contains(foreign, f.Key); {
			case here && !there:
				mine++
			case there && !here:
				others++
			}
		}
	}
	count(t.Fields)
	for _, f := range t.Fields {
		if f.Value.Kind == manifest.Object && f.Key != "apps" { // an orbit's apps have an app's fields
			count(f.Value.Fields)
		}
	}
	return others > 2*mine
}

// sectionFields returns the names of the fields of a section.
func (l *definitions) sectionFields(d Definition) []string {
	names, _ := l.rootType(d).field("all").known()
	return names
}
