package cfn

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pebble/spacel/internal/jsontext"
)

// JSONText writes a value as JSON the way encoding/json would with two spaces of indent, but for Values inside it: a
// reference stands where its text will be once CloudFormation has resolved it. That text is not escaped, so it must need no
// escape: an id, an ARN, a name, a parameter held to a pattern. It panics on what encoding/json calls an unsupported type.
//
// The result is pure enough to stand in YAML as well: characters that YAML cannot hold are written as \u escapes.
func JSONText(v any) *Text {
	w := jsonText{text: &Text{}}
	w.value(reflect.ValueOf(v), "\n")
	return w.text
}

// jsonText writes one value after another. Its line argument is a line's end and the indent of the next line.
type jsonText struct{ text *Text }

// literal appends text to the piece that is being written.
func (w jsonText) literal(s string) { w.text.last = append(w.text.last, s...) }

// value writes any Go value. A Value of this package is handled before its kind is looked at, because String and List
// are ordinary kinds, too.
func (w jsonText) value(v reflect.Value, line string) {
	if !v.IsValid() {
		w.literal("null")
		return
	}
	if known, ok := v.Interface().(Value); ok {
		w.reference(known, line)
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		w.value(v.Elem(), line)
	case reflect.Struct:
		w.members(structMembers(v), line)
	case reflect.Map:
		w.members(mapMembers(v), line)
	case reflect.Slice, reflect.Array:
		w.items(v, line)
	default:
		w.literal(scalar(v.Interface()))
	}
}

// reference writes one of this package's values: a literal as itself, all else as a string.
func (w jsonText) reference(v Value, line string) {
	switch v := v.(type) {
	case String:
		w.literal(scalar(string(v)))
	case Int, Bool:
		w.literal(scalar(v))
	case List:
		w.items(reflect.ValueOf([]Value(v)), line)
	default:
		w.literal(`"`)
		w.inside(v)
		w.literal(`"`)
	}
}

// inside writes a reference within a JSON string.
func (w jsonText) inside(v Value) {
	j, ok := v.(join)
	pieces, list := j.Join[1].([]Value)
	if !ok || !list || j.Join[0] != "" {
		w.text.Add(v)
		return
	}
	for _, piece := range pieces {
		if s, ok := piece.(String); ok {
			quoted := scalar(string(s))
			w.literal(quoted[1 : len(quoted)-1])
			continue
		}
		w.inside(piece)
	}
}

// member is a name and value of a JSON object.
type member struct {
	name  string
	value reflect.Value
}

// members writes an object. A nil list stands for a nil map, which encoding/json writes as null.
func (w jsonText) members(all []member, line string) {
	if all == nil {
		w.literal("null")
		return
	}
	separator := "{" + line + "  "
	for _, m := range all {
		w.literal(separator + scalar(m.name) + ": ")
		w.value(m.value, line+"  ")
		separator = "," + line + "  "
	}
	w.end(len(all), "{}", line)
}

// items writes a list; a nil slice as null, like encoding/json.
func (w jsonText) items(v reflect.Value, line string) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		w.literal("null")
		return
	}
	separator := "[" + line + "  "
	for i := range v.Len() {
		w.literal(separator)
		w.value(v.Index(i), line+"  ")
		separator = "," + line + "  "
	}
	w.end(v.Len(), "[]", line)
}

// end closes an object or a list: on the same line if it is empty, otherwise on a new line.
func (w jsonText) end(members int, brackets, line string) {
	if members == 0 {
		w.literal(brackets)
		return
	}
	w.literal(line + brackets[1:])
}

// structMembers lists the exported fields by encoding/json's rules for tags. Embedded fields would need its rules of
// precedence, so they panic.
func structMembers(v reflect.Value) []member {
	out := []member{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			panic("cfn: JSONText knows no embedded fields: " + v.Type().String())
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" || options == "omitempty" && empty(v.Field(i)) {
			continue
		}
		if name == "" {
			name = field.Name
		}
		out = append(out, member{name, v.Field(i)})
	}
	return out
}

// mapMembers lists a map's entries sorted by key, like encoding/json.
func mapMembers(v reflect.Value) []member {
	if v.IsNil() {
		return nil
	}
	values := map[string]reflect.Value{}
	for iter := v.MapRange(); iter.Next(); {
		values[iter.Key().String()] = iter.Value()
	}
	out := []member{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, member{name, values[name]})
	}
	return out
}

// empty is what encoding/json leaves out under omitempty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// scalar encodes a string, number or boolean. Most strings need no escape and skip the encoder.
func scalar(v any) string {
	if s, ok := v.(string); ok && plain(s) {
		return `"` + s + `"`
	}
	encoded, err := jsontext.Indent(v)
	if err != nil {
		panic(fmt.Sprintf("cfn: JSONText cannot write %T: %v", v, err))
	}
	return withoutDynamicReferences(escapeForYAML(strings.TrimSuffix(string(encoded), "\n")))
}

// dynamicReference begins CloudFormation's dynamic references (CloudFormation User Guide, "Get values stored in other services using
// dynamic references"). CloudFormation looks for them in all strings of a template.
const dynamicReference = "{{resolve:"

// withoutDynamicReferences writes one brace as a \u escape. The text of a user's file or variable then means the same to the reader
// of the JSON, and CloudFormation finds nothing to resolve, whether it looks before or after Fn::Base64.
func withoutDynamicReferences(quoted string) string {
	return strings.ReplaceAll(quoted, dynamicReference, `{\u007bresolve:`)
}

// plain says whether a text needs no escape, as most don't.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return !strings.Contains(s, dynamicReference)
}

// escapeForYAML escapes what may stand in JSON but not in YAML (YAML 1.2, 5.1 "Character Set"), and the byte order mark
// and U+0085, which YAML readers take for something else.
func escapeForYAML(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			fmt.Fprintf(&out, `\u%04x`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
