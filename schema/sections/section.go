// Package sections reads the fields of a checked manifest. It merges the parts that hold for a region into one section, and keeps the
// place of each field. When the resolved value is asked for, a section collects the values that the manifest lacks.
//
//	record.go    an object of a manifest, its fields and their defaults
//	section.go   the merged section of a region
//	replaced.go  notes about the fields that a region drops
//	trace.go     the resolved value
//	node.go      the place of a part of the model
package sections

import (
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Section is the part of a manifest for one region. A field of the region's own section wins over the same field
// in all, all wins over the orbit's apps, and each of them over the default.
type Section struct {
	Record
	Region string
	Shared Value // the orbit's apps; value nil when there is none, as in all and own
	All    Value
	Own    Value
}

// Parts are the parts of a manifest that make the section of a region. The value of an absent part is nil.
type Parts struct {
	Whole  Value // the manifest itself
	Shared Value // the orbit's apps
	All    Value
	Own    Value
}

// Merge merges the parts for one region. A scalar, a list or an object replaces an inherited one as a whole. merged reads the
// fields to merge key by key. With resolves, the section collects its resolved value.
func (p Parts) Merge(region string, defaults *manifest.Tree, r *report.Report, resolves bool) Section {
	s := Section{Region: region, Shared: p.Shared, All: p.All, Own: p.Own}
	s.Record = Record{Report: r, At: p.Whole.Pos(), Fields: map[string]Value{}, Reported: map[string]bool{}, Defaults: defaults}
	if resolves {
		s.trace, s.tree = newTrace(), &manifest.Tree{Kind: manifest.Object}
		s.Shared.trace, s.All.trace, s.Own.trace = s.trace, s.trace, s.trace
	}
	// From the weakest part to the strongest: a later field replaces an earlier one.
	for i, part := range []Value{s.Shared, s.All, s.Own} {
		if part.Tree == nil {
			continue
		}
		if i > 0 { // an absent field is to be written into the app's manifest
			s.At = part.Pos()
		}
		for _, f := range part.Tree.Fields {
			s.Fields[f.Key] = part.FieldOf(f)
			// A valid value in a stronger part makes up for an invalid one in a weaker part.
			delete(s.Reported, f.Key)
		}
		for key := range part.Tree.Reported {
			s.Reported[key] = true
		}
	}
	s.noteReplaced()
	return s
}

// Merged returns the entries of a field, merged key by key, sorted by key. Entries of the region win over those in
// all, and these over inherited ones. A key with null removes an inherited entry.
//
// same maps equal keys to one name: web and web.service are the same unit, 80 and 80-80 the same ports. A section
// with two equal keys is a mistake.
func (s Section) Merged(name string, same func(string) string, inherited []Entry) []Entry {
	found := map[string]Entry{}
	for _, e := range inherited {
		found[same(e.Key)] = e
	}
	s.mergePart(found, s.Shared, name, same)
	s.mergePart(found, s.All, name, same)
	s.mergePart(found, s.Own, name, same)
	var entries []Entry
	for key, e := range found {
		e.Key = key
		entries = append(entries, e)
	}
	SortEntries(entries)
	if s.trace != nil {
		s.trace.merged[name] = entries
	}
	return entries
}

// mergePart merges one part into the entries found so far. Keys with null come first: normalise has moved them to
// Removed.
func (s Section) mergePart(found map[string]Entry, part Value, name string, same func(string) string) {
	f := part.Tree.Field(name)
	if f == nil {
		return
	}
	from := part.FieldOf(*f)
	for _, gone := range f.Value.Removed {
		s.remove(found, Entry{gone.Key, from.FieldOf(gone)}, same)
	}
	here := map[string]string{}
	for _, e := range from.Entries() {
		key := same(e.Key)
		if other, ok := here[key]; ok {
			s.Report.Errorf(e.Pos(), "is the same as %s", other)
			continue
		}
		here[key] = e.Key
		if name == "services" && e.Tree.Kind == manifest.Object && len(e.Tree.Fields)+len(e.Tree.Reported) == 0 {
			s.remove(found, e, same) // as in the 2016 tool
			continue
		}
		found[key] = e
	}
}

// remove removes an inherited entry, and warns if there is none.
func (s Section) remove(found map[string]Entry, gone Entry, same func(string) string) {
	key := same(gone.Key)
	if _, ok := found[key]; !ok && !strings.HasPrefix(gone.Path, "all.") && !strings.HasPrefix(gone.Path, "apps.") {
		known := slices.Collect(maps.Keys(found))
		s.Report.Warnf(gone.Pos(), "removes nothing: all has no such key%s", report.Suggest(gone.Key, known))
	}
	delete(found, key)
}

// Emptied reports whether all entries of a field were refused. The field looks empty then, but calling it
// empty would mislead.
func (s Section) Emptied(field string) bool {
	for _, part := range []Value{s.All, s.Own} {
		if t := part.Tree.Lookup(field); t != nil && len(t.Reported) > 0 {
			return true
		}
	}
	return false
}
