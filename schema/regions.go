package schema

import (
	"slices"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/report"
)

// knownRegion reports a name that is no region of AWS.
func knownRegion(facts *language.Facts, found *report.Report, name string, at report.Pos) bool {
	if _, ok := facts.Regions[name]; ok {
		return true
	}
	found.Errorf(at, "must be a region of AWS, got %q%s", name, report.Suggest(name, facts.RegionNames()))
	return false
}

// regionList are the manifest's regions that AWS has, in the order written.
func (m document) regionList() []node {
	var regions []node
	seen := map[string]bool{}
	list := m.part("regions")
	if list.value == nil {
		return nil
	}
	for _, n := range list.items() {
		switch {
		case !knownRegion(m.facts, m.report, n.value.Text, n.pos()):
		case seen[n.value.Text]:
			m.report.Warnf(n.pos(), "%s is listed twice", n.value.Text)
		default:
			seen[n.value.Text] = true
			regions = append(regions, n)
		}
	}
	return regions
}

// sections checks the manifest's sections of regions: each must be a region of AWS, and is of no use unless it is among
// those that the manifest is in.
func (m document) sections(active []string) {
	for _, f := range m.root.value.Fields {
		if f.Key == "name" || f.Key == "regions" || f.Key == "all" {
			continue
		}
		at := f.At.Pos(report.Member(m.root.path, f.Key))
		if knownRegion(m.facts, m.report, f.Key, at) && !slices.Contains(active, f.Key) {
			m.report.Notef(at, "is not used: the region is not in regions")
		}
	}
}
