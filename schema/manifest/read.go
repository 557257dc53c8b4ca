// Package manifest reads a user's manifest, in JSON, YAML or CUE or as the directory of an app, into one Tree of plain data. It
// knows no field: package language checks the tree against the definitions.
//
//	read.go          picks the format
//	jsonfile.go      one file for each format; the files cue*.go belong to CUE
//	cuepackage.go    a directory as a CUE package; cuemodule.go finds its module, cueclause.go tells packages apart
//	selection.go     FILE#PATH, which names a value inside
//	appdir.go        a .space directory; appdirmerge.go adds its files to its manifest
//	guard.go         limits: a hostile file must cost neither much time nor much memory
package manifest

import (
	"bytes"
	"cmp"
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

	// Definition is the name of the definition that the manifest is checked against: #App or #Orbit. It may be empty, which
	// makes the evaluation of CUE slower.
	Definition string

	// Accepts reports whether data fits that definition. It may change the data. It may be nil, too.
	Accepts func(*Tree) bool

	// Secret reports whether messages must not show the value at a path of keys. Without it, all values are shown.
	Secret func(keys []string) bool

	memory    *memory    // nil: nothing is remembered from one manifest to the next
	selection *selection // the value to read, nil for the whole manifest
}

// NewReader returns a reader for several manifests. It remembers the package clauses of each directory it has seen.
func NewReader(stdin io.Reader, definitions fs.FS, regions []string) Reader {
	return Reader{Stdin: stdin, Definitions: definitions, Regions: regions, memory: &memory{}}
}

// Read reads a manifest. The path is a file, a directory (.space, a project with .space in it, or one with a CUE package),
// DIR:package for a directory with several packages, or - for standard input. The tree is nil if the file was rejected;
// the report tells why. Read returns an error for a missing or unreadable file, and for an evaluation over the time limit.
//
// The extension selects the format: .json, .yaml, .yml or .cue. Without one of these, the content does: JSON
// starts with { or [, CUE with a package clause or an import, and everything else is YAML.
func (in Reader) Read(path string, r *report.Report) (*Tree, error) {
	if path == "-" {
		return in.readStdin(r)
	}
	// An address is a frequent wish. Without this check the message would be about a missing file.
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf(
			"%s: a build has no network; fetch the manifest over %s first and pass - to read it from standard input", path, scheme)
	}
	if in.memory == nil {
		in.memory = &memory{}
	}
	info, err := os.Stat(path)
	if err != nil {
		dir, name, ok, wrong := packageArgument(path)
		if ok {
			return in.readPackage(path, dir, name, r)
		}
		return nil, cmp.Or(wrong, err)
	}
	if info.IsDir() {
		return in.readDirectory(path, r)
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
	s := in.input(name, r)
	s.data, s.selection = data, in.selection
	return readInput(s)
}

// input returns a file without its content.
func (in Reader) input(name string, r *report.Report) *inputFile {
	return &inputFile{
		name: name, r: r, definitions: in.Definitions, memory: in.memory, secret: in.Secret, definition: in.Definition, accepts: in.Accepts,
	}
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
	return s.object(t), nil
}

// notAnObject is the message for a manifest of another kind.
const notAnObject = "a manifest must be an object of fields such as name and all, got %s"

// object returns a manifest's root, or nil after reporting a root of another kind.
func (s *inputFile) object(t *Tree) *Tree {
	if t.Kind != Object {
		s.errorf(t.At, "", notAnObject, t.Kind)
		return nil
	}
	return t
}

// decode decodes a file by its format, whatever its root is.
func (s *inputFile) decode() (*Tree, error) {
	switch s.format() {
	case ".json":
		return s.selected(readJSON(s)), nil
	case ".cue":
		return readCUE(s)
	case "":
		return s.decodeUnnamed()
	default:
		return s.selected(readYAML(s)), nil
	}
}

// decodeUnnamed decodes content that may be YAML, or CUE without a package clause: neither the name nor the first words
// tell. It is CUE if it is not YAML, but evaluates as CUE.
func (s *inputFile) decodeUnnamed() (*Tree, error) {
	asYAML := s.again()
	t := readYAML(asYAML)
	if t == nil && s.again().parseCUE("") != nil {
		asCUE := s.again()
		t, err := readCUE(asCUE)
		if t != nil || err != nil {
			s.r.Add(asCUE.r.Problems()...)
			return t, err
		}
		asYAML.errorf(asYAML.filePlace(), "", "if it is CUE, begin it with a package clause, such as package app")
	}
	s.rejected = asYAML.rejected
	s.r.Add(asYAML.r.Problems()...)
	return s.selected(t), nil
}

// startsCUE matches a package clause or an import after comments.
var startsCUE = regexp.MustCompile(`^(\s|//[^\n]*\n)*(package\s+[\pL_#]|import\s*[("\pL_])`)

// format returns the format as an extension, "" if neither the name nor the first words tell it.
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
	return ""
}
