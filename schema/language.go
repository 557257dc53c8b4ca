package schema

import (
	"embed"
	"fmt"
	"io/fs"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
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

func compileLanguage() (*language, error) {
	instance := build.NewContext().NewInstance("schema", nil)
	files, err := fs.Glob(Sources, "*.cue")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := Sources.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := instance.AddFile(name, text); err != nil {
			return nil, fmt.Errorf("parse the language: %s", errors.Details(err, nil))
		}
	}
	context := cuecontext.New(cuecontext.CUE_DEBUG("")) // CUE_DEBUG of the environment must not change a build
	root := context.BuildInstance(instance)
	if err := root.Err(); err != nil {
		return nil, fmt.Errorf("compile the language: %s", errors.Details(err, nil))
	}
	l := &language{context: context, root: root}
	l.orbit = l.shape(root.LookupPath(cue.ParsePath("#Orbit")))
	l.app = l.shape(root.LookupPath(cue.ParsePath("#App")))
	return l, nil
}
