package diff

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/pebble/spacel/compiler/template"
)

// replacementJSON is resource type → property path → replace or maybe. A property without an entry is updated in place.
// A type has an entry even when nothing about it is ever replaced: of a type without one, nothing is known.
//
//go:embed replacement.json
var replacementJSON []byte

// table is resource type → property path with dots → action.
type table map[string]map[string]Action

// replacements is the embedded table, read when first needed.
var replacements = sync.OnceValues(func() (table, error) { return parseTable(replacementJSON) })

// parseTable reads and checks the table. An unknown word is an error, not an update in place.
func parseTable(body []byte) (table, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	out := table{}
	for kind, entry := range raw {
		if strings.HasPrefix(kind, "$") {
			continue // where the table is from
		}
		var properties map[string]string
		if err := json.Unmarshal(entry, &properties); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		out[kind] = map[string]Action{}
		for name, word := range properties {
			action, ok := map[string]Action{"replace": Replace, "maybe": MaybeReplace}[word]
			if !ok {
				return nil, fmt.Errorf("%s.%s: must be replace or maybe, got %q", kind, name, word)
			}
			out[kind][plain(name)] = action
		}
	}
	return out, nil
}

// plain drops the marks of list items: A.B[].C and A.B.*.C are A.B.C.
func plain(name string) string {
	var parts []string
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune("./[]*", r) }) {
		parts = append(parts, part)
	}
	return strings.Join(parts, ".")
}

// action is the effect of changing a property: the table's entry, otherwise the entry of the nearest property around it,
// otherwise an update in place. For an unknown type it is MaybeReplace.
func (t table) action(kind string, p template.Path) Action {
	properties, known := t[kind]
	if !known {
		return MaybeReplace
	}
	names := p.Names()
	// From the innermost property outwards: the table may know LaunchTemplate and not LaunchTemplate.Version.
	for n := len(names); n > 0; n-- {
		if a, ok := properties[strings.Join(names[:n], ".")]; ok {
			return a
		}
	}
	return Update
}

// deepAction is the effect of adding or removing a value with everything inside it.
func (t table) deepAction(kind string, p template.Path, v any) Action {
	action := t.action(kind, p)
	switch v := v.(type) {
	case map[string]any:
		if template.IsIntrinsic(v) {
			return action
		}
		for name, item := range v {
			action = worse(action, t.deepAction(kind, p.Property(name), item))
		}
	case []any:
		for i, item := range v {
			action = worse(action, t.deepAction(kind, p.At(i), item))
		}
	}
	return action
}
