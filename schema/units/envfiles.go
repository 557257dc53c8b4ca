package units

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/sirupsen/logrus"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// largestEnvFile is the limit of a file of variables, in bytes.
const largestEnvFile = 1 << 20

// envFiles returns the variables of the files in env_file. A later file wins over an earlier one, and may refer to its variables.
func envFiles(r sections.Record) map[string]sections.Entry {
	files := envFileReader{values: map[string]string{}, found: map[string]sections.Entry{}}
	for _, n := range r.List("env_file") {
		name, raw, required := n.Tree.Text, false, true
		if n.Tree.Kind == manifest.Object {
			inner := n.Record(r.Report, nil)
			name, raw = inner.Text("path"), inner.Text("format") == "raw"
			required = !inner.Has("required") || inner.Flag("required")
		}
		if name == "" {
			if n.Tree.Kind != manifest.Object {
				r.Report.Errorf(n.Pos(), "must be the name of a file")
			}
			continue
		}
		files.read(r, n, name, raw, required)
	}
	return files.found
}

// envFileReader collects the variables of several files.
type envFileReader struct {
	values map[string]string
	found  map[string]sections.Entry
}

// read reads one file. Its path is relative to the file that names it, as in Compose.
func (f envFileReader) read(r sections.Record, n sections.Value, name string, raw, required bool) {
	data, err := readBeside(n.Tree.At.File, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return
	case errors.Is(err, fs.ErrNotExist):
		r.Report.Errorf(n.Pos(), "the file %s does not exist beside %s", name, filepath.ToSlash(n.Tree.At.File))
		return
	case err != nil && !filepath.IsLocal(name):
		r.Report.Errorf(n.Pos(), "the file %s is outside of the manifest's directory: copy it there", name)
		return
	case err != nil:
		r.Report.Errorf(n.Pos(), "the file %s cannot be read: %v", name, cause(err))
		return
	}
	values := map[string]string{}
	if raw {
		err = rawVariables(data, values)
	} else {
		err = f.parse(r, n, name, data, values)
	}
	if err != nil {
		// The parser's own words may quote a value, which may be a secret.
		r.Report.Errorf(n.Pos(), "%s: %s", name, withoutValue(err))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == "" || strings.ContainsAny(key, " \t=#") {
			r.Report.Errorf(n.Pos(), "%s: a line has no valid name before the =", name)
			continue
		}
		f.values[key] = values[key]
		value := &manifest.Tree{Kind: manifest.Text, At: n.Tree.At, Text: values[key]}
		f.found[key] = sections.Entry{Key: key, Value: sections.Value{Tree: value, At: n.At, Path: n.Path}}
	}
}

// readBeside reads a file by a path relative to the directory of another one. The file must be in this directory or, for an app
// directory (.space), in the one around it: a manifest cannot include other files of the machine that builds.
func readBeside(manifestFile, name string) ([]byte, error) {
	dir := filepath.Dir(manifestFile)
	inside := name
	if filepath.Base(dir) == ".space" {
		dir, inside = filepath.Dir(dir), filepath.Join(".space", name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.Open(filepath.Clean(inside))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, largestEnvFile+1))
	if err == nil && len(data) > largestEnvFile {
		err = errors.New("larger than 1 MiB")
	}
	return data, err
}

// cause returns the inner error of a failed file operation, whose own text repeats the path.
func cause(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// defaulted matches references that have a default, or an error of their own: ${NAME:-x}, ${NAME-x}, ${NAME:+x}.
var defaulted = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*):?[-+?]`)

// silence keeps the parser from warning of unset variables on standard error: they are reported with their place.
var silence = sync.OnceFunc(func() { logrus.SetOutput(io.Discard) })

// parse reads a file with Compose's own parser: with quotes, escapes, comments and references to variables before. Nothing is taken
// from the environment of the build.
func (f envFileReader) parse(r sections.Record, n sections.Value, name string, data []byte, values map[string]string) error {
	withDefault := map[string]bool{}
	for _, m := range defaulted.FindAllSubmatch(data, -1) {
		withDefault[string(m[1])] = true
	}
	missing := map[string]bool{}
	silence()
	parsed, err := dotenv.ParseWithLookup(bytes.NewReader(data), func(key string) (string, bool) {
		value, ok := f.values[key]
		missing[key] = !ok
		return value, ok
	})
	if err != nil {
		return err
	}
	maps.Copy(values, parsed)
	for _, key := range slices.Sorted(maps.Keys(missing)) {
		if _, set := parsed[key]; missing[key] && !set && !withDefault[key] {
			r.Report.Errorf(n.Pos(), "%s: %s has no value there: nothing is taken from the shell that builds", name, key)
		}
	}
	return nil
}

// rawVariables reads NAME=value lines as docker run --env-file does.
func rawVariables(data []byte, values map[string]string) error {
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return errors.New("a line has no =")
		}
		values[key] = value
	}
	return nil
}

// errorLine matches the line in a message of the parser.
var errorLine = regexp.MustCompile(`^line [0-9]+`)

// withoutValue returns a message of the parser without the text that it quotes.
func withoutValue(err error) string {
	text := err.Error()
	what := "must be NAME=value"
	switch {
	case strings.Contains(text, "unterminated quoted value"):
		what = "a quote is not closed"
	case strings.Contains(text, "variable name"), strings.Contains(text, "key cannot contain"):
		what = "the name of a variable holds a character that it must not have"
	case strings.Contains(text, "nvalid template"), strings.Contains(text, "required variable"):
		what = "a reference such as ${NAME} is not complete; write $$ for a dollar sign"
	}
	if at := errorLine.FindString(text); at != "" {
		return at + ": " + what
	}
	return what
}
