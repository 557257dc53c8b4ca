// Package edit changes one value in a manifest's text. Comments, order and spacing stay.
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

	"github.com/pebble/spacel/internal/jsontext"
)

// Set returns the text with a value set at a path. The extension of the file name selects the format. Missing
// objects on the path are created. The value is anything that encodes as JSON; its fields keep their order. Set
// reads its own result again, and fails unless the result equals the old text with the value set.
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

// set selects the format by the file's extension, edits, and verifies the edit.
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

// encode returns a value as JSON on one line.
func encode(value any) ([]byte, error) {
	line, err := jsontext.Line(value)
	return bytes.TrimSpace(line), err
}

// errDiffers means that more than the value would change by an edit. Set returns it in place of the edited
// text.
var errDiffers = errors.New("the file's form is not one that can be edited in place: put the value there by hand")

// same verifies an edit: the new text must decode to the old data with the value at the path.
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

// with returns data with a value set at a path.
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

// plain returns data with strings for all keys. YAML allows numbers as keys.
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
