package template

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pebble/spacel/internal/jsontext"
)

// Decode reads JSON with its numbers as they are written.
func Decode(body []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var out map[string]any
	return out, dec.Decode(&out)
}

// Encoded is a decoded value as compact JSON.
func Encoded(v any) json.RawMessage {
	line, err := jsontext.Line(v)
	if err != nil {
		panic("template: " + err.Error()) // a decoded value can be encoded
	}
	return bytes.TrimSpace(line)
}

// IsIntrinsic says whether an object is a reference or a function, one value in the end.
func IsIntrinsic(v any) bool {
	object, ok := v.(map[string]any)
	if !ok || len(object) != 1 {
		return false
	}
	for name := range object {
		return name == "Ref" || strings.HasPrefix(name, "Fn::")
	}
	return false
}
