package diff

import (
	"strconv"
	"strings"
)

// path leads to a value inside a resource's properties. A step is a property's name, or an item of a list by its position
// or by the key that identifies it.
type path []step

// step is one step of a path. Exactly one of name and item is set.
type step struct {
	name  string // of a property
	item  string // of a list: position or key
	isKey bool
}

// property, at and keyed return the path of a property, of an item by its index, and of an item by its key (a tag, for example).
func (p path) property(name string) path { return p.with(step{name: name}) }
func (p path) at(i int) path             { return p.with(step{item: strconv.Itoa(i)}) }
func (p path) keyed(key string) path     { return p.with(step{item: key, isKey: true}) }

// with returns a longer path in memory of its own, because sibling paths share the prefix.
func (p path) with(s step) path { return append(p[:len(p):len(p)], s) }

// String is Tags[team].Value.
func (p path) String() string {
	var out strings.Builder
	for i, s := range p {
		switch {
		case s.name == "":
			out.WriteString("[" + s.item + "]")
		case i > 0:
			out.WriteString("." + s.name)
		default:
			out.WriteString(s.name)
		}
	}
	return out.String()
}

// names are the properties' names alone, which is how the replacement table knows them.
func (p path) names() []string {
	var out []string
	for _, s := range p {
		if s.name != "" {
			out = append(out, s.name)
		}
	}
	return out
}

// covers says whether p leads to q or to something around it.
func (p path) covers(q path) bool {
	if len(p) > len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}
