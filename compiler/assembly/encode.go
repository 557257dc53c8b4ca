package assembly

import (
	"bytes"
	"encoding/json"
)

// The directory's own files.
const (
	manifestFile  = "manifest.json"
	sourceMapFile = "sourcemap.json"
	assetsDir     = "assets"
)

// encode is the one form of manifest.json and sourcemap.json: two-space indent, sorted keys, no HTML escapes, a final
// newline.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
