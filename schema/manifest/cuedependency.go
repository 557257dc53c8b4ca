package manifest

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/cuemodules"
)

// importer loads packages for the imports of one module: that of the manifest, or one of its dependencies. An import path without
// a version means the major version in the importing module's own module.cue, so each module needs its own importer.
type importer struct {
	*packages
	from *cuemodules.Module // nil: the manifest's own
}

// load is packages.load for the imports of a dependency. It looks into the dependency itself first, then at copies in the
// manifest's module, then into other dependencies. The key holds the importing module, since one path can mean two versions.
func (i importer) load(pos token.Pos, importPath string) *build.Instance {
	parts := ast.ParseImportPath(importPath)
	key := importPath + " of " + cuemodules.Name(i.from.Version)
	switch first, _, _ := strings.Cut(parts.Path, "/"); {
	case parts.Path == ImportPath:
		return i.language(pos)
	case first != "" && !strings.Contains(first, "."):
		return nil
	case i.open[key]:
		return i.fail(pos, "the package %s imports itself", parts.Path)
	}
	i.open[key] = true
	defer delete(i.open, key)
	if base := i.from.Version.BasePath(); parts.Path == base || strings.HasPrefix(parts.Path, base+"/") {
		if files := i.moduleFiles(i.from, parts); len(files) > 0 || i.s.rejected {
			return i.buildPackage(files, i.load)
		}
	}
	var files []*ast.File
	// Older versions of CUE kept copies of foreign packages in these directories.
	for _, vendor := range []string{"pkg", "gen", "usr"} {
		files = append(files, i.files(path.Join("cue.mod", vendor, parts.Path), parts.Qualifier, false)...)
	}
	if len(files) > 0 {
		return i.buildPackage(files, i.packages.load)
	}
	return i.dependency(pos, parts, i.from)
}

// buildPackage builds a package from its files. Complete loads their imports by load, and so recurses.
func (p *packages) buildPackage(files []*ast.File, load build.LoadFunc) *build.Instance {
	instance := p.context.NewInstance("", load)
	for _, file := range files {
		if err := instance.AddSyntax(file); err != nil {
			p.s.cueErrors(err)
		}
	}
	if p.s.rejected {
		return p.none(token.NoPos)
	}
	if err := instance.Complete(); err != nil && !p.s.rejected {
		p.s.cueErrors(err)
	}
	return instance
}

// dependency loads a package from a dependency of the manifest's module. from is the module that imports it.
func (p *packages) dependency(pos token.Pos, parts ast.ImportPath, from *cuemodules.Module) *build.Instance {
	found, err := p.providers(parts, from)
	switch {
	case p.s.rejected:
		return p.none(pos)
	case err != nil:
		return p.fail(pos, "%v", err)
	case len(found) == 0:
		return p.fail(pos, "there is no package %s here: it is not in the manifest's own module, and no module in deps of %s has it; "+
			"cue mod tidy adds it there, and %s loads it", parts.Unqualified(), cuemodules.ModuleFile, cuemodules.Command)
	case len(found) > 1:
		return p.fail(pos, "the package %s is in two modules, %s and %s; keep one of them in %s", parts.Unqualified(),
			cuemodules.Name(found[0].module.Version), cuemodules.Name(found[1].module.Version), cuemodules.ModuleFile)
	}
	return p.buildPackage(found[0].files, importer{p, found[0].module}.load)
}

// provider is a dependency with its files of one package.
type provider struct {
	module *cuemodules.Module
	files  []*ast.File
}

// providers returns the dependencies with a package. Like CUE, it looks at each dependency whose path is a prefix of the
// import path: a package in two modules is ambiguous.
func (p *packages) providers(parts ast.ImportPath, from *cuemodules.Module) ([]provider, error) {
	own, err := p.mainModule()
	if own == nil || err != nil {
		return nil, err
	}
	candidates, err := own.Candidates(parts.Path, parts.Version, from)
	var found []provider
	for _, version := range candidates {
		m, wrong := own.Load(version)
		if wrong != nil {
			return nil, wrong
		}
		if files := p.moduleFiles(m, parts); len(files) > 0 {
			found = append(found, provider{m, files})
		}
	}
	return found, err
}

// mainModule opens the manifest's module, nil if there is none. Manifests of one module share it, so that each dependency is
// read once.
func (p *packages) mainModule() (*cuemodules.Main, error) {
	if p.module == nil || !p.module.governed {
		return nil, nil
	}
	// The module is remembered by its absolute path, since manifests may name it from different directories.
	if known, ok := p.s.memory.modules.Load(p.module.absolute); ok {
		return known.(opened).module, known.(opened).err
	}
	m, err := cuemodules.Open(p.module.root.FS())
	if errors.Is(err, fs.ErrNotExist) {
		m, err = nil, nil
	}
	known, _ := p.s.memory.modules.LoadOrStore(p.module.absolute, opened{m, err})
	return known.(opened).module, known.(opened).err
}

// opened is the result of opening a main module.
type opened struct {
	module *cuemodules.Main
	err    error
}

// moduleFiles returns the files of a package in a dependency: those of its directory and, as in CUE, those of the same package in
// the directories above, up to the module's root.
func (p *packages) moduleFiles(m *cuemodules.Module, parts ast.ImportPath) []*ast.File {
	first := path.Join(".", strings.TrimPrefix(strings.TrimPrefix(parts.Path, m.Version.BasePath()), "/"))
	var files []*ast.File
	for dir := first; ; dir = path.Dir(dir) {
		for _, name := range slices.Sorted(maps.Keys(m.Files)) {
			if path.Dir(name) != dir || (cueFile{name: path.Base(name)}).excluded() {
				continue
			}
			if file := p.moduleFile(m, name, parts.Qualifier); file != nil {
				files = append(files, file)
			}
		}
		if dir == "." || len(files) == 0 {
			return files
		}
	}
}

// moduleFile parses a file of a dependency if it is of a package. Reports and source maps name the file by its module and
// version, not by the directory of the cache, which differs between machines.
func (p *packages) moduleFile(m *cuemodules.Module, name, pkg string) *ast.File {
	data := m.Files[name]
	shown := cuemodules.Name(m.Version) + "/" + name
	clause, problem, ignored := packageClause(data[:min(len(data), maxHeader)], len(data) < maxHeader)
	if problem != "" {
		p.s.refuse(Place{File: shown}, "", "%s", problem)
	}
	if problem != "" || ignored || clause != pkg {
		return nil
	}
	// The limit is on the sum of all files, since many small ones take as long as a large one.
	if p.bytes += len(data); len(data) > maxCUE || p.bytes > maxData {
		p.s.refuse(Place{File: shown}, "", "too large: a CUE file may have %d KiB, all that are read %d KiB", maxCUE>>10, maxData>>10)
		return nil
	}
	src := &inputFile{name: shown, data: data, r: p.s.r}
	if src.plainText() {
		if file := src.parseCUE(cmp.Or(m.Language(), p.module.version)); file != nil {
			p.parsed = append(p.parsed, file)
			return file
		}
	}
	p.s.rejected = true
	return nil
}
