package cfn

import (
	"slices"
	"strings"
)

// Text builds a text that embeds references, such as user data: literals and values in order, never spliced. The zero
// value is ready to use.
type Text struct {
	before []Value // literals and others, no two literals in a row
	last   []byte  // the literal being written
}

// Line adds values and a line's end.
func (t *Text) Line(values ...Value) {
	t.Add(values...)
	t.Add(String("\n"))
}

// Add adds values as they are.
func (t *Text) Add(values ...Value) {
	for _, v := range values {
		if s, ok := v.(String); ok {
			t.last = append(t.last, s...)
			continue
		}
		t.before = append(t.pieces(), v)
		t.last = t.last[:0]
	}
}

// pieces are the text so far.
func (t *Text) pieces() []Value {
	if len(t.last) == 0 {
		return t.before
	}
	return append(slices.Clip(t.before), String(t.last))
}

// Value is the text as Fn::Join with an element per line, which is how a reviewer wants to see it; a text without
// references is a literal.
func (t *Text) Value() Value {
	joined := Concat(t.pieces()...)
	j, ok := joined.(join)
	if !ok {
		return joined
	}
	var split []Value
	for _, piece := range j.Join[1].([]Value) {
		split = append(split, lines(piece)...)
	}
	return join{[2]any{"", split}}
}

// lines splits a literal after each line's end.
func lines(v Value) []Value {
	s, ok := v.(String)
	if !ok {
		return []Value{v}
	}
	var out []Value
	for line := range strings.Lines(string(s)) {
		out = append(out, String(line))
	}
	return out
}

// Indent is the text with a prefix before each line that holds anything. A reference is taken to be within one line.
func (t *Text) Indent(prefix string) *Text {
	out, start := &Text{}, true
	for _, piece := range t.pieces() {
		s, ok := piece.(String)
		if !ok {
			out.indent(prefix, start)
			out.Add(piece)
			start = false
			continue
		}
		for line := range strings.Lines(string(s)) {
			out.indent(prefix, start && line != "\n")
			out.last = append(out.last, line...)
			start = strings.HasSuffix(line, "\n")
		}
	}
	return out
}

// indent writes the prefix at the start of a line.
func (t *Text) indent(prefix string, start bool) {
	if start {
		t.last = append(t.last, prefix...)
	}
}

// Append adds another text.
func (t *Text) Append(other *Text) { t.Add(other.pieces()...) }

// Size is the text's length in bytes, each reference counted as the given number.
func (t *Text) Size(reference int) int {
	n := 0
	for _, piece := range t.pieces() {
		if s, ok := piece.(String); ok {
			n += len(s)
		} else {
			n += reference
		}
	}
	return n
}
