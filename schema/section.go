package schema

import (
	"maps"
	"slices"
	"strings"
)

// manifest is a checked tree on its way into the model.
type manifest struct {
	*loader
	root node
}

// part is a field of the manifest; its value is nil when there is none.
func (m manifest) part(name string) node {
	f := m.root.value.field(name)
	if f == nil {
		return node{}
	}
	return node{f.value, f.at, member(m.root.path, name)}
}

// section is what an orbit or an app says of one region: the region's own fields before those in all, and the defaults.
type section struct {
	record
	region string
	all    node // value nil when the manifest has none
	own    node
}

// section merges what a manifest says of a region. Scalars, lists and objects replace each other whole; what is merged key
// by key is asked for with merged.
func (m manifest) section(region string, defaults *tree) section {
	s := section{region: region, all: m.part("all"), own: m.part(region)}
	s.record = record{Report: m.report, at: m.root.pos(), fields: map[string]node{}, spoiled: map[string]bool{}, defaults: defaults}
	for _, part := range []node{s.all, s.own} {
		if part.value == nil {
			continue
		}
		s.at = part.pos()
		for _, f := range part.value.fields {
			s.fields[f.key] = node{f.value, f.at, member(part.path, f.key)}
			delete(s.spoiled, f.key)
		}
		for key := range part.value.spoiled {
			s.spoiled[key] = true
		}
	}
	return s
}

// merged are the keys of a field that a region adds to, sorted: those inherited, then those of all, then the region's.
// A key with null takes away what it would inherit. Keys that name the same thing are one, by the name that same makes of
// a key.
func (s section) merged(name string, same func(string) string, inherited []entry) []entry {
	found := map[string]entry{}
	for _, e := range inherited {
		found[same(e.key)] = e
	}
	s.mergePart(found, s.all, name, same)
	s.mergePart(found, s.own, name, same)
	var entries []entry
	for key, e := range found {
		e.key = key
		entries = append(entries, e)
	}
	sortEntries(entries)
	return entries
}

func (s section) mergePart(found map[string]entry, part node, name string, same func(string) string) {
	f := part.value.field(name)
	if f == nil {
		return
	}
	from := node{f.value, f.at, member(part.path, name)}
	for _, gone := range f.value.removed {
		s.remove(found, entry{gone.key, node{gone.value, gone.at, member(from.path, gone.key)}}, same)
	}
	here := map[string]string{}
	for _, e := range from.entries() {
		key := same(e.key)
		if twin, ok := here[key]; ok {
			s.Errorf(e.pos(), "is the same as %s", twin)
			continue
		}
		here[key] = e.key
		if name == "services" && e.value.kind == object && len(e.value.fields)+len(e.value.spoiled) == 0 {
			s.remove(found, e, same) // as in the 2016 tool
			continue
		}
		found[key] = e
	}
}

// remove takes away an inherited key.
func (s section) remove(found map[string]entry, gone entry, same func(string) string) {
	key := same(gone.key)
	if _, ok := found[key]; !ok && !strings.HasPrefix(gone.path, "all.") {
		known := slices.Collect(maps.Keys(found))
		s.Warnf(gone.pos(), "takes away nothing: there is no such key in all%s", suggest(gone.key, known))
	}
	delete(found, key)
}
