package manifest

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"github.com/pebble/spacel/schema/report"
)

// definitionFiles are the manifest language's files. Their directory is absolute: tests change the current one.
var definitionFiles = directory("..")

func directory(path string) fs.FS {
	absolute, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return os.DirFS(absolute)
}

// readManifest reads a manifest as Load does.
func readManifest(path string, stdin io.Reader, r *report.Report) (*Tree, error) {
	return Reader{Stdin: stdin, Definitions: definitionFiles, Regions: regionNames()}.Read(path, r)
}

// regionNames are the regions in regions.cue.
var regionNames = sync.OnceValue(func() (names []string) {
	data, err := fs.ReadFile(definitionFiles, "regions.cue")
	if err != nil {
		panic(err)
	}
	fields, err := cuecontext.New().CompileBytes(data).LookupPath(cue.ParsePath("regions")).Fields()
	if err != nil {
		panic(err)
	}
	for fields.Next() {
		names = append(names, fields.Selector().Unquoted())
	}
	return names
})
