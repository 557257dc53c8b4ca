package manifest

import (
	"encoding/json"
	"strings"

	"github.com/pebble/spacel/internal/jsontext"
)

// Data returns the tree as encoding/json takes it.
func (t *Tree) Data() any {
	switch t.Kind {
	case Boolean:
		return t.Text == "true"
	// json.Number keeps the digits as they were written. float64 would change large numbers.
	case Number:
		return json.Number(t.Text)
	case Text:
		return t.Text
	case List:
		items := []any{}
		for _, item := range t.Items {
			items = append(items, item.Data())
		}
		return items
	case Object:
		fields := map[string]any{}
		for _, f := range t.Fields {
			fields[f.Key] = f.Value.Data()
		}
		return fields
	}
	return nil
}

// JSON returns the tree as JSON on one line, with sorted keys.
func (t *Tree) JSON() string {
	line, err := jsontext.Line(t.Data())
	if err != nil {
		panic(err) // plain data always encodes
	}
	return strings.TrimSuffix(string(line), "\n")
}
