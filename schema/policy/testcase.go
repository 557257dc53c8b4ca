package policy

import (
	"bytes"
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// Case is a case of a *_test.cue file: an app of an orbit in one region, and the expected values, template or error.
type Case struct {
	Name   string
	Pos    report.Pos
	Orbit  string // paths of manifests, relative to the directory in which the command runs
	App    string
	Region string
	Error  string // part of a mistake that the manifests must have; "" when they must have none

	expect   cue.Value
	template cue.Value
}

// caseFields are the fields of a case.
var caseFields = []string{"orbit", "app", "region", "expect", "template", "error"}

// ReadCases reads the cases of a file, in the order of their names in CUE. Mistakes in the file are reported.
func ReadCases(in manifest.Reader, file string, r *report.Report) ([]Case, error) {
	instance, err := in.LoadFile(file, r)
	if instance == nil {
		return nil, err
	}
	var root cue.Value
	mistakes, err := manifest.Within(filepath.ToSlash(file), func() error {
		root = build(instance)
		return root.Validate()
	})
	if err != nil {
		return nil, err
	}
	if mistakes != nil {
		instance.ReportErrors(mistakes, r)
		return nil, nil
	}
	at := report.Pos{File: filepath.ToSlash(file)}
	tests := root.LookupPath(cue.ParsePath("tests"))
	fields, err := tests.Fields()
	if err != nil || !tests.Exists() {
		r.Errorf(at, `has no tests: write tests: NAME: {orbit: "orbit.yaml", app: "app.yaml", region: "us-east-1", expect: {…}}`)
		return nil, nil
	}
	var cases []Case
	for fields.Next() {
		c := Case{Name: fields.Selector().Unquoted(), Pos: at}
		// The file stands for a case without a position of its own.
		if pos := fields.Value().Pos(); manifest.Written(pos) {
			c.Pos = manifest.PlaceOf(pos).Pos("")
		}
		c.Pos.Path = report.Member("tests", c.Name)
		if c.read(fields.Value(), path.Dir(filepath.ToSlash(file)), r) {
			cases = append(cases, c)
		}
	}
	return cases, nil
}

// read reads the fields of a case, and reports whether they are complete.
func (c *Case) read(v cue.Value, dir string, r *report.Report) bool {
	// The number of problems tells whether this case added one.
	before := len(r.Problems())
	fields, err := v.Fields()
	if err != nil {
		r.Errorf(c.Pos, "must be an object with the fields %s", strings.Join(caseFields, ", "))
		return false
	}
	for fields.Next() {
		if name := fields.Selector().Unquoted(); !slices.Contains(caseFields, name) {
			r.Errorf(c.Pos, "unknown field %s%s", name, report.Suggest(name, caseFields))
		}
	}
	text := func(name string) string {
		s, err := v.LookupPath(cue.MakePath(cue.Str(name))).String()
		if err != nil {
			r.Errorf(c.Pos, "%s must be a string", name)
		}
		return s
	}
	// Paths in a case are relative to its file, so tests work from every directory.
	beside := func(file string) string {
		if path.IsAbs(file) {
			return file
		}
		return path.Join(dir, file)
	}
	c.Orbit, c.App, c.Region = beside(text("orbit")), beside(text("app")), text("region")
	c.expect, c.template = v.LookupPath(cue.ParsePath("expect")), v.LookupPath(cue.ParsePath("template"))
	wantsError := v.LookupPath(cue.ParsePath("error")).Exists()
	if wantsError {
		c.Error = text("error")
	}
	switch expects := c.expect.Exists() || c.template.Exists(); {
	case wantsError && (expects || c.Error == ""):
		r.Errorf(c.Pos, "error must be part of a mistake's text, without expect and template: manifests with a mistake have neither")
	case !wantsError && !expects:
		r.Errorf(c.Pos, "checks nothing: it needs expect, template or error")
	}
	return len(r.Problems()) == before
}

// CheckValue compares the resolved value with expect. Its fields orbit, app and region have the same meaning as in a policy.
// Without any of these, expect constrains the app's section.
func (c Case) CheckValue(v resolved.Value) ([]Violation, error) {
	if !c.expect.Exists() {
		return nil, nil
	}
	constraint := c.expect
	if !names(constraint, constrained) {
		constraint = within(constraint)
	}
	return c.against(constraint, v)
}

// against compares a value with a constraint. An error means that the evaluation takes too much time or memory.
func (c Case) against(constraint cue.Value, v resolved.Value) ([]Violation, error) {
	return manifest.Within(c.Pos.File, func() []Violation { return Against(constraint, v) })
}

// names reports whether a value has one of the fields.
func names(v cue.Value, fields []string) bool {
	return slices.ContainsFunc(fields, func(name string) bool {
		return v.LookupPath(cue.MakePath(cue.Str(name).Optional())).Exists()
	})
}

// within puts a constraint for an app's section into the field app.
func within(v cue.Value) cue.Value {
	return cuecontext.New().CompileString("{app: _}").FillPath(cue.ParsePath("app"), v)
}

// CheckTemplate compares the template of the app's stack with template. Numbers keep their digits (UseNumber): a float64 would
// round large ones.
func (c Case) CheckTemplate(text []byte) ([]Violation, error) {
	if !c.template.Exists() {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return nil, err
	}
	at := manifest.Place{File: "template"} // it was built in memory: there is no file
	template := &resolved.Section{At: at.Pos(""), Tree: manifest.FromData(data, at)}
	return c.against(within(c.template), resolved.Value{Region: c.Region, App: template})
}
