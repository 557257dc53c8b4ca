package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
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

// FromData returns data of encoding/json as a tree with sorted keys. Every value has the same place. Numbers must be of type json.Number.
func FromData(data any, at Place) *Tree {
	switch data := data.(type) {
	case bool:
		return &Tree{Kind: Boolean, At: at, Text: strconv.FormatBool(data)}
	case json.Number:
		return &Tree{Kind: Number, At: at, Text: data.String()}
	case string:
		return &Tree{Kind: Text, At: at, Text: data}
	case []any:
		list := &Tree{Kind: List, At: at}
		for _, item := range data {
			list.Items = append(list.Items, FromData(item, at))
		}
		return list
	case map[string]any:
		object := &Tree{Kind: Object, At: at}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			object.Fields = append(object.Fields, Field{Key: key, At: at, Value: FromData(data[key], at)})
		}
		return object
	}
	return &Tree{Kind: Null, At: at}
}
