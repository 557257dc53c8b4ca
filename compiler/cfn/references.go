package cfn

import (
	"reflect"
	"strings"
)

// references lists the names a resource, value or test refers to, by walking it.
func references(v any) []string {
	var names []string
	walk(reflect.ValueOf(v), func(name string) { names = append(names, name) })
	return names
}

// walk calls found for each name below a value of any kind.
func walk(v reflect.Value, found func(string)) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), found)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), found)
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			walk(iter.Value(), found)
		}
	case reflect.Struct:
		walkStruct(v, found)
	}
}

// referring holds the types that walkStruct treats on their own. Looking a type up costs nothing, while v.Interface copies the struct.
var referring = map[reflect.Type]bool{
	reflect.TypeFor[Attributes](): true, reflect.TypeFor[Condition](): true, reflect.TypeFor[ref](): true, reflect.TypeFor[getAtt](): true,
	reflect.TypeFor[sub](): true, reflect.TypeFor[Raw](): true, reflect.TypeFor[RawResource](): true,
}

// walkStruct handles this package's own references, and looks at the exported fields of all other structs. Attributes is
// skipped: DependsOn points to whole resources, whose references are their own.
func walkStruct(v reflect.Value, found func(string)) {
	if !referring[v.Type()] {
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), found)
			}
		}
		return
	}
	switch x := v.Interface().(type) {
	case Attributes:
		return
	case Condition:
		found(x.id)
	case ref:
		found(x.Ref)
	// The first element is the logical id, the second the attribute.
	case getAtt:
		found(x.GetAtt[0])
	case sub:
		subReferences(x.Sub, found)
	case Raw:
		rawReferences(x.data, nil, func(_ Path, name string) { found(name) })
	case RawResource:
		for _, r := range x.References() {
			found(r.Name)
		}
	}
}

// subReferences finds the names in the text of Fn::Sub. ${!literal} is no reference, and ${Id.Attribute} refers to Id.
func subReferences(text string, found func(string)) {
	for {
		_, rest, ok := strings.Cut(text, "${")
		if !ok {
			return
		}
		name, after, _ := strings.Cut(rest, "}")
		if !strings.HasPrefix(name, "!") {
			id, _, _ := strings.Cut(name, ".")
			found(id)
		}
		text = after
	}
}
