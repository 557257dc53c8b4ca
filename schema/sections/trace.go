package sections

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// trace collects, while a section is built, the values that the builder uses and the manifest lacks: defaults, values computed
// from others, and the one form of a value with several spellings. The resolved value is the merged section with these in it,
// so it cannot disagree with the model. A plain build has no trace: all methods accept nil, and do nothing then.
//
// An object is identified by its pointer. Regions share the trees of a manifest, so each section has a trace of its own.
type trace struct {
	added  map[*manifest.Tree]map[string]manifest.Field // a field with a nil value is left out
	homes  map[*manifest.Tree]home                      // of objects that the manifest lacks
	merged map[string][]Entry                           // fields that are merged key by key
	others map[*manifest.Tree]*manifest.Tree            // values that stand for a written one in another form
	closed bool                                         // the value is made: later reads of the section add nothing
}

// home is the place of an object inside another one.
type home struct {
	tree *manifest.Tree
	name string
}

// newTrace returns an empty trace, for one section.
func newTrace() *trace {
	return &trace{
		added:  map[*manifest.Tree]map[string]manifest.Field{},
		homes:  map[*manifest.Tree]home{},
		merged: map[string][]Entry{},
		others: map[*manifest.Tree]*manifest.Tree{},
	}
}

// set records a default, unless the field has a computed value.
func (t *trace) set(in *manifest.Tree, name string, value *manifest.Tree) {
	if t == nil || t.closed {
		return
	}
	if _, known := t.added[in][name]; !known {
		t.put(in, manifest.Field{Key: name, Value: value})
	}
}

// put records a field's value. It replaces the one in the manifest, and keeps its place.
func (t *trace) put(in *manifest.Tree, f manifest.Field) {
	if t == nil || t.closed {
		return
	}
	if t.added[in] == nil {
		t.added[in] = map[string]manifest.Field{}
		if at, ok := t.homes[in]; ok {
			t.put(at.tree, manifest.Field{Key: at.name, Value: in})
		}
	}
	t.added[in][f.Key] = f
}

// inside returns an object for a field that the manifest lacks, or has as true. The object becomes part of the resolved value
// when a field is recorded in it.
func (t *trace) inside(in *manifest.Tree, name string) *manifest.Tree {
	if t == nil {
		return nil
	}
	for child, at := range t.homes {
		if at.tree == in && at.name == name {
			return child
		}
	}
	child := &manifest.Tree{Kind: manifest.Object}
	t.homes[child] = home{in, name}
	return child
}

// Derive records a computed value of a field, or the one form of a value with several spellings.
func (r Record) Derive(name string, value *manifest.Tree) {
	r.trace.put(r.tree, manifest.Field{Key: name, At: value.At, Value: value})
}

// DeriveText is derive for a string.
func (r Record) DeriveText(name, text string) {
	if r.trace != nil {
		r.Derive(name, &manifest.Tree{Kind: manifest.Text, Text: text})
	}
}

// DeriveNumber is derive for a number.
func (r Record) DeriveNumber(name, digits string) {
	if r.trace != nil {
		r.Derive(name, &manifest.Tree{Kind: manifest.Number, Text: digits})
	}
}

// DeriveFlag is derive for a boolean.
func (r Record) DeriveFlag(name string, value bool) {
	if r.trace != nil {
		r.Derive(name, &manifest.Tree{Kind: manifest.Boolean, Text: strconv.FormatBool(value)})
	}
}

// DeriveList is derive for a list of strings. Items of the manifest keep their places.
func (r Record) DeriveList(name string, texts []string) {
	if r.trace == nil {
		return
	}
	written := r.List(name)
	list := &manifest.Tree{Kind: manifest.List}
	for i, text := range texts {
		item := &manifest.Tree{Kind: manifest.Text, Text: text}
		if len(written) == len(texts) {
			item.At = written[i].At
		} else if len(written) > 0 {
			item.At = r.Fields[name].At
		}
		list.Items = append(list.Items, item)
	}
	r.Derive(name, list)
}

// LeaveOut leaves a field out of the resolved value, because another field says the same.
func (r Record) LeaveOut(name string) { r.trace.put(r.tree, manifest.Field{Key: name}) }

