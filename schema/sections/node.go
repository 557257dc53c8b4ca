package sections

import (
	"cmp"
	"slices"

	"github.com/pebble/spacel/schema/report"
)

// Node connects a part of the model with its place in the manifest. The compiler uses it for reports, and to tell
// a written value from a default.
type Node struct {
	Pos     report.Pos // of the part itself
	written []fieldPos // a list, not a map: there are many nodes, and few fields in each
}

// fieldPos is the place of a field in the manifest.
type fieldPos struct {
	field string
	at    report.Pos
}

// NewNode returns a node at a place. fields holds the places of the fields in the manifest.
func NewNode(at report.Pos, fields map[string]report.Pos) Node {
	written := make([]fieldPos, 0, len(fields))
	for field, at := range fields {
		written = append(written, fieldPos{field, at})
	}
	return newNode(at, written)
}

// newNode returns a node with its fields sorted, so that equal manifests give equal models.
func newNode(at report.Pos, written []fieldPos) Node {
	slices.SortFunc(written, func(a, b fieldPos) int { return cmp.Compare(a.field, b.field) })
	return Node{at, written}
}

// At returns the place of a field. An absent field has the place of the node, with the field's
// name added to the path.
func (n Node) At(field string) report.Pos {
	for _, w := range n.written {
		if w.field == field {
			return w.at
		}
	}
	at := n.Pos
	if at.Path != "" {
		field = at.Path + "." + field
	}
	at.Path = field
	return at
}

// Written reports whether the manifest has the field, in the region's section or in all. Otherwise its value is
// the default.
func (n Node) Written(field string) bool {
	return slices.ContainsFunc(n.written, func(w fieldPos) bool { return w.field == field })
}

// Fields returns the sorted names of the fields in the manifest.
func (n Node) Fields() []string {
	var names []string
	for _, w := range n.written {
		names = append(names, w.field)
	}
	slices.Sort(names)
	return names
}
