package manifest

import (
	"slices"

	"github.com/pebble/spacel/schema/report"
)

// Tree is a manifest as plain data, whatever format it was written in: each value with the place it was written. An app
// directory gives one tree too, its values from several files.
type Tree struct {
	Kind   Kind
	At     Place
	Text   string  // of a scalar: the string, the number as written, true or false
	Fields []Field // of an object, in the order written; no key twice
	Items  []*Tree // of a list

	Removed  []Field         // of an object after normalise: the keys whose value was null
	Reported map[string]bool // after explain: the keys (of a list: the indices) whose value was of no use, and is reported
}

// Kind is what a value is.
type Kind int

const (
	Null Kind = iota
	Boolean
	Number
	Text
	List
	Object
)

// Place is where a value starts: line and column from 1, in bytes... 0 when only the file is known.
type Place struct {
	File      string
	Line, Col int
}

// Field is a key of an object. The place is the key's.
type Field struct {
	Key   string
	At    Place
	Value *Tree
}

// Field is an object's field by its key, nil when the object lacks it or when there is none.
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

// Lookup is the value of a key, nil when the object lacks it or when there is none.
func (t *Tree) Lookup(key string) *Tree {
	if f := t.Field(key); f != nil {
		return f.Value
	}
	return nil
}

// Set gives a key a value, in its place when the object has it.
func (t *Tree) Set(key string, at Place, value *Tree) {
	for i := range t.Fields {
		if t.Fields[i].Key == key {
			t.Fields[i] = Field{key, at, value}
			return
		}
	}
	t.Fields = append(t.Fields, Field{key, at, value})
}

// ensure is the object under a key, made there when it is absent or null; nil when the key holds something else.
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

// Clone is a copy that can be changed alone.
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

// MarkReported notes that what a key had was of no use.
func (t *Tree) MarkReported(key string) {
	if t.Reported == nil {
		t.Reported = map[string]bool{}
	}
	t.Reported[key] = true
}

// String names the kind as a user would.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// Pos is the place as reports know it, with the path of the field there.
func (p Place) Pos(path string) report.Pos {
	return report.Pos{File: p.File, Line: p.Line, Col: p.Col, Path: path}
}
