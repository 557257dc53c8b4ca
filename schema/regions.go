package schema

import (
	"slices"

	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// regionList returns the manifest's list of regions, without unknown names and duplicates, in the order written.
func (m document) regionList() []sections.Value {
	var regions []sections.Value
	seen := map[string]bool{}
	list := m.part("regions")
	if list.Tree == nil {
		return nil
	}
	for _, n := range list.Items() {
		switch {
		case !m.facts.CheckRegion(m.report, n.Tree.Text, n.Pos()):
		case seen[n.Tree.Text]:
			m.report.Warnf(n.Pos(), "%s is listed twice", n.Tree.Text)
		default:
			seen[n.Tree.Text] = true
			regions = append(regions, n)
		}
	}
	return regions
}

// wholeFields are the fields of an orbit's manifest that are no region's section.
var wholeFields = []string{"name", "regions", "all", "apps", "account", "role", "permissions_boundary"}

// sections checks the manifest's sections for regions. A section for an unknown region is a mistake. A section for
// a region outside of the manifest's list has no effect and gets a note.
func (m document) sections(active []string) {
	for _, f := range m.root.Tree.Fields {
		if slices.Contains(wholeFields, f.Key) {
			continue
		}
		at := f.At.Pos(report.Member(m.root.Path, f.Key))
		if m.facts.CheckRegion(m.report, f.Key, at) && !slices.Contains(active, f.Key) {
			m.report.Notef(at, "is not used: the region is not in regions")
		}
	}
}
