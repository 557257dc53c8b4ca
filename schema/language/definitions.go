// Package language checks manifests against the CUE definitions in schema/*.cue, and turns the same definitions into a JSON
// Schema and a reference page.
//
//	checker.go       checks a manifest. Most pass a reduced copy of the definitions, which is faster to compile
//	explain.go       finds each mistake of a refused manifest, and words it as the definitions do
//	normalise.go     brings words such as "yes", quoted numbers and null into one form before the check
//	facts.go         the data in the definitions: AWS's regions, engines and metrics, and the defaults
//	published.go     the definitions as the cue command and editors read them
//	jsonschema.go    JSON Schema, for editors
//	reference.go     docs/reference.md
package language

import (
	"fmt"
	"io/fs"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
)

// definitions holds the compiled definitions. CUE's values belong to one context, and a context must not be used
// by two goroutines at a time, so each worker compiles its own.
type definitions struct {
	context *cue.Context
	root    cue.Value
	orbit   *typeInfo
	app     *typeInfo
}

// Definition names the definition of a file: Orbit or App, or that of another file in the same forms.
type Definition string

// The definitions of the two kinds of manifest.
const (
	Orbit Definition = "#Orbit"
	App   Definition = "#App"
)

// rootType returns the type of a whole manifest, or of another file that has definitions of its own.
func (l *definitions) rootType(d Definition) *typeInfo {
	switch d {
	case Orbit:
		return l.orbit
	case App:
		return l.app
	}
	return l.typeInfo(l.root.LookupPath(cue.ParsePath(string(d))))
}

// compileDefinitions compiles the definitions as they are written.
func compileDefinitions(files fs.FS) (*definitions, error) {
	return compile(files, func(f *ast.File) *ast.File { return f })
}

// compile compiles the definitions after passing each file through edit. CUE_DEBUG is ignored: an environment
// variable must not change the result of a build.
func compile(files fs.FS, edit func(*ast.File) *ast.File) (*definitions, error) {
	names, err := fs.Glob(files, "*.cue")
	if err != nil {
		return nil, err
	}
	instance := build.NewContext().NewInstance("schema", nil)
	for _, name := range names {
		if slices.Contains(forOtherReaders, name) {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse the language: %s", errors.Details(err, nil))
		}
		if err := instance.AddSyntax(edit(checkedForm(file))); err != nil {
			return nil, fmt.Errorf("parse the language: %s", errors.Details(err, nil))
		}
	}
	context := cuecontext.New(cuecontext.CUE_DEBUG("")) // CUE_DEBUG of the environment must not change a build
	root := context.BuildInstance(instance)
	if err := root.Err(); err != nil {
		return nil, fmt.Errorf("compile the language: %s", errors.Details(err, nil))
	}
	l := &definitions{context: context, root: root}
	l.orbit = l.typeInfo(root.LookupPath(cue.ParsePath(string(Orbit))))
	l.app = l.typeInfo(root.LookupPath(cue.ParsePath(string(App))))
	return l, nil
}
