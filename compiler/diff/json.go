package diff

import (
	"encoding/json"
	"io"
)

// JSON writes the comparison as JSON, in a form that stays.
func JSON(w io.Writer, d *Diff) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
