package cfn

import "strings"

// Text builds a text that embeds references, such as user data: literals and values in order, never spliced. The zero
// value is ready to use.
type Text struct{ pieces []Value }

// Line adds values and a line's end.
func (t *Text) Line(values ...Value) {
	t.Add(values...)
	t.Add(String("\n"))
}

// Add adds values as they are.
func (t *Text) Add(values ...Value) { t.pieces = append(t.pieces, values...) }

// Value is the text as Fn::Join with an element per line, which is how a reviewer wants to see it; a text without
// references is a literal.
func (t *Text) Value() Value {
	joined := Concat(t.pieces...)
	j, ok := joined.(join)
	if !ok {
		return joined
	}
	var lines []Value
	for _, piece := range j.Join[1].([]Value) {
		s, ok := piece.(String)
		if !ok {
			lines = append(lines, piece)
			continue
		}
		for _, line := range strings.SplitAfter(string(s), "\n") {
			if line != "" {
				lines = append(lines, String(line))
			}
		}
	}
	return join{[2]any{"", lines}}
}

// Size is the text's length in bytes, each reference counted as the given number.
func (t *Text) Size(reference int) int {
	n := 0
	for _, piece := range t.pieces {
		if s, ok := piece.(String); ok {
			n += len(s)
		} else {
			n += reference
		}
	}
	return n
}