// Drop leaves a default out of the resolved value, because it does not apply.
func (r Record) Drop(name string) {
	if !r.Has(name) {
		r.LeaveOut(name)
	}
}

// Put records a field of the object.
func (n Value) Put(f manifest.Field) { n.trace.put(n.Tree, f) }

// Traced reports whether the resolved value is wanted.
func (n Value) Traced() bool { return n.trace != nil }

// Replace records another form of a written value.
func (n Value) Replace(value *manifest.Tree) {
	if n.trace != nil {
		n.trace.others[n.Tree] = value
	}
}

// Untraced returns the record for reading defaults that do not apply.
func (r Record) Untraced() Record {
	r.trace = nil
	return r
}

// Resolve returns the section as one value, and closes the trace. name is the app's or orbit's.
func (s Section) Resolve(extra ...Value) *resolved.Section {
	out := &resolved.Section{At: s.At, Paths: map[*manifest.Tree]string{}}
	for _, key := range slices.Sorted(maps.Keys(s.Fields)) {
		s.tree.Fields = append(s.tree.Fields, manifest.Field{Key: key, At: s.Fields[key].At, Value: s.Fields[key].Tree})
	}
	paths := map[string]map[string]string{}
	for name, entries := range s.trace.merged {
		if len(entries) == 0 && !s.Has(name) {
			continue
		}
		paths[name] = map[string]string{}
		whole := &manifest.Tree{Kind: manifest.Object}
		for _, e := range entries {
			key := shortRange(name, e.Key)
			paths[name][key] = e.Path
			whole.Fields = append(whole.Fields, manifest.Field{Key: key, At: e.At, Value: e.Tree})
		}
		s.trace.put(s.tree, manifest.Field{Key: name, Value: whole})
	}
	for _, n := range extra {
		s.tree.Fields = append(s.tree.Fields, manifest.Field{Key: n.Path, At: n.At, Value: n.Tree})
	}
	out.Tree = s.trace.resolve(s.tree)
	s.trace.closed = true
	for _, f := range out.Tree.Fields {
		out.Paths[f.Value] = s.PosOf(f.Key).Path
		for _, inner := range f.Value.Fields {
			if path, ok := paths[f.Key][inner.Key]; ok {
				out.Paths[inner.Value] = path
			}
		}
	}
	for _, n := range extra {
		out.Paths[out.Tree.Lookup(n.Path)] = n.Path
	}
	return out
}

// shortRange returns a key of private_ports as users write it: 80 for 80-80. Other keys stay.
func shortRange(field, key string) string {
	if from, to, ok := strings.Cut(key, "-"); ok && field == "private_ports" && from == to {
		return from
	}
	return key
}

// resolve returns a copy of a value with everything recorded in it, its fields sorted by key. Values without a place are
// defaults.
func (t *trace) resolve(v *manifest.Tree) *manifest.Tree {
	if other := t.others[v]; other != nil {
		v = other
	}
	out := &manifest.Tree{Kind: v.Kind, At: v.At, Text: v.Text}
	for _, item := range v.Items {
		out.Items = append(out.Items, t.resolve(item))
	}
	added := t.added[v]
	for _, f := range v.Fields {
		if _, replaced := added[f.Key]; !replaced {
			out.Fields = append(out.Fields, manifest.Field{Key: f.Key, At: f.At, Value: t.resolve(f.Value)})
		}
	}
	for key, f := range added {
		if f.Value == nil {
			continue
		}
		value, at := t.resolve(f.Value), f.At
		if written := v.Field(key); written != nil && at.File == "" {
			at, value.At = written.At, written.Value.At
		}
		out.Fields = append(out.Fields, manifest.Field{Key: key, At: at, Value: value})
	}
	slices.SortFunc(out.Fields, func(a, b manifest.Field) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Extra returns the value of a text that the section lacks, such as the app's name.
func Extra(name, text string, at report.Pos) Value {
	place := manifest.Place{File: at.File, Line: at.Line, Col: at.Col}
	return Value{Tree: &manifest.Tree{Kind: manifest.Text, Text: text, At: place}, At: place, Path: name}
}
