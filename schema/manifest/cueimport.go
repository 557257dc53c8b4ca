package manifest

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/build"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/cuemodules"
)

// ImportPath is the path by which a CUE manifest imports the definitions.
const ImportPath = "github.com/pebble/spacel/schema"

// packages finds the packages for the imports of a .cue manifest, and the files of the manifest's own package. It uses no
// network, and reads nothing outside of the manifest's module. CUE's own loader would fetch modules, and reads files of
// any size.
type packages struct {
	s           *inputFile
	definitions *form
	context     *build.Context
	imported    bool // the language's definitions

	module *cueModule // nil for standard input
	parsed []*ast.File
	bytes  int
	open   map[string]bool // import paths being loaded
}

// newPackages opens the module around a manifest. A module.cue with a mistake is reported. Standard input has no directory, so it
// belongs to no module.
func newPackages(s *inputFile, definitions *form) *packages {
	p := &packages{s: s, definitions: definitions, context: build.NewContext(), open: map[string]bool{}}
	if s.name == "-" {
		return p
	}
	var err error
	if p.module, err = openModule(s.dir()); err != nil {
		p.module = nil
		s.refuse(s.filePlace(), "", "its directory cannot be read: %s", reason(err))
		return p
	}
	p.readModuleFile()
	return p
}

// close closes the module's directory.
func (p *packages) close() {
	if p.module != nil {
		p.module.root.Close()
	}
}

// readModuleFile reads cue.mod/module.cue. A cue.mod without it is only a place for copies of packages.
func (p *packages) readModuleFile() {
	const name = "cue.mod/module.cue"
	if !p.module.governed {
		return
	}
	if _, err := p.module.root.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return
	}
	file := p.parse(name)
	if file == nil {
		return
	}
	if err := p.module.readFile(file); err != nil {
		p.s.refuse(Place{File: p.module.show(name)}, "", "%v", err)
		return
	}
	// CUE reads no file of a module whose module.cue is invalid, also if nothing is imported.
	_, err := p.mainModule()
	if wrong := (*cuemodules.FileError)(nil); errors.As(err, &wrong) {
		p.s.refuse(Place{File: p.module.show(name)}, "", "%s", wrong.Mistake())
	}
}

// load returns the package at an import path. It returns nil for a package of CUE itself, which CUE loads on its own. open holds
// the packages being loaded, so a cycle of imports is an error and not an endless recursion.
func (p *packages) load(pos token.Pos, importPath string) *build.Instance {
	parts := ast.ParseImportPath(importPath)
	switch first, _, _ := strings.Cut(parts.Path, "/"); {
	case parts.Path == ImportPath:
		return p.language(pos)
	// CUE's own packages (strings, encoding/json) have no dot in the first part of their path; others begin with a domain.
	case first != "" && !strings.Contains(first, "."):
		return nil
	case p.open[importPath]:
		return p.fail(pos, "the package %s imports itself", parts.Path)
	}
	p.open[importPath] = true
	defer delete(p.open, importPath)
	return p.local(pos, parts)
}

// fail reports an import and returns an instance that stops the evaluation.
func (p *packages) fail(pos token.Pos, format string, args ...any) *build.Instance {
	p.s.refuse(p.s.placeAt(pos), "", format, args...)
	return p.none(pos)
}

// none returns an instance that stops the evaluation. The reason has been reported. Returning nil would mean a package of CUE.
func (p *packages) none(pos token.Pos) *build.Instance {
	instance := p.context.NewInstance("", nil)
	instance.Err = cueerrors.Newf(pos, "not loaded")
	return instance
}

