package manifest

import (
	"fmt"
	"io/fs"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
)

// form is a form of the definitions for an evaluation: exact, open or lenient.
type form struct {
	name string
	edit func(*ast.File)
	own  func(*ast.File) // edits the manifest's own files, and those of other packages; nil to keep them
}

// The forms. See evaluateCUE for their use.
var (
	wholeForm   = &form{"whole", func(*ast.File) {}, nil}
	exactForm   = &form{"exact", exactDefinitions, nil}
	strictForm  = &form{"strict", strictDefinitions, nil}
	openForm    = &form{"open", openDefinitions, nil}
	relaxedForm = &form{"relaxed", openDefinitions, openObjects}
	lenientForm = &form{"lenient", lenientDefinitions, nil}
)

// forms remembers the text of each form of the definitions. Parsing the text again is faster than editing the sources again,
// and each evaluation needs syntax of its own, since CUE notes its references in there. It may be used by several
// goroutines.
type forms struct{ made sync.Map }

// source is a file of the definitions in one form.
type source struct {
	name string
	text []byte
}

// of returns the files of a form.
func (f *forms) of(definitions fs.FS, form *form) ([]source, error) {
	if known, ok := f.made.Load(form.name); ok {
		return known.([]source), nil
	}
	names, err := fs.Glob(definitions, "*.cue")
	if err != nil {
		return nil, err
	}
	var sources []source
	for _, name := range names {
		data, err := fs.ReadFile(definitions, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(name, data)
		if err != nil {
			return nil, err
		}
		form.edit(file)
		text, err := format.Node(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		sources = append(sources, source{ImportPath + "/" + name, text})
	}
	f.made.Store(form.name, sources)
	return sources, nil
}
