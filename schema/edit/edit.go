// Package edit changes one value in a manifest's text and leaves all else as it is: comments, order, spacing.
//
//	braces.go   JSON and CUE: objects in braces
//	lines.go    YAML in blocks
package edit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set gives the text with a value at a path, in the form that the file's name says. Objects on the way that are not there are
// made. The value is anything that encodes as JSON; its fields keep their order. What comes out was read again: it says what
// the text said, but for the value.
func Set(file string, body []byte, path []string, value any) ([]byte, error) {
	encoded, err := encode(value)
	if err != nil {
		return nil, err
	}
	edited, err := set(file, body, path, encoded)
	if err != nil {
		return nil, fmt.Errorf("%s: put %s in: %w", file, strings.Join(path, "."), err)
	}
	return edited, nil
}

func set(file string, body []byte, path []string, value []byte) ([]byte, error) {
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".json":
		edited, err := setBraces(body, path, value, jsonForm{})
		if err != nil {
			return nil, err
		}
		return edited, same(json.Unmarshal, body, edited, path, value)
	case ".cue":
		edited, err := setBraces(body, path, value, cueForm{})
		if err != nil {
			return nil, err
		}
		return edited, holds(edited, path, value)
	case ".yaml", ".yml":
		edited, err := setYAML(body, path, value)
		if err != nil {
			return nil, err
		}
		return edited, same(yaml.Unmarshal, body, edited, path, value)
	default:
		return nil, fmt.Errorf("a manifest's name ends in .json, .yaml, .yml or .cue, not %q", ext)
	}
}

// encode is a value as JSON on one line.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// errDiffers is a mistake of this package, caught before anything is written.
var errDiffers = errors.New("the file's form is not one that can be edited in place: put the value there by hand")

// same checks an edit: the new text must be the old one with the value at the path.
func same(decode func([]byte, any) error, before, after []byte, path []string, value []byte) error {
	var old, now, want any
	if err := errors.Join(decode(before, &old), decode(after, &now), decode(value, &want)); err != nil {
		return errDiffers
	}
	if !reflect.DeepEqual(plain(with(plain(old), path, plain(want))), plain(now)) {
		return errDiffers
	}
	return nil
}

// with is data with a value at a path.
func with(data any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	object, ok := data.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	object[path[0]] = with(object[path[0]], path[1:], value)
	return object
}

// plain is data with text for every key, which YAML lets be numbers.
func plain(data any) any {
	switch data := data.(type) {
	case map[any]any:
		object := map[string]any{}
		for key, value := range data {
			object[fmt.Sprint(key)] = plain(value)
		}
		return object
	case map[string]any:
		for key, value := range data {
			data[key] = plain(value)
		}
	case []any:
		for i, value := range data {
			data[i] = plain(value)
		}
	}
	return data
}
