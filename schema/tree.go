package schema

// tree is a manifest as plain data, whatever format it was written in: each value with the place it was written. An app
// directory gives one tree too, its values from several files.
type tree struct {
	kind   kind
	at     place
	text   string  // of a scalar: the string, the number as written, true or false
	fields []field // of an object, in the order written; no key twice
	items  []*tree // of a list
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

// lookup is the value of a key, nil when the object lacks it.
func (t *tree) lookup(key string) *tree {
	for i := range t.fields {
		if t.fields[i].key == key {
			return t.fields[i].value
		}
	}
	return nil
}
