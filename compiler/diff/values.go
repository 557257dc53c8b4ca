package diff

import (
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// long says whether a text is better shown line by line.
func long(text string) bool { return strings.Contains(text, "\n") || len(text) > 100 }

// change is a difference as the result shows it.
func (d difference) change(action Action) Change {
	c := Change{Path: d.path.String(), Before: encoded(d.before), After: encoded(d.after), Action: action}
	before, wasText := template.Text(d.before)
	after, isText := template.Text(d.after)
	if _, no := d.before.(absent); no {
		wasText = true
	}
	if _, no := d.after.(absent); no {
		isText = true
	}
	if wasText && isText && (long(before) || long(after)) {
		c.Lines = hunks(before, after)
	}
	return c
}
