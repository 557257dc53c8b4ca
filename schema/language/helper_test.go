package language

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// definitionFiles are the language's files. Their directory is absolute: tests change the current one.
var definitionFiles = directory("..")

func directory(path string) fs.FS {
	absolute, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return os.DirFS(absolute)
}

// readManifest reads a manifest as Load does.
func readManifest(path string, stdin io.Reader, r *report.Report) (*manifest.Tree, error) {
	return manifest.Reader{Stdin: stdin, Definitions: definitionFiles, Regions: []string{"us-east-1", "us-west-2"}}.Read(path, r)
}
