package language

import (
	"bytes"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// maxExamples is the limit for the examples of one field. Editors show all of them.
const maxExamples = 3

// addExamples adds the values of the example manifests to the schema as examples of the fields. Editors show them, and offer
// them for completion.
func (w *schemaWriter) addExamples(root jsonSchema, examples fs.FS) error {
	names, err := fs.Glob(examples, "examples/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(examples, name)
		if err != nil {
			return err
		}
		var r report.Report
		t, err := manifest.Reader{Stdin: bytes.NewReader(text)}.Read("-", &r)
		if t == nil || err != nil {
			return fmt.Errorf("%s: %w %v", name, err, r.Problems())
		}
		w.walk(root, t)
	}
	return nil
}

// walk adds the values of a tree as examples to the fields of a schema.
func (w *schemaWriter) walk(s jsonSchema, t *manifest.Tree) {
	for _, item := range t.Items {
		w.walk(s, item)
	}
	for _, object := range w.objects(s) {
		properties, _ := object["properties"].(map[string]jsonSchema)
		others, _ := object["additionalProperties"].(jsonSchema)
		patterns, _ := object["patternProperties"].(map[string]jsonSchema)
		for _, f := range t.Fields {
			if property, ok := properties[f.Key]; ok {
				addExample(property, f.Value)
				w.walk(property, f.Value)
			}
			if others != nil {
				w.walk(others, f.Value)
			}
			for _, inner := range patterns {
				w.walk(inner, f.Value)
			}
		}
	}
}

// objects returns the schemas of objects among the alternatives of a schema. For a list they are those of its items.
func (w *schemaWriter) objects(s jsonSchema) (found []jsonSchema) {
	if ref, ok := s["$ref"].(string); ok {
		found = w.objects(w.definitions[strings.TrimPrefix(ref, "#/$defs/")])
	}
	if s["type"] == "object" {
		found = append(found, s)
	}
	if items, ok := s["items"].(jsonSchema); ok {
		found = append(found, w.objects(items)...)
	}
	alternatives, _ := s["anyOf"].([]jsonSchema)
	for _, alternative := range alternatives {
		found = append(found, w.objects(alternative)...)
	}
	return found
}

// addExample adds a scalar, or a list of scalars. An object is no example: its own fields have theirs.
func addExample(property jsonSchema, value *manifest.Tree) {
	isObject := func(t *manifest.Tree) bool { return t.Kind >= manifest.List }
	if value.Kind == manifest.Object || slices.ContainsFunc(value.Items, isObject) {
		return
	}
	known, _ := property["examples"].([]any)
	data := value.Data()
	same := func(other any) bool { return reflect.DeepEqual(other, data) }
	if len(known) < maxExamples && !slices.ContainsFunc(known, same) {
		property["examples"] = append(known, data)
	}
}
