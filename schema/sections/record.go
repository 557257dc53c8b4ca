package sections

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Value is a value of a manifest with its place and path. A value with a key has the key's place.
type Value struct {
	Tree  *manifest.Tree
	At    manifest.Place
	Path  string
	trace *trace // nil in a plain build
}

// FieldOf returns a field of the object.
func (n Value) FieldOf(f manifest.Field) Value {
	return Value{f.Value, f.At, report.Member(n.Path, f.Key), n.trace}
}

// Pos returns the place of the value for a report.
func (n Value) Pos() report.Pos { return n.At.Pos(n.Path) }

// Items returns the items of a list. Their indices are those of the file, so removed items are counted.
func (n Value) Items() []Value {
	var items []Value
	i := 0
	for _, item := range n.Tree.Items {
		for n.Tree.Reported[report.Index("", i)] {
			i++ // an item of no use stood here
		}
		items = append(items, Value{item, item.At, report.Index(n.Path, i), n.trace})
		i++
	}
	return items
}

// List returns the items of a list. One value in place of a list is its only item.
func (n Value) List() []Value {
	if n.Tree.Kind == manifest.List {
		return n.Items()
	}
	return []Value{n}
}

// Entry is a key of an object with its value.
type Entry struct {
	Key string
	Value
}

// Entries returns an object's entries, sorted by key.
func (n Value) Entries() []Entry {
	var entries []Entry
	for _, f := range n.Tree.Fields {
		entries = append(entries, Entry{f.Key, n.FieldOf(f)})
	}
	SortEntries(entries)
	return entries
}

// SortEntries sorts entries by key, so the order in a file has no influence on the model.
func SortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Key, b.Key) })
}

// Record is an object of a manifest while it is converted into the model: its fields, and the defaults of absent
// fields. The definitions have checked its values: they have the right type, or are absent.
type Record struct {
	Report   *report.Report
	At       report.Pos
	Fields   map[string]Value
	Reported map[string]bool // fields whose value was of no use, and is reported
	Defaults *manifest.Tree

	trace *trace         // nil in a plain build
	tree  *manifest.Tree // the object that the record is of, for the trace
}

// Record returns a record of an object.
func (n Value) Record(r *report.Report, defaults *manifest.Tree) Record {
	fields := make(map[string]Value, len(n.Tree.Fields))
	rec := Record{
		Report: r, At: n.Pos(), Fields: fields, Reported: n.Tree.Reported, Defaults: defaults, trace: n.trace, tree: n.Tree,
	}
	for _, f := range n.Tree.Fields {
		rec.Fields[f.Key] = n.FieldOf(f)
	}
	return rec
}

// Node returns the model's node of the record.
func (r Record) Node() Node {
	written := make([]fieldPos, 0, len(r.Fields))
	for key, f := range r.Fields {
		written = append(written, fieldPos{key, f.Pos()})
	}
	return newNode(r.At, written)
}

// PosOf returns the place of a field. An absent field has the record's place and the field's path.
func (r Record) PosOf(name string) report.Pos {
	if n, ok := r.Fields[name]; ok {
		return n.Pos()
	}
	at := r.At
	at.Path = report.Member(at.Path, name)
	return at
}

// Errorf reports a mistake at a field.
func (r Record) Errorf(name, format string, args ...any) {
	r.Report.Errorf(r.PosOf(name), format, args...)
}

// Warnf reports a warning at a field.
func (r Record) Warnf(name, format string, args ...any) {
	r.Report.Warnf(r.PosOf(name), format, args...)
}

// Notef reports a note at a field.
func (r Record) Notef(name, format string, args ...any) {
	r.Report.Notef(r.PosOf(name), format, args...)
}

// Has reports whether the manifest has a field with a valid value.
func (r Record) Has(name string) bool { _, ok := r.Fields[name]; return ok }

// Unknown reports whether a field, or something in it, was invalid and has been removed. Its real value is unknown
// then, so checks that depend on it are skipped: a second mistake about the same value would only distract from
// the first one.
func (r Record) Unknown(name string) bool {
	n, ok := r.Fields[name]
	return r.Reported[name] || ok && len(n.Tree.Reported) > 0
}

// get returns a field's value or its default, nil if there is neither.
func (r Record) get(name string) *manifest.Tree {
	if n, ok := r.Fields[name]; ok {
		return n.Tree
	}
	standard := r.Defaults.Lookup(name)
	if standard != nil {
		r.trace.set(r.tree, name, standard)
	}
	return standard
}

// Text returns a string, or a number as text; "" if the field is absent.
func (r Record) Text(name string) string {
	if t := r.get(name); t != nil {
		return t.Text
	}
	return ""
}

// Number returns a whole number, 0 if the field is absent.
func (r Record) Number(name string) int {
	n, _ := strconv.Atoi(r.Text(name))
	return n
}

// Optional returns a whole number, nil if the field is absent.
func (r Record) Optional(name string) *int {
	if !r.Has(name) {
		return nil
	}
	n := r.Number(name)
	return &n
}

// Flag returns a boolean. An object in its place means true.
func (r Record) Flag(name string) bool {
	t := r.get(name)
	return t != nil && (t.Kind == manifest.Object || t.Text == "true")
}

// List returns the items of a list. One value in place of a list is its only item.
func (r Record) List(name string) []Value {
	if n, ok := r.Fields[name]; ok {
		return n.List()
	}
	return nil
}

// Entries returns the entries of an object.
func (r Record) Entries(name string) []Entry {
	if n, ok := r.Fields[name]; ok {
		return n.Entries()
	}
	return nil
}

// DefaultEntries returns the entries of a field's default. They have the place at which the field is absent.
func (r Record) DefaultEntries(name string) (entries []Entry) {
	at := r.PosOf(name)
	place := manifest.Place{File: at.File, Line: at.Line, Col: at.Col}
	for _, f := range r.Defaults.Lookup(name).Fields {
		entries = append(entries, Entry{f.Key, Value{f.Value, place, report.Member(at.Path, f.Key), r.trace}})
	}
	return entries
}

// Place returns the place of the object.
func (r Record) Place() manifest.Place { return r.tree.At }

// Child returns an object inside the record. If the field is absent or a boolean, the child is empty and has the
// field's place.
func (r Record) Child(name string, defaults *manifest.Tree) Record {
	if n, ok := r.Fields[name]; ok && n.Tree.Kind == manifest.Object {
		return n.Record(r.Report, defaults)
	}
	return Record{Report: r.Report, At: r.PosOf(name), Defaults: defaults, trace: r.trace, tree: r.trace.inside(r.tree, name)}
}
