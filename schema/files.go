package schema

import (
	"path"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
	"github.com/pebble/spacel/schema/units"
)

// files returns the files that instances put below /files. A region's files are merged with those in all, by name.
func (b appBuilder) files() []File {
	var files []File
	for _, e := range b.section.Merged("files", asIs, nil) {
		f := File{Node: sections.NewNode(e.Pos(), nil), Name: e.Key, Text: b.scope.reader().Text(e.Value)}
		f.Mode = b.scope.facts.Defaults.Lookup("file").Lookup("mode").Text
		if mode := e.Tree.Lookup("mode"); mode != nil {
			// 644 and 0644 are the same octal mode. The model has the form with a zero.
			f.Mode = "0" + strings.TrimPrefix(mode.Text, "0")
		}
		f.User = b.owner(e, &f)
		if e.Tree.Kind == manifest.Object {
			e.Record(b.scope.report, nil).DeriveText("mode", f.Mode)
		}
		// Cleaning removes dots and double slashes, so a key that changes could point outside of /files.
		if clean := path.Clean("/" + e.Key); strings.HasPrefix(e.Key, "/") || clean != "/"+e.Key {
			b.scope.report.Errorf(e.Pos(), "the key must be a plain path below /files, such as %s", strings.TrimPrefix(clean, "/"))
		}
		files = append(files, f)
	}
	checkNestedFiles(b.scope.report, files)
	return files
}

// owner returns the user that a file belongs to, "" for root. A file of a user is for that user alone unless a mode is given. A
// secret without both is noted, because every user of the machine may read it.
func (b appBuilder) owner(e sections.Entry, f *File) string {
	mode, user := e.Tree.Lookup("mode"), e.Tree.Lookup("user")
	switch {
	case user != nil && mode == nil:
		f.Mode = "0600"
	case (f.Text.Payload != nil || f.Text.From != nil) && user == nil && mode == nil:
		b.scope.report.Notef(e.Pos(), "is a secret with the mode %s, so every user of the machine may read it: set mode: \"0600\", and "+
			"user to the number of the user that reads it unless that is root", f.Mode)
	}
	if user == nil {
		return ""
	}
	return units.WithoutZeros(user.Text)
}

// checkNestedFiles reports a file whose name is also a directory of another file.
func checkNestedFiles(found *report.Report, files []File) {
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name] = true
	}
	for _, f := range files {
		if path.Clean(f.Name) != f.Name {
			continue // reported already
		}
		for dir := path.Dir(f.Name); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if names[dir] {
				found.Errorf(f.Pos, "cannot be below %s, which is a file", dir)
			}
		}
	}
}

// checkEnvironmentFiles reports a file with the name of a file that spacel generates for a unit's environment.
func checkEnvironmentFiles(found *report.Report, a *AppRegion) {
	made := map[string]string{}
	for _, s := range a.Containers() {
		if len(s.Environment) > 0 {
			made[strings.TrimSuffix(s.Name, path.Ext(s.Name))+".env"] = s.Name
		}
	}
	for _, f := range a.Files {
		if unit, ok := made[f.Name]; ok {
			found.Errorf(f.Pos, "is also generated from the environment of %s: remove one of them", unit)
		}
	}
}
