package schema

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// node is a value of a manifest with its place (its key's, when it has one) and the path that reports show.
type node struct {
	value *manifest.Tree
	at    manifest.Place
	path  string
}

func (n node) pos() report.Pos { return n.at.Pos(n.path) }

// items are the items of a list.
func (n node) items() []node {
	var items []node
	i := 0
	for _, item := range n.value.Items {
		for n.value.Reported[report.Index("", i)] {
			i++ // an item of no use stood here
		}
		items = append(items, node{item, item.At, report.Index(n.path, i)})
		i++
	}
	return items
}

// entry is a key of an object with its value.
type entry struct {
	key string
	node
}

// entries are an object's fields, sorted by key.
func (n node) entries() []entry {
	var entries []entry
	for _, f := range n.value.Fields {
		entries = append(entries, entry{f.Key, node{f.Value, f.At, report.Member(n.path, f.Key)}})
	}
	sortEntries(entries)
	return entries
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
}

// record is an object of a manifest on its way into the model: its fields, and the defaults of those that it lacks. Its
// values have been checked: they are of the kind that the definitions want, or absent.
type record struct {
	report   *report.Report
	at       report.Pos
	fields   map[string]node
	reported map[string]bool // fields whose value was of no use, and is reported
	defaults *manifest.Tree
}

// record makes a record of an object.
func (n node) record(r *report.Report, defaults *manifest.Tree) record {
	rec := record{report: r, at: n.pos(), fields: make(map[string]node, len(n.value.Fields)), reported: n.value.Reported, defaults: defaults}
	for _, f := range n.value.Fields {
		rec.fields[f.Key] = node{f.Value, f.At, report.Member(n.path, f.Key)}
	}
	return rec
}

// node is the model's node of the record.
func (r record) node() Node {
	written := make([]fieldPos, 0, len(r.fields))
	for key, f := range r.fields {
		written = append(written, fieldPos{key, f.pos()})
	}
	return newNode(r.at, written)
}

// posOf is where a field is written, else the record's own place with the field's path.
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

// has says whether the manifest has a field that is of use.
func (r record) has(name string) bool { _, ok := r.fields[name]; return ok }

// unknown says whether a field was written but is of no use, or something in it isn't: nothing can be said about it then.
func (r record) unknown(name string) bool {
	n, ok := r.fields[name]
	return r.reported[name] || ok && len(n.value.Reported) > 0
}

// get is a field's value, or its default, or nil.
func (r record) get(name string) *manifest.Tree {
	if n, ok := r.fields[name]; ok {
		return n.value
	}
	return r.defaults.Lookup(name)
}

// text is a field that is a string, or a number that may stand for one; "" when it is absent.
func (r record) text(name string) string {
	if t := r.get(name); t != nil {
		return t.Text
	}
	return ""
}

// number is a field that is a whole number, 0 when it is absent.
func (r record) number(name string) int {
	n, _ := strconv.Atoi(r.text(name))
	return n
}

// optional is a field that is a whole number, nil when it is absent.
func (r record) optional(name string) *int {
	if !r.has(name) {
		return nil
	}
	n := r.number(name)
	return &n
}

// flag is a field that is yes or no; an object in its place is yes.
func (r record) flag(name string) bool {
	t := r.get(name)
	return t != nil && (t.Kind == manifest.Object || t.Text == "true")
}

// list are the items of a field that is a list, or one string in its place; none when it is absent.
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

// entries are the keys of a field that is an object.
func (r record) entries(name string) []entry {
	if n, ok := r.fields[name]; ok {
		return n.entries()
	}
	return nil
}

// child is a field that is an object; an empty one in the field's place when it is absent, or yes or no.
func (r record) child(name string, defaults *manifest.Tree) record {
	if n, ok := r.fields[name]; ok && n.value.Kind == manifest.Object {
		return n.record(r.report, defaults)
	}
	return record{report: r.report, at: r.posOf(name), defaults: defaults}
}
