package diff

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/pebble/spacel/compiler/template"
)

// difference is a place where two JSON values differ.
type difference struct {
	path          template.Path
	before, after any // absent when the side lacks it
}

// absent marks a missing value. A JSON null is a value.
type absent struct{}

// compareTrees lists where two values differ, sorted by path.
func compareTrees(p template.Path, before, after any) []difference {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	switch old := before.(type) {
	case map[string]any:
		if now, ok := after.(map[string]any); ok && !template.IsIntrinsic(old) && !template.IsIntrinsic(now) {
			return compareObjects(p, old, now)
		}
	case []any:
		if now, ok := after.([]any); ok {
			return compareLists(p, old, now)
		}
	}
	return []difference{{p, before, after}}
}

// compareObjects compares member by member, sorted by name.
func compareObjects(p template.Path, before, after map[string]any) []difference {
	var out []difference
	for _, name := range keys(before, after) {
		out = append(out, compareTrees(p.Property(name), member(before, name), member(after, name))...)
	}
	return out
}

// keys are the names on either side, sorted.
func keys(a, b map[string]any) []string {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]any{}
	}
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
}

// member is a member's value, or absent.
func member(of map[string]any, name string) any {
	if v, ok := of[name]; ok {
		return v
	}
	return absent{}
}

// identities are the properties by which items of a list are matched. A new first tag then is one change. Matched by
// position, every tag would have changed.
var identities = []string{"Key", "Sid", "DeviceName", "ResourceType", "AttributeName", "IndexName", "PolicyName", "ParameterName"}

// compareLists pairs items by what identifies them, else aligns the lists and pairs what differs in order.
func compareLists(p template.Path, before, after []any) []difference {
	for _, name := range identities {
		old, ok := keyedBy(before, name)
		now, also := keyedBy(after, name)
		if ok && also {
			return compareKeyed(p, old, now)
		}
	}
	var out []difference
	for _, gap := range align(canonical(before), canonical(after)) {
		old, now := before[gap.oldFrom:gap.oldTo], after[gap.newFrom:gap.newTo]
		for i := range max(len(old), len(now)) {
			switch {
			case i >= len(old):
				out = append(out, difference{p.At(gap.newFrom + i), absent{}, now[i]})
			case i >= len(now):
				out = append(out, difference{p.At(gap.oldFrom + i), old[i], absent{}})
			default:
				out = append(out, compareTrees(p.At(gap.newFrom+i), old[i], now[i])...)
			}
		}
	}
	return out
}

// keyedBy indexes a list by a property. It returns false if an item lacks the property or two items share a value.
func keyedBy(list []any, name string) (map[string]any, bool) {
	out := map[string]any{}
	for _, item := range list {
		object, _ := item.(map[string]any)
		key, ok := object[name].(string)
		if _, taken := out[key]; taken || !ok {
			return nil, false
		}
		out[key] = item
	}
	return out, true
}

// compareKeyed compares items with equal keys. Order does not count.
func compareKeyed(p template.Path, before, after map[string]any) []difference {
	var out []difference
	for _, key := range keys(before, after) {
		out = append(out, compareTrees(p.Keyed(key), member(before, key), member(after, key))...)
	}
	return out
}

// canonical encodes items as text, so that align can compare them.
func canonical(list []any) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = string(encoded(item))
	}
	return out
}

// encoded is a value as compact JSON; nothing for an absent one.
func encoded(v any) json.RawMessage {
	if _, no := v.(absent); no {
		return nil
	}
	return template.Encoded(v)
}
