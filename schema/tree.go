package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tree is a manifest as plain data, whatever format it was written in: each value with the place it was written. An app
// directory gives one tree too, its values from several files.
type tree struct {
	kind   kind
	at     place
	text   string  // of a scalar: the string, the number as written, true or false
	fields []field // of an object, in the order written; no key twice
	items  []*tree // of a list

	removed []field         // of an object after normalise: the keys whose value was null
	spoiled map[string]bool // after explain: the keys (of a list: the indices) whose value was of no use, and is reported
}

// kind is what a value is.
type kind int

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

// place is where a value starts: line and column from 1, in bytes... 0 when only the file is known.
type place struct {
	file      string
	line, col int
}

// field is a key of an object. The place is the key's.
type field struct {
	key   string
	at    place
	value *tree
}

// field is an object's field by its key, nil when the object lacks it or when there is none.
func (t *tree) field(key string) *field {
	if t == nil {
		return nil
	}
	for i := range t.fields {
		if t.fields[i].key == key {
			return &t.fields[i]
		}
	}
	return nil
}

// lookup is the value of a key, nil when the object lacks it or when there is none.
func (t *tree) lookup(key string) *tree {
	if f := t.field(key); f != nil {
		return f.value
	}
	return nil
}

// set gives a key a value, in its place when the object has it.
func (t *tree) set(key string, at place, value *tree) {
	for i := range t.fields {
		if t.fields[i].key == key {
			t.fields[i] = field{key, at, value}
			return
		}
	}
	t.fields = append(t.fields, field{key, at, value})
}

// ensure is the object under a key, made there when it is absent or null; nil when the key holds something else.
func (t *tree) ensure(key string, at place) *tree {
	value := t.lookup(key)
	if value == nil || value.kind == null {
		value = &tree{kind: object, at: at}
		t.set(key, at, value)
	}
	if value.kind != object {
		return nil
	}
	return value
}

// clone is a copy that can be changed alone.
func (t *tree) clone() *tree {
	c := *t
	c.fields = slices.Clone(t.fields)
	for i := range c.fields {
		c.fields[i].value = c.fields[i].value.clone()
	}
	c.items = slices.Clone(t.items)
	for i := range c.items {
		c.items[i] = c.items[i].clone()
	}
	return &c
}

// String names the kind as a user would.
func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// pos is the place as reports know it, with the path of the field there.
func (p place) pos(path string) Pos { return Pos{File: p.file, Line: p.line, Col: p.col, Path: path} }

// plainKey is a key that a path can hold as it is.
var plainKey = regexp.MustCompile(`^[\pL\pN_-]+$`)

// member is the path of a key in the object at path: all.caches, services."laika.service".
func member(path, key string) string {
	if !plainKey.MatchString(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Keys are the keys of a path, as the manifest has them: what member put together. An index stays with its key.
func (p Pos) Keys() []string {
	var keys []string
	for rest := p.Path; rest != ""; {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			key, after, _ := strings.Cut(rest, ".")
			keys, rest = append(keys, key), after
			continue
		}
		key, _ := strconv.Unquote(quoted) // a quoted prefix is one
		keys, rest = append(keys, key), strings.TrimPrefix(rest[len(quoted):], ".")
	}
	return keys
}

// index is the path of an item of the list at path: regions[0].
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
