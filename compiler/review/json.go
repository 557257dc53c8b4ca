package review

import (
	"io"

	"github.com/pebble/spacel/internal/jsontext"
)

// JSON writes the comparison as JSON, in a form that stays.
func JSON(w io.Writer, r *Review) error {
	return jsontext.WriteIndent(w, r)
}