// local loads a package of the manifest's module, or a copy of a foreign one in cue.mod.
func (p *packages) local(pos token.Pos, parts ast.ImportPath) *build.Instance {
	var files []*ast.File
	if dir, ok := p.within(parts.Path); ok {
		files = p.files(dir, parts.Qualifier, true)
	}
	// These are the places in which older versions of CUE looked for copies of foreign packages.
	for _, vendor := range []string{"pkg", "gen", "usr"} {
		files = append(files, p.files(path.Join("cue.mod", vendor, parts.Path), parts.Qualifier, false)...)
	}
	switch {
	case p.s.rejected:
		return p.none(pos)
	case len(files) == 0:
		return p.dependency(pos, parts, nil)
	}
	found, err := p.providers(parts, nil)
	if err != nil {
		return p.fail(pos, "%v", err)
	}
	if len(found) > 0 {
		return p.fail(pos, "the package %s is here and in %s; keep one of them", parts.Unqualified(),
			cuemodules.Name(found[0].module.Version))
	}
	return p.buildPackage(files, p.load)
}

// within returns the directory of an import path inside the module. It reports false for a path outside of the module, and for
// a manifest without one.
func (p *packages) within(importPath string) (string, bool) {
	if p.module == nil || p.module.path == "" {
		return "", false
	}
	if importPath != p.module.path && !strings.HasPrefix(importPath, p.module.path+"/") {
		return "", false
	}
	return path.Join(".", strings.TrimPrefix(strings.TrimPrefix(importPath, p.module.path), "/")), true
}

// files returns the files of a package in a directory. As in CUE, files of the same package in the directories
// above belong to it, too, unless the directory itself has none. Only the package clause of any other file is read, so
// that files which have nothing to do with the package cannot stop a build.
func (p *packages) files(dir, name string, above bool) []*ast.File {
	if p.module == nil {
		return nil
	}
	dirs := []string{dir}
	if above {
		dirs = p.module.above(dir)
	}
	var files []*ast.File
	for i, dir := range dirs {
		listed, err := p.module.list(p.s.memory, dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return files
		case err != nil:
			p.s.refuse(Place{File: p.module.show(dir)}, "", "cannot be read: %s", reason(err))
		}
		for _, f := range listed {
			if f.excluded() {
				continue
			}
			if f.problem != "" {
				p.s.refuse(Place{File: p.module.show(path.Join(dir, f.name))}, "", "%s", f.problem)
			}
			if f.pkg != name {
				continue
			}
			if file := p.parse(path.Join(dir, f.name)); file != nil {
				files = append(files, file)
			}
		}
		// If the first directory has no file of the package, there is no such package, whatever is above.
		if i == 0 && len(files) == 0 {
			return nil
		}
	}
	return files
}

// parse reads a file of the module under the limits for manifests. The file's name in reports is relative to the
// same directory as the manifest's name.
func (p *packages) parse(name string) *ast.File {
	shown := p.module.show(name)
	f, err := p.module.root.Open(name)
	if err != nil {
		p.s.refuse(Place{File: shown}, "", "cannot be read: %s", reason(err))
		return nil
	}
	defer f.Close()
	data, whole, err := readCapped(f, maxCUE)
	p.bytes += len(data)
	switch {
	case err != nil:
		p.s.refuse(Place{File: shown}, "", "cannot be read: %s", reason(err))
	case !whole || p.bytes > maxData:
		p.s.refuse(Place{File: shown}, "", "too large: a CUE file may have %d KiB, all that are read %d KiB", maxCUE>>10, maxData>>10)
	default:
		src := &inputFile{name: shown, data: data, r: p.s.r}
		if src.plainText() {
			if file := src.parseCUE(p.module.version); file != nil {
				p.relax(file)
				p.parsed = append(p.parsed, file)
				return file
			}
		}
		p.s.rejected = true
	}
	return nil
}

// relax edits a user's file as the form of the definitions asks for.
func (p *packages) relax(file *ast.File) {
	if p.definitions != nil && p.definitions.own != nil && file != nil {
		p.definitions.own(file)
	}
}

