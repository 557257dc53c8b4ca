package manifest

import (
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/scanner"
	"cuelang.org/go/cue/token"
)

// maxHeader is the limit for the comments and attributes before a package clause, in bytes. Only this much of a file is
// read to find its package: the rest of a file of another package is not looked at.
const maxHeader = 64 << 10

// cueFile is one of the .cue files of a directory, with its package.
type cueFile struct {
	name    string // in its directory
	pkg     string // "" without a package clause, and for package _
	problem string // why the package is not known, "" if it is
	ignored bool   // @ignore() stands before the package clause
}

// excluded reports whether CUE never takes the file as part of a package: it says so itself, or it is for commands of its own, as
// tests and tools are.
func (f cueFile) excluded() bool {
	return f.ignored || strings.HasSuffix(f.name, "_test.cue") || strings.HasSuffix(f.name, "_tool.cue") || hidden(f.name)
}

// hidden reports whether CUE ignores a file by the first letter of its name, as go build does.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// memory remembers the package clauses of directories, and the forms of the definitions. Many manifests of one directory
// would otherwise read each other's files again and again. It may be used by several goroutines.
type memory struct {
	forms       forms    // of the definitions
	directories sync.Map // of listing, by path
	modules     sync.Map // of opened, by the path of the module's root
}

// listing is the result of reading a directory.
type listing struct {
	files []cueFile
	err   error
}

// list returns the .cue files of a directory inside root, sorted by name. absolute is the directory's path, by which the
// result is remembered.
func (c *memory) list(root fs.FS, dir, absolute string) ([]cueFile, error) {
	if known, ok := c.directories.Load(absolute); ok {
		return known.(listing).files, known.(listing).err
	}
	files, err := listCUE(root, dir)
	c.directories.Store(absolute, listing{files, err})
	return files, err
}

// listCUE reads the package clauses in a directory.
func listCUE(root fs.FS, dir string) ([]cueFile, error) {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil, err
	}
	var files []cueFile
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".cue") {
			continue
		}
		file := cueFile{name: e.Name()}
		switch info, err := fs.Stat(root, path.Join(dir, e.Name())); {
		case err != nil:
			file.problem = "cannot be read: it is a link to a file that is missing or outside of the module; put the file itself here"
		case info.IsDir():
			continue
		case !info.Mode().IsRegular():
			file.problem = "is not a regular file"
		default:
			file.readClause(root, path.Join(dir, e.Name()))
		}
		files = append(files, file)
	}
	return files, nil
}

// readClause reads the package clause of a file, or finds the reason for having none.
func (f *cueFile) readClause(root fs.FS, name string) {
	opened, err := root.Open(name)
	if err != nil {
		f.problem = "cannot be read: " + reason(err)
		return
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, maxHeader))
	if err != nil {
		f.problem = "cannot be read: " + reason(err)
		return
	}
	f.pkg, f.problem, f.ignored = packageClause(data, len(data) < maxHeader)
}

// packageClause returns the name in a file's package clause, "" if it has none or is of package _. The clause comes
// first in a file. Only comments and attributes may precede it. data is the file's start. whole means that data ends where the
// file ends. A scanner is enough, so a file of another package may have any mistake after its clause. ignored reports an @ignore()
// before the clause, by which a file excludes itself from its package.
func packageClause(data []byte, whole bool) (pkg, problem string, ignored bool) {
	if looksUTF16(data) {
		return "", "is UTF-16 text; save it as UTF-8", false
	}
	if len(attribute.FindAllIndex(data, maxAttributes+1)) > maxAttributes {
		return "", "has too many attributes before its package clause", false
	}
	var tokens scanner.Scanner
	tokens.Init(token.NewFile("", 0, len(data)), data, func(_ token.Pos, message string, _ []any) {
		if problem == "" {
			problem = "cannot be read as CUE: " + message
		}
	}, 0)
	for {
		switch _, tok, lit := tokens.Scan(); {
		case problem != "":
			return "", problem, false
		case tok == token.ATTRIBUTE:
			ignored = ignored || strings.HasPrefix(lit, "@ignore(")
			continue
		case tok == token.COMMA:
			continue
		case tok == token.IDENT && lit == "package":
			_, tok, name := tokens.Scan()
			return packageName(tok, name), "", ignored
		case tok == token.EOF && !whole:
			return "", "has no package clause in its first 64 KiB", false
		}
		return "", "", ignored
	}
}

// packageName returns the name after the word package. A field may be called package, too: package: 1 has no name there.
func packageName(tok token.Token, name string) string {
	if tok != token.IDENT || !ast.IsValidIdent(name) || name == "_" {
		return ""
	}
	return name
}
