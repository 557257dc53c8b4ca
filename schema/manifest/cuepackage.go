package manifest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"

	"github.com/pebble/spacel/schema/report"
)

// ownPackage is the CUE package of a manifest in several files.
type ownPackage struct {
	dir   string // as shown in reports, with slashes
	name  string
	above bool // files in the directories above belong to it
}

// dir returns the directory of a manifest, as shown in reports.
func (s *inputFile) dir() string {
	if s.pkg != nil {
		return s.pkg.dir
	}
	return path.Dir(s.name)
}

// owns reports whether a file in a report is the manifest itself or, of a package, in its directory. A mistake in any other file
// also names the manifest (Place.In), since many manifests may import that file.
func (s *inputFile) owns(file string) bool {
	if s.pkg != nil {
		return path.Dir(file) == path.Clean(s.pkg.dir)
	}
	return file == s.name
}

// packageArgument splits DIR:package. ok is false if the text before the last colon is not a directory: a file with a colon in its
// name stays whole.
func packageArgument(argument string) (dir, name string, ok bool, err error) {
	i := strings.LastIndexByte(argument, ':')
	if i < 1 {
		return "", "", false, nil
	}
	dir, name = argument[:i], argument[i+1:]
	info, missing := os.Stat(dir)
	switch {
	case missing != nil:
		return "", "", false, nil
	case !info.IsDir():
		return "", "", false, fmt.Errorf("%s: %s is a file; a CUE package is named by its directory, as %s:%s",
			argument, dir, filepath.ToSlash(filepath.Dir(dir)), name)
	case !ast.IsValidIdent(name) || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "#"):
		return "", "", false, fmt.Errorf("%s: %q is not the name of a CUE package", argument, name)
	}
	return dir, name, true, nil
}

// readDirectory reads a directory: an app directory if it is or has .space, else a CUE package.
func (in Reader) readDirectory(given string, r *report.Report) (*Tree, error) {
	if dir, ok := findAppDir(given); ok {
		if in.selection != nil {
			return nil, fmt.Errorf("%s: %s is the directory of one app; leave #%s out", in.selection.argument, given, in.selection.text)
		}
		return in.readAppDir(dir, r)
	}
	return in.readPackage(given, given, "", r)
}

// readPackage reads the CUE package of a directory: its files there and in the directories above up to the module's
// root, as cue export does. An empty name is that of the directory's only package.
func (in Reader) readPackage(given, dir, name string, r *report.Report) (*Tree, error) {
	shown := path.Clean(filepath.ToSlash(dir))
	if name != "" && filepath.Base(filepath.Clean(dir)) == ".space" {
		return nil, fmt.Errorf("%s: an app directory is named without a package; its package is that of its app.cue", given)
	}
	files, err := in.packageFiles(shown)
	if err != nil {
		return nil, err
	}
	if name == "" {
		if name, err = onlyPackage(given, shown, files); err != nil {
			return nil, err
		}
		noteUnnamed(shown, name, files, r)
	} else if names := packageNames(files); !slices.Contains(names, name) {
		return nil, fmt.Errorf("%s: no .cue file in %s is of package %s%s", given, shown, name, report.Suggest(name, names))
	}
	s := in.input(filepath.ToSlash(given), r)
	s.pkg, s.selection = &ownPackage{dir: shown, name: name, above: true}, in.selection
	return readCUE(s)
}

// noteUnnamed notes files without a package clause beside a package. CUE does not read them, and a user may have forgotten the
// clause.
func noteUnnamed(dir, pkg string, files []cueFile, r *report.Report) {
	for _, f := range files {
		if f.pkg == "" && f.problem == "" {
			r.Notef(report.Pos{File: path.Join(dir, f.name)}, "has no package clause, so it is not part of package %s and is not read", pkg)
		}
	}
}

// packageFiles lists the .cue files of a directory which CUE takes for packages.
func (in Reader) packageFiles(dir string) ([]cueFile, error) {
	module, err := openModule(dir)
	if err != nil {
		return nil, err
	}
	defer module.root.Close()
	files, err := module.list(in.memory, module.at)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", dir, reason(err))
	}
	return slices.DeleteFunc(slices.Clone(files), cueFile.excluded), nil
}

// packageNames returns the names of the packages of files, sorted.
func packageNames(files []cueFile) (names []string) {
	for _, f := range files {
		if f.pkg != "" {
			names = append(names, f.pkg)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// onlyPackage returns the package of a directory with exactly one. For any other directory the error names arguments to use
// instead.
func onlyPackage(given, dir string, files []cueFile) (string, error) {
	given = filepath.ToSlash(given)
	for _, f := range files {
		if f.problem != "" {
			return "", fmt.Errorf("%s: %s", path.Join(dir, f.name), f.problem)
		}
	}
	switch names := packageNames(files); {
	case len(names) == 1:
		return names[0], nil
	case len(names) > 1:
		for i, name := range names {
			names[i] = dir + ":" + name
		}
		return "", fmt.Errorf("%s: has several CUE packages; name one of %s", given, strings.Join(names, ", "))
	case len(files) > 0:
		return "", fmt.Errorf("%s: no .cue file in it has a package clause; name a file, such as %s", given, path.Join(dir, files[0].name))
	}
	return "", fmt.Errorf("%s: there is no .space directory and no CUE package in it; name a manifest file, a directory "+
		"with a CUE package, or a project that has .space", given)
}

// unreadSiblings notes the other files of a manifest's package when the argument names only its file. They are beside the file or
// in the directories above. Only naming the directory reads them.
func (s *inputFile) unreadSiblings() {
	name, _, _ := packageClause(s.data, true)
	if name == "" || s.name == "-" || s.pkg != nil {
		return
	}
	module, err := openModule(s.dir())
	if err != nil {
		return // the file itself was read; its directory may not be readable
	}
	defer module.root.Close()
	var unread []string
	whole := s.dir()
	for _, dir := range module.above(module.at) {
		files, _ := module.list(s.memory, dir)
		if dir == module.at && len(packageNames(slices.DeleteFunc(slices.Clone(files), cueFile.excluded))) > 1 {
			whole += ":" + name
		}
		for _, f := range files {
			shown := module.show(path.Join(dir, f.name))
			if f.pkg == name && !f.excluded() && shown != path.Clean(s.name) {
				unread = append(unread, shown)
			}
		}
	}
	if len(unread) == 0 {
		return
	}
	s.r.StrictNotef(s.filePlace().Pos(""), "%s of package %s, too, and not read; name the directory, %s, to read the whole package",
		listed(unread), name, whole)
}

// listed joins up to three names with a verb: "a.cue and b.cue are".
func listed(names []string) string {
	const most = 3
	if len(names) == 1 {
		return names[0] + " is"
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more files are", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " are"
}
