package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// readManifest turns a manifest into a tree. The path is a file, a directory (an app's project, holding .space, or the
// .space directory itself), or - for standard input. The tree is nil when the content is of no use; the report says why.
// An error means that the world failed: there is no such file, or it cannot be read.
//
// The format follows the extension: .json, .yaml, .yml or .cue. Anything else, and standard input, is looked at: JSON
// starts with { or [, CUE with a package clause or an import, and the rest is YAML.
func readManifest(path string, stdin io.Reader, r *Report) (*tree, error) {
	if path == "-" {
		return readStdin(stdin, r)
	}
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf("%s: a build has no network; fetch the manifest over %s first and pass - to read it from standard input", path, scheme)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readSpace(path, r)
	}
	return readFile(path, r)
}

func readStdin(stdin io.Reader, r *Report) (*tree, error) {
	if stdin == nil {
		return nil, errors.New("-: there is no standard input")
	}
	return readStream("-", stdin, r)
}

func readFile(path string, r *Report) (*tree, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readStream(path, f, r)
}

func readStream(path string, in io.Reader, r *Report) (*tree, error) {
	name := filepath.ToSlash(path)
	data, whole, err := readCapped(in, maxData)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if !whole {
		tooLarge(name, maxData, r)
		return nil, nil
	}
	return readSource(&source{name: name, data: data, r: r})
}

// readSource decodes a source by its format. The root of a manifest is an object.
func readSource(s *source) (*tree, error) {
	if !s.plainText() {
		return nil, nil
	}
	t, err := s.decode()
	if t == nil || s.spoiled {
		return nil, err
	}
	if t.kind != object {
		s.errorf(t.at, "", "a manifest must be an object of fields such as name and all, got %s", t.kind)
		return nil, nil
	}
	return t, nil
}

func (s *source) decode() (*tree, error) {
	switch s.format() {
	case ".json":
		return readJSON(s), nil
	case ".cue":
		return readCUE(s)
	default:
		return readYAML(s), nil
	}
}

// startsCUE is a package clause or an import, after comments.
var startsCUE = regexp.MustCompile(`^(\s|//[^\n]*\n)*(package\s+[\pL_#]|import\s*[("\pL_])`)

func (s *source) format() string {
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
