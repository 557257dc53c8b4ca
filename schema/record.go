package schema

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// node is a value of a manifest with its place and path. A value with a key has the key's place.
type node struct {
	value *manifest.Tree
	at    manifest.Place
	path  string
	trace *trace // nil in a plain build
}

// fieldOf returns the node of a field of the object.
func (n node) fieldOf(f manifest.Field) node {
	return node{f.Value, f.At, report.Member(n.path, f.Key), n.trace}
}

// pos returns the node's place for a report.
func (n node) pos() report.Pos { return n.at.Pos(n.path) }

// items returns the items of a list. Their indices are those of the file, so removed items are counted.
func (n node) items() []node {
	var items []node
	i := 0
	for _, item := range n.value.Items {
		for n.value.Reported[report.Index("", i)] {
			i++ // an item of no use stood here
		}
		items = append(items, node{item, item.At, report.Index(n.path, i), n.trace})
		i++
	}
	return items
}

// entry is a key of an object with its value.
type entry struct {
	key string
	node
}

// entries returns an object's entries, sorted by key.
func (n node) entries() []entry {
	var entries []entry
	for _, f := range n.value.Fields {
		entries = append(entries, entry{f.Key, n.fieldOf(f)})
	}
	sortEntries(entries)
	return entries
}

// sortEntries sorts entries by key, so the order in a file has no influence on the model.
func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
}

// record is an object of a manifest while it is converted into the model: its fields, and the defaults of absent
// fields. The definitions have checked its values: they have the right type, or are absent.
type record struct {
	report   *report.Report
	at       report.Pos
	fields   map[string]node
	reported map[string]bool // fields whose value was of no use, and is reported
	defaults *manifest.Tree

	trace *trace         // nil in a plain build
	tree  *manifest.Tree // the object that the record is of, for the trace
}

// record returns a record of an object.
func (n node) record(r *report.Report, defaults *manifest.Tree) record {
	fields := make(map[string]node, len(n.value.Fields))
	rec := record{
		report: r, at: n.pos(), fields: fields, reported: n.value.Reported, defaults: defaults, trace: n.trace, tree: n.value,
	}
	for _, f := range n.value.Fields {
		rec.fields[f.Key] = n.fieldOf(f)
	}
	return rec
}

// node returns the model's node of the record.
func (r record) node() Node {
	written := make([]fieldPos, 0, len(r.fields))
	for key, f := range r.fields {
		written = append(written, fieldPos{key, f.pos()})
	}
	return newNode(r.at, written)
}

// posOf returns the place of a field. An absent field has the record's place and the field's path.
func (r record) posOf(name string) report.Pos {
	if n, ok := r.fields[name]; ok {
		return n.pos()
	}
	at := r.at
	at.Path = report.Member(at.Path, name)
	return at
}

// errorf reports a mistake at a field.
func (r record) errorf(name, format string, args ...any) {
	r.report.Errorf(r.posOf(name), format, args...)
}

// warnf reports a warning at a field.
func (r record) warnf(name, format string, args ...any) {
	r.report.Warnf(r.posOf(name), format, args...)
}

// notef reports a note at a field.
func (r record) notef(name, format string, args ...any) {
	r.report.Notef(r.posOf(name), format, args...)
}

// has reports whether the manifest has a field with a valid value.
func (r record) has(name string) bool { _, ok := r.fields[name]; return ok }

// unknown reports whether a field, or something in it, was invalid and has been removed. Its real value is unknown
// then, so checks that depend on it are skipped: a second mistake about the same value would only distract from
// the first one.
func (r record) unknown(name string) bool {
	n, ok := r.fields[name]
	return r.reported[name] || ok && len(n.value.Reported) > 0
}

// get returns a field's value or its default, nil if there is neither.
func (r record) get(name string) *manifest.Tree {
	if n, ok := r.fields[name]; ok {
		return n.value
	}
	standard := r.defaults.Lookup(name)
	if standard != nil {
		r.trace.set(r.tree, name, standard)
	}
	return standard
}

// text returns a string, or a number as text; "" if the field is absent.
func (r record) text(name string) string {
	if t := r.get(name); t != nil {
		return t.Text
	}
	return ""
}

// number returns a whole number, 0 if the field is absent.
func (r record) number(name string) int {
	n, _ := strconv.Atoi(r.text(name))
	return n
}

// optional returns a whole number, nil if the field is absent.
func (r record) optional(name string) *int {
	if !r.has(name) {
		return nil
	}
	n := r.number(name)
	return &n
}

// flag returns a boolean. An object in its place means true.
func (r record) flag(name string) bool {
	t := r.get(name)
	return t != nil && (t.Kind == manifest.Object || t.Text == "true")
}

// list returns the items of a list. One value in place of a list is its only item.
func (r record) list(name string) []node {
	n, ok := r.fields[name]
	switch {
	case !ok:
		return nil
	case n.value.Kind == manifest.List:
		return n.items()
	}
	return []node{n}
}

// entries returns the entries of an object.
func (r record) entries(name string) []entry {
	if n, ok := r.fields[name]; ok {
		return n.entries()
	}
	return nil
}

// defaultEntries returns the entries of a field's default. They have the place at which the field is absent.
func (r record) defaultEntries(name string) (entries []entry) {
	at := r.posOf(name)
	place := manifest.Place{File: at.File, Line: at.Line, Col: at.Col}
	for _, f := range r.defaults.Lookup(name).Fields {
		entries = append(entries, entry{f.Key, node{f.Value, place, report.Member(at.Path, f.Key), r.trace}})
	}
	return entries
}

// place returns the place of the object.
func (r record) place() manifest.Place { return r.tree.At }

// child returns an object inside the record. If the field is absent or a boolean, the child is empty and has the
// field's place.
func (r record) child(name string, defaults *manifest.Tree) record {
	if n, ok := r.fields[name]; ok && n.value.Kind == manifest.Object {
		return n.record(r.report, defaults)
	}
	return record{report: r.report, at: r.posOf(name), defaults: defaults, trace: r.trace, tree: r.trace.inside(r.tree, name)}
}
