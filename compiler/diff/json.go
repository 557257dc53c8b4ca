package diff

import (
	"io"

	"github.com/pebble/spacel/internal/jsontext"
)

// JSON writes the comparison as JSON, in a form that stays.
func JSON(w io.Writer, d *Diff) error {
	return jsontext.WriteIndent(w, d)
}
