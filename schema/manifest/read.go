// Package manifest reads a user's manifest, in JSON, YAML or CUE or as the directory of an app, into one Tree of plain data. It
// knows no field: package language checks the tree against the definitions.
//
//	read.go          picks the format
//	jsonfile.go      one file for each format; cueimport.go and cuescan.go belong to CUE
//	appdir.go        a .space directory; appdirmerge.go adds its files to its manifest
//	guard.go         limits: a hostile file must cost neither much time nor much memory
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// Reader reads manifests. The result depends on its fields and the files only.
type Reader struct {
	Stdin       io.Reader
	Definitions fs.FS    // the language's *.cue, for a .cue manifest that imports them
	Regions     []string // AWS's, which a directory of an app may have directories of
}

// Read reads a manifest. The path is a file, a directory (.space, or a project with .space in it), or - for
// standard input. The tree is nil if the file was rejected; the report tells why. An error means that the file is
// missing or cannot be read, or that evaluating it took too long.
//
// The extension selects the format: .json, .yaml, .yml or .cue. Without one of these, the content does: JSON
// starts with { or [, CUE with a package clause or an import, and everything else is YAML.
func (in Reader) Read(path string, r *report.Report) (*Tree, error) {
	if path == "-" {
		return in.readStdin(r)
	}
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf(
			"%s: a build has no network; fetch the manifest over %s first and pass - to read it from standard input", path, scheme)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return in.readAppDir(path, r)
	}
	return in.readFile(path, r)
}

// readStdin reads the manifest on standard input.
func (in Reader) readStdin(r *report.Report) (*Tree, error) {
	if in.Stdin == nil {
		return nil, errors.New("-: there is no standard input")
	}
	return in.readStream("-", in.Stdin, r)
}

// readFile reads a file.
func (in Reader) readFile(path string, r *report.Report) (*Tree, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return in.readStream(path, f, r)
}

// readStream reads a file's content up to the limit.
func (in Reader) readStream(path string, content io.Reader, r *report.Report) (*Tree, error) {
	name := filepath.ToSlash(path)
	data, whole, err := readCapped(content, maxData)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if !whole {
		tooLarge(name, maxData, r)
		return nil, nil
	}
	return readInput(&inputFile{name: name, data: data, r: r, definitions: in.Definitions})
}

// readInput decodes a file by its format. The root of a manifest must be an object.
func readInput(s *inputFile) (*Tree, error) {
	if !s.plainText() {
		return nil, nil
	}
	t, err := s.decode()
	if t == nil || s.rejected {
		return nil, err
	}
	if t.Kind != Object {
		s.errorf(t.At, "", "a manifest must be an object of fields such as name and all, got %s", t.Kind)
		return nil, nil
	}
	return t, nil
}

// decode decodes a file by its format, whatever its root is.
func (s *inputFile) decode() (*Tree, error) {
	switch s.format() {
	case ".json":
		return readJSON(s), nil
	case ".cue":
		return readCUE(s)
	default:
		return readYAML(s), nil
	}
}

// startsCUE matches a package clause or an import after comments.
var startsCUE = regexp.MustCompile(`^(\s|//[^\n]*\n)*(package\s+[\pL_#]|import\s*[("\pL_])`)

// format returns the format as an extension.
func (s *inputFile) format() string {
	switch ext := strings.ToLower(filepath.Ext(s.name)); ext {
	case ".json", ".cue", ".yaml", ".yml":
		return ext
	}
	start := bytes.TrimLeft(s.data, " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("{")), bytes.HasPrefix(start, []byte("[")):
		return ".json"
	case startsCUE.Match(s.data):
		return ".cue"
	}
	return ".yaml"
}
