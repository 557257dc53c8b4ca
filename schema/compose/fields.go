package compose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Finding is a line for the user: a key of the Compose file, missing or changed in the manifest, and why.
type Finding struct {
	Place Place
	Path  string // of the key in the Compose file, such as services.web.build; "" for the file
	Text  string
	Note  bool // the manifest has the key, and the user should know a fact about it
}

// String returns the finding as one line.
func (f Finding) String() string {
	parts := []string{f.Place.String()}
	if f.Path != "" {
		parts = append(parts, f.Path)
	}
	return strings.Join(append(parts, f.Text), ": ")
}

// findings collects findings.
type findings struct {
	places *places
	all    []Finding
}

// left lists a key missing in the manifest.
func (f *findings) left(reason string, path ...string) { f.add("left out: "+reason, path...) }

// changed lists a key with another form in the manifest.
func (f *findings) changed(what string, path ...string) { f.add("changed: "+what, path...) }

// note lists a fact about a key of the manifest.
func (f *findings) note(what string, path ...string) {
	f.add("note: "+what, path...)
	f.all[len(f.all)-1].Note = true
}

// add lists a key.
func (f *findings) add(line string, path ...string) {
	f.all = append(f.all, Finding{f.places.of(path...), joinPath(path), line, false})
}

// joinPath writes a path as the reports about manifests do: services.web.ports[0].
func joinPath(path []string) string {
	var text strings.Builder
	for n, key := range path {
		if _, err := strconv.Atoi(key); err == nil && n > 0 {
			text.WriteString("[" + key + "]")
			continue
		}
		if n > 0 {
			text.WriteString(".")
		}
		text.WriteString(key)
	}
	return text.String()
}

// sorted returns the findings in the order of the files, without duplicates.
func (f *findings) sorted() []Finding {
	order := map[string]int{}
	for i, file := range f.places.files {
		order[shown(file.name)] = i
	}
	all := slices.Clone(f.all)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.Place.File], order[b.Place.File]), cmp.Compare(a.Place.Line, b.Place.Line),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(all)
}

// fields is an object of the model whose keys are taken one by one. The keys that nobody takes are listed by rest.
type fields struct {
	*findings
	path     []string
	values   map[string]any
	children []*fields
}

// newFields returns the fields of an object of the model. The model itself stays as it is.
func (f *findings) newFields(value any, path ...string) *fields {
	return &fields{findings: f, path: slices.Clone(path), values: maps.Clone(object(value))}
}

// at returns the path of a key.
func (f *fields) at(key ...string) []string { return append(slices.Clone(f.path), key...) }

// take returns the value of a key, nil if it is absent or null, and counts the key as translated.
func (f *fields) take(key string) any {
	// The map is a copy, so the model stays complete for parts that look at it later.
	value := f.values[key]
	delete(f.values, key)
	return value
}

// text takes a scalar as text.
func (f *fields) text(key string) string { return text(f.take(key)) }

// flag takes yes or no. Interpolated values are words.
func (f *fields) flag(key string) bool {
	yes, _ := strconv.ParseBool(f.text(key))
	return yes
}

// object takes an object whose own keys are taken one by one, too.
func (f *fields) object(key string) *fields {
	child := f.newFields(f.take(key), f.at(key)...)
	f.children = append(f.children, child)
	return child
}

// list takes a list, or one scalar in its place.
func (f *fields) list(key string) []any {
	switch value := f.take(key).(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		return []any{value}
	}
}

// texts takes a list of scalars.
func (f *fields) texts(key string) []string {
	var all []string
	for _, item := range f.list(key) {
		all = append(all, text(item))
	}
	return all
}

// objects takes a list of objects.
func (f *fields) objects(key string) []*fields {
	var all []*fields
	for i, item := range f.list(key) {
		child := f.newFields(item, f.at(key, strconv.Itoa(i))...)
		all = append(all, child)
		f.children = append(f.children, child)
	}
	return all
}

// rest lists each key not taken. The reason is that of the table, by the key's path below the service.
func (f *fields) rest(reasons map[string]string, below ...string) {
	// Sorted keys keep the output the same from run to run. The objects inside, of which a
	// reader took some keys, are looked at with the same table.
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		value := f.values[key]
		if value == nil {
			continue // a key without a value says nothing
		}
		reason := reasons[strings.Join(append(slices.Clone(below), key), ".")]
		if reason == "" && strings.HasPrefix(key, "x-") {
			reason = "extension fields have no meaning here"
		}
		f.left(cmp.Or(reason, "there is no counterpart")+inner(value), f.at(key)...)
	}
	for _, child := range f.children {
		name := child.path[len(f.path):]
		child.rest(reasons, append(slices.Clone(below), name[0])...)
	}
}

// inner names the keys at every depth of a value, which is listed as a whole.
func inner(value any) string {
	keys := keysOf(value, "")
	if len(keys) == 0 {
		return ""
	}
	slices.Sort(keys)
	return fmt.Sprintf(" (%s)", strings.Join(slices.Compact(keys), ", "))
}

// keysOf returns the paths of the keys in a value, without the numbers of a list's items.
func keysOf(value any, path string) []string {
	var keys []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			keys = append(keys, keysOf(item, path)...)
		}
	case map[string]any:
		for key, inside := range v {
			below := strings.TrimPrefix(path+"."+key, ".")
			if deeper := keysOf(inside, below); len(deeper) > 0 {
				keys = append(keys, deeper...)
			} else {
				keys = append(keys, below)
			}
		}
	}
	return keys
}

// trimFloat writes a number without an exponent.
func trimFloat(v float64, bits int) string { return strconv.FormatFloat(v, 'f', -1, bits) }
