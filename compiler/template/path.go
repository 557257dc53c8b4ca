package template

import (
	"strconv"
	"strings"
)

// Path leads to a value inside a resource's properties. A step is a property's name, or an item of a list by its position
// or by the key that identifies it.
type Path []Step

// Step is one step of a path. Exactly one of Name and Item is set.
type Step struct {
	Name  string // of a property
	Item  string // of a list: position or key
	IsKey bool
}

// Property returns the path of a property below p.
func (p Path) Property(name string) Path { return p.with(Step{Name: name}) }

// At returns the path of an item by its index.
func (p Path) At(i int) Path { return p.with(Step{Item: strconv.Itoa(i)}) }

// Keyed returns the path of an item by its key, such as a tag's.
func (p Path) Keyed(key string) Path { return p.with(Step{Item: key, IsKey: true}) }

// with returns a longer path in memory of its own, because sibling paths share the prefix.
func (p Path) with(s Step) Path { return append(p[:len(p):len(p)], s) }

// String is Tags[team].Value.
func (p Path) String() string {
	var out strings.Builder
	for i, s := range p {
		switch {
		case s.Name == "":
			out.WriteString("[" + s.Item + "]")
		case i > 0:
			out.WriteString("." + s.Name)
		default:
			out.WriteString(s.Name)
		}
	}
	return out.String()
}

// Names are the properties' names alone, which is how the replacement table knows them.
func (p Path) Names() []string {
	var out []string
	for _, s := range p {
		if s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return out
}

// Covers says whether p leads to q or to something around it.
func (p Path) Covers(q Path) bool {
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
