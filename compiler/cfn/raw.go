package cfn

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/pebble/spacel/internal/jsontext"
)

// Raw is a value, or the test of a condition, as the user wrote it in CloudFormation's own syntax. It holds plain JSON.
// Intrinsic functions in it count as references, like those of typed values.
type Raw struct{ data any } // *object, []any, string, bool, json.Number or nil

// A Raw may stand for a value or for a condition's test: CloudFormation alone knows which functions it holds.
func (Raw) value() {}
func (Raw) test()  {}

// RawValue makes a Raw of strings, bools, json.Numbers, maps and slices. The members of a map are sorted.
func RawValue(v any) Raw { return Raw{ordered(v)} }

// ordered converts maps to objects with sorted members, at every depth, so that equal manifests give equal bytes.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := &object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			o.set(name, ordered(v[name]))
		}
		return o
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = ordered(item)
		}
		return items
	}
	return v
}

// MarshalJSON writes the value as it is.
func (r Raw) MarshalJSON() ([]byte, error) { return compact(r.data) }

// object is a JSON object that keeps the order of its members.
type object struct {
	names  []string
	values map[string]any
}

// set gives a member a value, in its place when the object has it.
func (o *object) set(name string, v any) {
	if _, known := o.values[name]; !known {
		o.names = append(o.names, name)
	}
	set(&o.values, name, v)
}

// remove deletes a member; no error if there is none.
func (o *object) remove(name string) {
	o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
	delete(o.values, name)
}

// MarshalJSON writes the members in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	separator := "{"
	for _, name := range o.names {
		key, err := compact(name)
		if err != nil {
			return nil, err
		}
		value, err := compact(o.values[name])
		if err != nil {
			return nil, err
		}
		out.WriteString(separator)
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
		separator = ","
	}
	if len(o.names) == 0 {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// compact is JSON without HTML escapes. The outermost encoder lays it out.
func compact(v any) ([]byte, error) {
	body, err := jsontext.Indent(v)
	return bytes.TrimSpace(body), err
}

// decode reads JSON into an object, its members in their order.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return decodeValue(d)
}

// decodeValue reads one value. The token API is used because Unmarshal into maps loses the order of members.
func decodeValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(d)
	case json.Delim('['):
		return decodeList(d)
	}
	return token, nil
}

// decodeObject reads members until the closing brace.
func decodeObject(d *json.Decoder) (*object, error) {
	o := &object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		o.set(name.(string), v)
	}
	_, err := d.Token()
	return o, err
}

// decodeList reads items until the closing bracket.
func decodeList(d *json.Decoder) ([]any, error) {
	items := []any{}
	for d.More() {
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	_, err := d.Token()
	return items, err
}
