package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
)

// cueModule is the CUE module around a directory: the nearest directory upwards with cue.mod. Without one, the directory is on its
// own, and no file outside of it is read.
type cueModule struct {
	root     *os.Root // keeps links from leading outside
	absolute string   // path of root
	dir      string   // the directory that the module was opened for, as reports show it
	at       string   // the same inside the module, with slashes
	governed bool     // there is a cue.mod

	path    string // the module's path without version; "" when not governed
	version string // of the language, such as v0.14.0; "" when not governed
}

// openModule finds the module of a directory, which is given as in the command line.
func openModule(dir string) (*cueModule, error) {
	start, err := filepath.Abs(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	m := &cueModule{absolute: start, dir: dir}
	for up := start; ; up = filepath.Dir(up) {
		if info, err := os.Stat(filepath.Join(up, "cue.mod")); err == nil && info.IsDir() {
			m.absolute, m.governed = up, true
			break
		}
		// The root of the file system is its own parent.
		if up == filepath.Dir(up) {
			break
		}
	}
	at, err := filepath.Rel(m.absolute, start)
	if err != nil {
		return nil, err
	}
	m.at = filepath.ToSlash(at)
	m.root, err = os.OpenRoot(m.absolute)
	return m, err
}

// show returns the name of a file of the module for reports. Like the manifest's name, it is relative to the directory
// in which the command runs.
func (m *cueModule) show(name string) string {
	from, err := filepath.Rel(filepath.FromSlash(m.at), filepath.FromSlash(name))
	if err != nil {
		return name
	}
	return path.Join(m.dir, filepath.ToSlash(from))
}

// list returns the .cue files in a directory of the module.
func (m *cueModule) list(c *memory, dir string) ([]cueFile, error) {
	return c.list(m.root.FS(), dir, filepath.Join(m.absolute, filepath.FromSlash(dir)))
}

// above returns a directory and those above it up to the module's root: CUE takes the files of one package in all of
// these as one.
func (m *cueModule) above(dir string) []string {
	dirs := []string{dir}
	for m.governed && dir != "." {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// oldestLanguage is the first version of CUE with modules as they are now (cuelang.org/go/mod/modfile, its schema).
const oldestLanguage = "v0.8.0"

// readFile sets the module's path and language version from the parsed cue.mod/module.cue. As in CUE, a module must
// state a version of the language. A version newer than this program's CUE is refused, because the language may have changed.
func (m *cueModule) readFile(file *ast.File) (err error) {
	m.path = ast.ParseImportPath(literalOf(file.Decls, "module")).Path
	m.version = literalOf(file.Decls, "language", "version")
	known := parser.NewConfig().Version
	defer func() {
		if err != nil {
			m.version = "" // the parser panics on one that it cannot read
		}
	}()
	switch stated := versionNumbers(m.version); {
	case m.version == "":
		return errors.New("language.version is missing; cue mod fix adds it")
	case stated == nil:
		return fmt.Errorf("language.version: must be a version such as %s, got %q", known, m.version)
	case slices.Compare(stated, versionNumbers(oldestLanguage)) < 0:
		return fmt.Errorf("language.version is %s, and CUE reads modules of %s and later; cue mod fix raises it", m.version, oldestLanguage)
	case slices.Compare(stated, versionNumbers(known)) > 0:
		return fmt.Errorf("language.version is %s, and this spacel knows CUE up to %s; install a newer spacel", m.version, known)
	}
	return nil
}

// literalOf returns the string at a path of fields, "" if there is none. cue.mod/module.cue is plain data, so it need
// not be evaluated.
func literalOf(decls []ast.Decl, keys ...string) string {
	for _, decl := range decls {
		f, ok := decl.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, _ := ast.LabelName(f.Label); name != keys[0] {
			continue
		}
		switch v := f.Value.(type) {
		case *ast.BasicLit:
			text, _ := literal.Unquote(v.Value)
			return text
		case *ast.StructLit:
			if len(keys) > 1 {
				return literalOf(v.Elts, keys[1:]...)
			}
		}
	}
	return ""
}

// semanticVersion matches a version such as v0.14.0.
var semanticVersion = regexp.MustCompile(`^v(\d{1,9})\.(\d{1,9})\.(\d{1,9})([-+].*)?$`)

// versionNumbers returns the three numbers of a version, nil if it is none.
func versionNumbers(version string) (numbers []int) {
	if m := semanticVersion.FindStringSubmatch(version); m != nil {
		for _, digits := range m[1:4] {
			n, _ := strconv.Atoi(digits) // at most nine digits
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// reason returns the cause of a failed file operation without the path, which the report names already.
func reason(err error) string {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}
