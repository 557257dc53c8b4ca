package schema

import (
	"regexp"
	"slices"
)

// regionShape is what every region's name looks like, a little wider than #RegionKey.
var regionShape = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)

// likeRegion says whether a name that is no region's must have been meant for one.
func (f *facts) likeRegion(name string) bool {
	return regionShape.MatchString(name) && suggest(name, f.regionNames()) != ""
}

// knownRegion reports a name that is no region of AWS.
func (l *loader) knownRegion(name string, at Pos) bool {
	if _, ok := l.facts.regions[name]; ok {
		return true
	}
	l.report.Errorf(at, "must be a region of AWS, got %q%s", name, suggest(name, l.facts.regionNames()))
	return false
}

// regionList are the manifest's regions that AWS has, in the order written.
func (m manifest) regionList() []node {
	var regions []node
	seen := map[string]bool{}
	list := m.part("regions")
	if list.value == nil {
		return nil
	}
	for _, n := range list.items() {
		switch {
		case !m.knownRegion(n.value.text, n.pos()):
		case seen[n.value.text]:
			m.report.Warnf(n.pos(), "%s is listed twice", n.value.text)
		default:
			seen[n.value.text] = true
			regions = append(regions, n)
		}
	}
	return regions
}

// sections checks the manifest's sections of regions: each must be a region of AWS, and is of no use unless it is among
// those that the manifest is in.
func (m manifest) sections(active []string) {
	for _, f := range m.root.value.fields {
		if f.key == "name" || f.key == "regions" || f.key == "all" {
			continue
		}
		at := f.at.pos(member(m.root.path, f.key))
		if m.knownRegion(f.key, at) && !slices.Contains(active, f.key) {
			m.report.Notef(at, "is not used: the region is not in regions")
		}
	}
}
