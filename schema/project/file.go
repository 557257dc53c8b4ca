package project

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

//go:embed project.cue
var definition embed.FS

// root is the definition of a whole project file.
const root language.Definition = "#Project"

// readFile reads and checks a project file. It returns nil if the file has mistakes, which the report then holds.
func readFile(name string, definitions fs.FS, r *report.Report) (*Project, error) {
	t, err := manifest.Reader{Definitions: definitions}.Read(name, r)
	if t == nil || err != nil {
		return nil, err
	}
	checker, err := language.NewChecker(definition)
	if err != nil {
		return nil, err
	}
	if err := checker.Check(t, root, r, nil); err != nil {
		return nil, err
	}
	p := &Project{File: name, Out: cmp.Or(text(t, "out"), DefaultOut), Orbit: text(t, "orbit"), Policy: text(t, "policy")}
	checkPath(t.Field("orbit"), "orbit", r)
	checkPath(t.Field("policy"), "policy", r)
	// Each entry is checked at its own line, so one wrong path in a long list is easy to find.
	if list := t.Lookup("manifests"); list != nil {
		for i, item := range list.Items {
			checkPath(&manifest.Field{At: item.At, Value: item}, report.Index("manifests", i), r)
			p.Manifests = append(p.Manifests, item.Text)
		}
	}
	if r.Failed(false) {
		return nil, nil
	}
	return p, nil
}

// text returns a field's value, "" if the field is absent.
func text(t *manifest.Tree, field string) string {
	if value := t.Lookup(field); value != nil {
		return value.Text
	}
	return ""
}

// checkPath reports a path that leads nowhere, at its place in the project file. In FILE#path and DIR:package only the part
// before the sign is a path.
func checkPath(f *manifest.Field, path string, r *report.Report) {
	if f == nil {
		return
	}
	file, _, _ := strings.Cut(f.Value.Text, "#")
	if i := strings.LastIndexByte(file, ':'); i > 1 { // C: is a drive
		file = file[:i]
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		r.Errorf(f.Value.At.Pos(path), "%s: there is no such file", file)
	}
}
