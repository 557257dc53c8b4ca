package live

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// OwnTags returns the stack's tags without the tags of AWS itself.
func (s *Stack) OwnTags() map[string]string {
	own := maps.Clone(s.Tags)
	maps.DeleteFunc(own, func(name, _ string) bool { return strings.HasPrefix(name, "aws:") })
	return own
}

// SameTemplate reports whether two templates in JSON are the same document, whatever the layout.
func SameTemplate(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// decode keeps the notation of numbers, because two large ones may be equal as float64.
func decode(body []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}
