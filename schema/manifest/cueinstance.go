package manifest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"github.com/pebble/spacel/schema/report"
)

// Instance is CUE source other than a manifest, such as a package of policies. The rules for a manifest hold for it, too: it may
// import packages of its module and the definitions, and takes nothing from a network or the command line.
type Instance struct {
	*build.Instance
	Files []*ast.File // its own, without those of imports
}

// LoadPackage reads a package of a directory, with its files in the directories above as cue export reads them. It returns nil
// when the report has a mistake. A directory without the package is an error.
func (in Reader) LoadPackage(dir, name string, r *report.Report) (*Instance, error) {
	shown := path.Clean(filepath.ToSlash(dir))
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: is a file; name the directory with the files of package %s", shown, name)
	}
	files, err := in.packageFiles(shown)
	if err != nil {
		return nil, err
	}
	// A directory with other packages only is a wrong argument, not an empty set of rules.
	if !slices.Contains(packageNames(files), name) {
		return nil, fmt.Errorf("%s: no .cue file in it is of package %s", shown, name)
	}
	return loadInstance(&inputFile{
		name: shown, r: r, definitions: in.Definitions, memory: in.memory, pkg: &ownPackage{dir: shown, name: name, above: true},
	}), nil
}

// LoadFile reads one file, whatever its package is. It returns nil when the report has a mistake.
func (in Reader) LoadFile(name string, r *report.Report) (*Instance, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	shown := filepath.ToSlash(name)
	data, whole, err := readCapped(f, maxCUE)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", shown, err)
	}
	s := &inputFile{name: shown, data: data, r: r, definitions: in.Definitions, memory: in.memory}
	if !whole {
		tooLarge(shown, maxCUE, r)
		return nil, nil
	}
	if !s.plainText() {
		return nil, nil
	}
	return loadInstance(s), nil
}

// loadInstance parses the files of an input and loads its imports. Mistakes are reported at their places. The definitions keep
// their exact form: a policy may constrain a field with one of them.
func loadInstance(s *inputFile) *Instance {
	packages := newPackages(s, exactForm)
	defer packages.close()
	files := packages.manifest()
	if s.rejected {
		return nil
	}
	instance := packages.context.NewInstance("", packages.load)
	for _, file := range files {
		if err := instance.AddSyntax(file); err != nil {
			s.cueErrors(err)
		}
	}
	if err := instance.Complete(); err != nil && !s.rejected {
		s.cueErrors(err)
	}
	if s.rejected {
		return nil
	}
	return &Instance{Instance: instance, Files: files}
}

// ReportErrors reports errors of CUE in source other than a manifest, each at its place in the source, in CUE's own words.
func (i *Instance) ReportErrors(err error, r *report.Report) {
	for _, e := range cueerrors.Errors(err) {
		at := Place{}
		for _, pos := range cueerrors.Positions(e) {
			if written(pos) && at.File == "" {
				at = PlaceOf(pos)
			}
		}
		format, args := e.Msg()
		r.Errorf(at.Pos(cuePath(e.Path())), format, args...)
	}
}

// PlaceOf converts a position of CUE.
func PlaceOf(pos token.Pos) Place {
	return Place{File: pos.Filename(), Line: pos.Line(), Col: pos.Column()}
}

// Written reports whether a position is in a user's file: values made in memory have no file, and the definitions are ours.
func Written(pos token.Pos) bool { return written(pos) && pos.Filename() != "" }
