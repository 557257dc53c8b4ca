package schema

import (
	"embed"
	"fmt"
	"io/fs"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
)

// Sources are the language's own CUE files: one package, schema, with the definitions #Orbit and #App.
//
//go:embed *.cue
var Sources embed.FS

// language is the compiled definitions. CUE's values belong to one context, and that to one goroutine: each worker
// compiles its own.
type language struct {
	context *cue.Context
	root    cue.Value
	orbit   *shape
	app     *shape
}

// form is the definition that a manifest is held against.
type form string

const (
	orbitForm form = "#Orbit"
	appForm   form = "#App"
)

func (l *language) shapeOf(d form) *shape {
	if d == orbitForm {
		return l.orbit
	}
	return l.app
}

// compileLanguage compiles the definitions as they are written.
func compileLanguage() (*language, error) {
	return compile(func(f *ast.File) *ast.File { return f })
}

// compile compiles the definitions, each file edited first.
func compile(edit func(*ast.File) *ast.File) (*language, error) {
	files, err := fs.Glob(Sources, "*.cue")
	if err != nil {
		return nil, err
	}
	instance := build.NewContext().NewInstance("schema", nil)
	for _, name := range files {
		text, err := Sources.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse the language: %s", errors.Details(err, nil))
		}
		if err := instance.AddSyntax(edit(file)); err != nil {
			return nil, fmt.Errorf("parse the language: %s", errors.Details(err, nil))
		}
	}
	context := cuecontext.New(cuecontext.CUE_DEBUG("")) // CUE_DEBUG of the environment must not change a build
	root := context.BuildInstance(instance)
	if err := root.Err(); err != nil {
		return nil, fmt.Errorf("compile the language: %s", errors.Details(err, nil))
	}
	l := &language{context: context, root: root}
	l.orbit = l.shape(root.LookupPath(cue.ParsePath(string(orbitForm))))
	l.app = l.shape(root.LookupPath(cue.ParsePath(string(appForm))))
	return l, nil
}
