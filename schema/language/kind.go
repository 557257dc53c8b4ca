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
	mine, others := 0, 0
	count := func(fields []manifest.Field, own, foreign []string) {
		for _, f := range fields {
			switch here, there := slices.Contains(own, f.Key), slices.Contains(foreign, f.Key); {
			case here && !there:
				mine++
			case there && !here:
				others++
			}
		}
	}
	own, foreign := c.lean.sectionFields(d), c.lean.sectionFields(other)
	count(t.Fields, slices.Concat(own, c.lean.rootFields(d)), slices.Concat(foreign, c.lean.rootFields(other)))
	for _, f := range t.Fields {
		if f.Value.Kind == manifest.Object && f.Key != "apps" { // an orbit's apps have an app's fields
			count(f.Value.Fields, own, foreign)
		}
	}
	return others > 2*mine
}

// rootFields returns the names of the fields at the top of a manifest, without the regions.
func (l *definitions) rootFields(d Definition) []string {
	names, _ := l.rootType(d).known()
	return names
}

// sectionFields returns the names of the fields of a section.
func (l *definitions) sectionFields(d Definition) []string {
	names, _ := l.rootType(d).field("all").known()
	return names
}
