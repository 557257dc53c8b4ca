package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// section is the part of a manifest for one region. A field of the region's own section wins over the same field
// in all, all wins over the orbit's apps, and each of them over the default.
type section struct {
	record
	region string
	shared node // the orbit's apps; value nil when there is none, as in all and own
	all    node
	own    node
}

// parts are the parts of a manifest that make the section of a region. The value of an absent part is nil.
type parts struct {
	whole  node // the manifest itself
	shared node // the orbit's apps
	all    node
	own    node
}

// merge merges the parts for one region. A scalar, a list or an object replaces an inherited one as a whole. merged reads the
// fields to merge key by key. With resolves, the section collects its resolved value.
func (p parts) merge(region string, defaults *manifest.Tree, r *report.Report, resolves bool) section {
	s := section{region: region, shared: p.shared, all: p.all, own: p.own}
	s.record = record{report: r, at: p.whole.pos(), fields: map[string]node{}, reported: map[string]bool{}, defaults: defaults}
	if resolves {
		s.trace, s.tree = newTrace(), &manifest.Tree{Kind: manifest.Object}
		s.shared.trace, s.all.trace, s.own.trace = s.trace, s.trace, s.trace
	}
	// From the weakest part to the strongest: a later field replaces an earlier one.
	for i, part := range []node{s.shared, s.all, s.own} {
		if part.value == nil {
			continue
		}
		if i > 0 { // an absent field is to be written into the app's manifest
			s.at = part.pos()
		}
		for _, f := range part.value.Fields {
			s.fields[f.Key] = part.fieldOf(f)
			// A valid value in a stronger part makes up for an invalid one in a weaker part.
			delete(s.reported, f.Key)
		}
		for key := range part.value.Reported {
			s.reported[key] = true
		}
	}
	s.noteReplaced()
	return s
}

// merged returns the entries of a field, merged key by key, sorted by key. Entries of the region win over those in
// all, and these over inherited ones. A key with null removes an inherited entry.
//
// same maps equal keys to one name: web and web.service are the same unit, 80 and 80-80 the same ports. A section
// with two equal keys is a mistake.
func (s section) merged(name string, same func(string) string, inherited []entry) []entry {
	found := map[string]entry{}
	for _, e := range inherited {
		found[same(e.key)] = e
	}
	s.mergePart(found, s.shared, name, same)
	s.mergePart(found, s.all, name, same)
	s.mergePart(found, s.own, name, same)
	var entries []entry
	for key, e := range found {
		e.key = key
		entries = append(entries, e)
	}
	sortEntries(entries)
	if s.trace != nil {
		s.trace.merged[name] = entries
	}
	return entries
}

// mergePart merges one part into the entries found so far. Keys with null come first: normalise has moved them to
// Removed.
func (s section) mergePart(found map[string]entry, part node, name string, same func(string) string) {
	f := part.value.Field(name)
	if f == nil {
		return
	}
	from := part.fieldOf(*f)
	for _, gone := range f.Value.Removed {
		s.remove(found, entry{gone.Key, from.fieldOf(gone)}, same)
	}
	here := map[string]string{}
	for _, e := range from.entries() {
		key := same(e.key)
		if other, ok := here[key]; ok {
			s.report.Errorf(e.pos(), "is the same as %s", other)
			continue
		}
		here[key] = e.key
		if name == "services" && e.value.Kind == manifest.Object && len(e.value.Fields)+len(e.value.Reported) == 0 {
			s.remove(found, e, same) // as in the 2016 tool
			continue
		}
		found[key] = e
	}
}

// remove removes an inherited entry, and warns if there is none.
func (s section) remove(found map[string]entry, gone entry, same func(string) string) {
	key := same(gone.key)
	if _, ok := found[key]; !ok && !strings.HasPrefix(gone.path, "all.") && !strings.HasPrefix(gone.path, "apps.") {
		known := slices.Collect(maps.Keys(found))
		s.report.Warnf(gone.pos(), "removes nothing: all has no such key%s", report.Suggest(gone.key, known))
	}
	delete(found, key)
}
