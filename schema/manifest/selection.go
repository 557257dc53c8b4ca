package manifest

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"

	"github.com/pebble/spacel/schema/report"
)

// selection is the part of an argument after #: the path of a value inside of a manifest, such as apps or apps.web.
type selection struct {
	argument  string // as a whole
	text      string
	selectors []cue.Selector
}

// Selected is an app named by an argument.
type Selected struct {
	Tree *Tree
	In   string // the argument by which this app alone is named, such as shop.cue#apps.web
}

// ReadApps reads the apps named by an argument. An argument without # is one manifest. FILE#PATH, DIR#PATH and
// DIR:package#PATH name a value inside of one: an app, or an object of apps. It returns no apps if the manifest was rejected,
// and the report tells why.
func (in Reader) ReadApps(argument string, r *report.Report) ([]Selected, error) {
	t, sel, err := in.readSelection(argument, r)
	if t == nil || err != nil {
		return nil, err
	}
	name := path.Clean(strings.ReplaceAll(argument, `\`, `/`))
	if sel == nil {
		return []Selected{{t, name}}, nil
	}
	return sel.apps(t, name, r), nil
}

// readSelection reads the manifest of an argument. The selection is nil for an argument without #.
func (in Reader) readSelection(argument string, r *report.Report) (*Tree, *selection, error) {
	base, sel, err := parseSelection(argument)
	if err != nil {
		return nil, nil, err
	}
	in.selection = sel
	in.Secret = sel.secret(in.Secret)
	t, err := in.Read(base, r)
	return t, sel, err
}

// ReadOne reads the one manifest that an argument names. As for apps, it may be a value inside of one: FILE#PATH.
func (in Reader) ReadOne(argument string, r *report.Report) (*Tree, error) {
	t, sel, err := in.readSelection(argument, r)
	if t == nil || err != nil || sel == nil {
		return t, err
	}
	if t.Kind != Object {
		r.Errorf(t.At.Pos(sel.keys()), "must be a manifest, an object of fields such as name and all, got %s", t.Kind)
		return nil, nil
	}
	t.setIn(path.Clean(strings.ReplaceAll(argument, `\\`, `/`)))
	return t, nil
}

// secret returns the rule for secrets of a manifest that holds apps. The keys of the selection are cut off, and the remaining ones
// are asked about twice: as an app's, and as those of one app in an object of apps.
func (sel *selection) secret(ofApp func(keys []string) bool) func(keys []string) bool {
	if sel == nil || ofApp == nil {
		return ofApp
	}
	above := len(sel.selectors)
	return func(keys []string) bool {
		return len(keys) > above && (ofApp(keys[above:]) || len(keys) > above+1 && ofApp(keys[above+1:]))
	}
}

// parseSelection splits an argument at the first # after the name of a file or a directory. The selection is nil for a whole
// manifest. A file with the # in its own name wins, so any existing file can be named.
func parseSelection(argument string) (base string, sel *selection, err error) {
	if _, err := os.Stat(argument); err == nil {
		return argument, nil, nil
	}
	for i := range len(argument) {
		if argument[i] != '#' || !exists(argument[:i]) {
			continue
		}
		base, text := argument[:i], argument[i+1:]
		parsed := cue.ParsePath(text)
		if parsed.Err() != nil || len(parsed.Selectors()) == 0 {
			return "", nil, fmt.Errorf("%s: after # there must be the path of a value, such as apps or apps.\"my-app\", got %q",
				argument, text)
		}
		return base, &selection{argument, text, parsed.Selectors()}, nil
	}
	return argument, nil, nil
}

// exists reports whether a manifest can be read by this name: a file, a directory, DIR:package or standard input.
func exists(base string) bool {
	if base == "-" {
		return true
	}
	if _, err := os.Stat(base); err == nil {
		return true
	}
	_, _, ok, _ := packageArgument(base)
	return ok
}

// SelectedKeys returns the keys that lead to a selected app in its file. In is the In of the app's place. Without a selection
// there are none.
func SelectedKeys(in string) (keys []string) {
	_, sel, err := parseSelection(in)
	if sel == nil || err != nil {
		return nil
	}
	for _, selector := range sel.selectors {
		if selector.LabelType() == cue.IndexLabel {
			keys = append(keys, strconv.Itoa(selector.Index()))
			continue
		}
		keys = append(keys, selector.Unquoted())
	}
	return keys
}

// IsStdin reports whether an argument is read from standard input: - or -#PATH.
func IsStdin(argument string) bool { return argument == "-" || strings.HasPrefix(argument, "-#") }

// inCUE returns the selected value of an evaluated manifest, and reports a missing one. Selecting comes before validation: other
// values of the file need not be complete.
func (sel *selection) inCUE(s *inputFile, root cue.Value) (cue.Value, bool) {
	if sel == nil {
		return root, true
	}
	at := root
	for i, selector := range sel.selectors {
		inner := at.LookupPath(cue.MakePath(selector))
		if !inner.Exists() {
			sel.missing(s, i, keysOf(at))
			return inner, false
		}
		at = inner
	}
	return at, true
}

// keysOf returns the names of an object's fields.
func keysOf(v cue.Value) (names []string) {
	fields, err := v.Fields()
	if err != nil {
		return nil
	}
	for fields.Next() {
		names = append(names, fields.Selector().Unquoted())
	}
	return names
}

// selected returns the selected value of a manifest's data, nil if there is none.
func (s *inputFile) selected(t *Tree) *Tree {
	if t == nil || s.selection == nil || s.rejected {
		return t
	}
	return s.selection.inTree(s, t)
}

// inTree returns the selected value of data in JSON or YAML, and reports a missing one.
func (sel *selection) inTree(s *inputFile, t *Tree) *Tree {
	for i, selector := range sel.selectors {
		var inner *Tree
		switch {
		case selector.LabelType() == cue.StringLabel:
			inner = t.Lookup(selector.Unquoted())
		case selector.LabelType() == cue.IndexLabel && selector.Index() < len(t.Items):
			inner = t.Items[selector.Index()]
		}
		if inner == nil {
			var names []string
			for _, f := range t.Fields {
				names = append(names, f.Key)
			}
			sel.missing(s, i, names)
			return nil
		}
		t = inner
	}
	return t
}

// missing reports a missing value at a selector, with the names beside it.
func (sel *selection) missing(s *inputFile, i int, names []string) {
	selector := sel.selectors[i]
	within, hint := "", ""
	if i > 0 {
		within = sel.path(i) + " "
	}
	if selector.LabelType() == cue.StringLabel {
		hint = report.Suggest(selector.Unquoted(), names)
	}
	if slices.Sort(names); hint == "" && len(names) > 0 {
		hint = "; it has " + strings.Join(names[:min(len(names), 8)], ", ")
	}
	s.refuse(s.filePlace(), "", "%shas no field %s, which %s names%s", within, selector, sel.argument, hint)
}

// path returns the path of the first n selectors.
func (sel *selection) path(n int) string { return cue.MakePath(sel.selectors[:n]...).String() }

// keys returns the selection as the keys of a report's path.
func (sel *selection) keys() (at string) {
	if sel == nil {
		return ""
	}
	for _, selector := range sel.selectors {
		if selector.LabelType() == cue.IndexLabel {
			at = report.Index(at, selector.Index())
			continue
		}
		at = report.Member(at, strings.TrimSuffix(strings.Trim(selector.String(), `"`), "?"))
	}
	return at
}

// apps returns the apps in a selected value: one if it has a name or a section for all regions, else those in its fields.
func (sel *selection) apps(t *Tree, name string, r *report.Report) []Selected {
	if t.isApp() {
		t.setIn(name)
		return []Selected{{t, name}}
	}
	switch {
	case t.Kind != Object: // of a package: the readers of single files report it themselves
		r.Errorf(t.At.Pos(sel.keys()), notAnObject, t.Kind)
		return nil
	case len(t.Fields) == 0:
		r.Errorf(t.At.Pos(sel.keys()), "%s names an empty object: there is no app in it", sel.argument)
		return nil
	}
	var found []Selected
	for _, f := range t.Fields {
		if f.Value.Kind != Object {
			r.Errorf(f.At.Pos(report.Member(sel.keys(), f.Key)),
				"must be an app, got %s; %s names an object of apps, or one app with a name", f.Value.Kind, sel.argument)
			continue
		}
		in := name + "." + cue.Str(f.Key).String()
		f.Value.Refused = refusedBelow(t.Refused, report.Member(sel.keys(), f.Key))
		f.Value.Unknown = refusedBelow(t.Unknown, report.Member(sel.keys(), f.Key))
		f.Value.setIn(in)
		found = append(found, Selected{f.Value, in})
	}
	if len(found) < len(t.Fields) {
		return nil
	}
	return found
}

// isApp reports whether an object is an app, and not an object of apps: it has a name, or it lacks one and has settings. An app
// called name or all makes a field of that key, so the kind of the field decides.
func (t *Tree) isApp() bool {
	if name := t.Lookup("name"); name != nil {
		return name.Kind != Object
	}
	all := t.Lookup("all")
	return all != nil && all.Kind == Object && all.Lookup("name") == nil
}

// setIn notes in each place which of several apps the value belongs to: one line of a template may be the place of many.
func (t *Tree) setIn(name string) {
	t.At.In = name
	for i := range t.Fields {
		t.Fields[i].At.In = name
		t.Fields[i].Value.setIn(name)
	}
	for _, item := range t.Items {
		item.setIn(name)
	}
}

// refusedBelow returns the problems at a path and below. A prefix alone would also match a longer name: apps.web and apps.web2.
func refusedBelow(problems []report.Problem, at string) (below []report.Problem) {
	for _, p := range problems {
		rest, ok := strings.CutPrefix(p.Pos.Path, at)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			below = append(below, p)
		}
	}
	return below
}