// language loads the definitions of the manifest language. They come from the program, not from the module's copy or a registry,
// so a build checks with the same rules on every machine.
func (p *packages) language(pos token.Pos) *build.Instance {
	if !p.imported {
		p.noteOtherVersions()
	}
	p.imported = true
	instance := p.context.NewInstance("", nil)
	sources, err := p.s.memory.forms.of(p.s.definitions, p.definitions)
	if err != nil {
		return p.fail(pos, "%v", err)
	}
	for _, source := range sources {
		file, err := parser.ParseFile(source.name, source.text)
		if err != nil {
			return p.fail(pos, "%v", err)
		}
		if err := instance.AddSyntax(file); err != nil {
			return p.fail(pos, "%v", err)
		}
	}
	return instance
}

// exactDefinitions keeps the definitions as they are, but for the messages in them: an alternative of error() never matches
// and costs time. The definitions without it accept the same.
func exactDefinitions(file *ast.File) {
	astutil.Apply(file, nil, func(c astutil.Cursor) bool {
		or, ok := c.Node().(*ast.BinaryExpr)
		switch {
		case !ok || or.Op != token.OR:
		case isMessage(or.Y):
			c.Replace(or.X)
		case isMessage(or.X):
			c.Replace(or.Y)
		}
		return true
	})
}

// strictDefinitions is the exact form without null. Where CUE chooses between an object and null, it reports the choice in
// place of some mistakes inside of the object.
func strictDefinitions(file *ast.File) {
	exactDefinitions(file)
	astutil.Apply(file, nil, func(c astutil.Cursor) bool {
		or, ok := c.Node().(*ast.BinaryExpr)
		switch {
		case !ok || or.Op != token.OR:
		case isNull(or.X):
			c.Replace(or.Y)
		case isNull(or.Y):
			c.Replace(or.X)
		}
		return true
	})
}

// isNull reports whether an alternative is null.
func isNull(alternative ast.Expr) bool {
	literal, ok := alternative.(*ast.BasicLit)
	return ok && literal.Kind == token.NULL
}

// isMessage reports whether an alternative is a call of error().
func isMessage(alternative ast.Expr) bool {
	call, ok := alternative.(*ast.CallExpr)
	if !ok {
		return false
	}
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "error"
}

// lenientDefinitions accepts null for every field of a definition. A manifest in YAML or JSON may have it, too.
func lenientDefinitions(file *ast.File) {
	exactDefinitions(file)
	for _, f := range definitionsIn(file) {
		astutil.Apply(f.Value, nil, func(c astutil.Cursor) bool {
			if inner, ok := c.Node().(*ast.Field); ok {
				inner.Value = ast.NewBinExpr(token.OR, inner.Value, ast.NewNull())
			}
			return true
		})
	}
}

// definitionsIn returns the definitions of a file.
func definitionsIn(file *ast.File) (fields []*ast.Field) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(f.Label); err == nil && strings.HasPrefix(name, "#") {
			fields = append(fields, f)
		}
	}
	return fields
}

// openDefinitions makes every definition accept anything. A definition of an object becomes an object with "..." as its last
// element. A manifest's own definition based on it then stays as open as it would be.
func openDefinitions(file *ast.File) {
	for _, f := range definitionsIn(file) {
		if _, ok := f.Value.(*ast.StructLit); ok {
			f.Value = &ast.StructLit{Elts: []ast.Decl{&ast.Ellipsis{}}}
		} else {
			f.Value = ast.NewIdent("_")
		}
	}
}

// openObjects makes each object of a file accept more fields. A definition of the user lacks the fields of a definition that is open
// now, and would refuse them.
func openObjects(file *ast.File) {
	ast.Walk(file, nil, func(n ast.Node) {
		object, ok := n.(*ast.StructLit)
		if !ok {
			return
		}
		isOpen, hasField := false, len(object.Elts) == 0
		for _, d := range object.Elts {
			switch d.(type) {
			case *ast.Ellipsis:
				isOpen = true
			case *ast.Field:
				hasField = true
			}
		}
		if hasField && !isOpen { // without a field it may be a scalar in braces
			object.Elts = append(object.Elts, &ast.Ellipsis{})
		}
	})
}
