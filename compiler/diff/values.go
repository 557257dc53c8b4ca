package diff

import (
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// long says whether a text is better shown line by line.
func long(text string) bool { return strings.Contains(text, "\n") || len(text) > 100 }

// change is a difference as the result shows it. Long texts are compared line by line, and so are long objects and lists, with each
// value on a line of its own.
func (d difference) change(action Action) Change {
	c := Change{Path: d.path.String(), Before: encoded(d.before), After: encoded(d.after), Action: action}
	before, wasText := textOr(d.before)
	after, isText := textOr(d.after)
	switch {
	case wasText && isText && (long(before) || long(after)):
		c.Lines = hunks(before, after)
	case wasText && isText:
	case len(c.Before) > maxInline || len(c.After) > maxInline:
		c.Lines = hunks(indented(c.Before), indented(c.After))
	}
	return c
}

// maxInline is the length of JSON, in bytes, that a reader takes in on one line.
const maxInline = 100

// textOr is a value as a text. A missing value is the empty text.
func textOr(v any) (string, bool) {
	if _, no := v.(absent); no {
		return "", true
	}
	return template.Text(v)
}
