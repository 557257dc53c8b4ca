package structure

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the top of the tree, as seen from this package's directory, in which its tests run.
const root = "../.."

// file is a text file of the tree.
type file struct {
	path string // from the root, with slashes
	text string
}

func (f file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f file) lines() []string { return strings.Split(strings.TrimSuffix(f.text, "\n"), "\n") }

// place is a line of a file, counted from 1, as editors and terminals link it.
func (f file) place(line int) string { return fmt.Sprintf("%s:%d", f.path, line) }

// goFiles reads all Go files outside of testdata and of hidden directories, which hold other programs' tools.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !entry.IsDir() && filepath.Ext(name) == ".go" {
			files = append(files, read(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d Go files in %s: is this test looking at the right place?", len(files), root)
	}
	return files
}

// codeFiles reads the Go files that are compiled into programs.
func codeFiles(t *testing.T) []file {
	t.Helper()
	return slices.DeleteFunc(goFiles(t), file.isTest)
}

func read(t *testing.T, name string) file {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	short, err := filepath.Rel(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return file{filepath.ToSlash(short), string(body)}
}
