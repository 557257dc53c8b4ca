package manifest

import (
	"slices"

	"github.com/pebble/spacel/schema/report"
)

// Tree is a manifest as plain data, independent of its format. Each value has its place in the file. An app
// directory yields one tree with values from several files.
// The readers make it, package language checks it and removes invalid parts, and package schema reads it into the model.
type Tree struct {
	Kind   Kind
	At     Place
	Text   string  // of a scalar: the string, the number as written, true or false
	Fields []Field // of an object, in the order written; no key twice
	Items  []*Tree // of a list

	Removed  []Field          // of an object after normalise: the keys whose value was null
	Refused  []report.Problem // of a root that CUE refuses although its data may be valid: reported if nothing else is
	Unknown  []report.Problem // of a root: fields that a definition of the user does not have, reported unless another problem has the path
	Reported map[string]bool  // after explain: the keys (of a list: the indices) whose value was of no use, and is reported
}

// Kind is the type of a value.
type Kind int

// The kinds are those of JSON. A Tree of any format has only these.
const (
	Null Kind = iota
	Boolean
	Number
	Text
	List
	Object
)

// Place is the start of a value: line and column, both from 1. The column counts bytes. They are 0 if only the
// file is known. In is the manifest with the value, if the file is another one, such as an imported package.
type Place struct {
	File      string
	Line, Col int
	In        string
}

// Field is a key of an object with its value. The place is the key's.
type Field struct {
	Key   string
	At    Place
	Value *Tree
}

// Field returns an object's field, nil if the object lacks it or there is no object.
func (t *Tree) Field(key string) *Field {
	if t == nil {
		return nil
	}
	for i := range t.Fields {
		if t.Fields[i].Key == key {
			return &t.Fields[i]
		}
	}
	return nil
}

// Lookup returns the value of a key, nil if the object lacks it or there is no object.
func (t *Tree) Lookup(key string) *Tree {
	if f := t.Field(key); f != nil {
		return f.Value
	}
	return nil
}

// Set sets the value of a key. An existing key keeps its position.
func (t *Tree) Set(key string, at Place, value *Tree) {
	for i := range t.Fields {
		if t.Fields[i].Key == key {
			t.Fields[i] = Field{key, at, value}
			return
		}
	}
	t.Fields = append(t.Fields, Field{key, at, value})
}

// ensure returns the object under a key, and creates it if the key is absent or null. It returns nil if the key
// holds another type.
func (t *Tree) ensure(key string, at Place) *Tree {
	value := t.Lookup(key)
	if value == nil || value.Kind == Null {
		value = &Tree{Kind: Object, At: at}
		t.Set(key, at, value)
	}
	if value.Kind != Object {
		return nil
	}
	return value
}

// Clone returns a deep copy.
func (t *Tree) Clone() *Tree {
	c := *t
	c.Fields = slices.Clone(t.Fields)
	for i := range c.Fields {
		c.Fields[i].Value = c.Fields[i].Value.Clone()
	}
	c.Items = slices.Clone(t.Items)
	for i := range c.Items {
		c.Items[i] = c.Items[i].Clone()
	}
	return &c
}

// MarkReported records a key whose value was invalid: it has been reported, and is removed.
func (t *Tree) MarkReported(key string) {
	if t.Reported == nil {
		t.Reported = map[string]bool{}
	}
	t.Reported[key] = true
}

// String names the type in a user's words.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// Pos returns the place for a report, with the path of the field.
func (p Place) Pos(path string) report.Pos {
	return report.Pos{File: p.File, Line: p.Line, Col: p.Col, Path: path, In: p.In}
}
