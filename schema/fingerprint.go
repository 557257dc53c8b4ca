package schema

import (
	"encoding/json"

	"github.com/pebble/spacel/internal/hexdigest"
	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema/manifest"
)

// fingerprint returns a digest of a checked manifest's data: equal data gives an equal digest, in any format and order of keys. A key
// with null counts, since it removes an inherited value.
func fingerprint(t *manifest.Tree) string {
	body, err := jsontext.Line(withRemoved(t))
	if err != nil {
		panic(err) // plain data always encodes
	}
	return hexdigest.SHA256(body)
}

// withRemoved returns a tree as plain data, with null for the keys that the check has set aside.
func withRemoved(t *manifest.Tree) any {
	switch t.Kind {
	case manifest.Object:
		fields := map[string]any{}
		for _, f := range t.Fields {
			fields[f.Key] = withRemoved(f.Value)
		}
		for _, f := range t.Removed {
			fields[f.Key] = nil
		}
		return fields
	case manifest.List:
		items := []any{}
		for _, item := range t.Items {
			items = append(items, withRemoved(item))
		}
		return items
	case manifest.Number:
		return json.Number(t.Text)
	case manifest.Boolean:
		return t.Text == "true"
	case manifest.Null:
		return nil
	}
	return t.Text
}
