package structure

import (
	"path"
	"strings"
	"testing"
)

// maxSchemaFiles keeps the model and its builders readable as one list: a subject with several files has a package below schema/.
const maxSchemaFiles = 40

func TestFilesOfSchema(t *testing.T) {
	var names []string
	for _, f := range codeFiles(t) {
		if path.Dir(f.path) == "schema" {
			names = append(names, path.Base(f.path))
		}
	}
	if len(names) > maxSchemaFiles {
		t.Errorf("schema/ has %d Go files, at most %d are allowed: move a subject into a package below it: %s", len(names), maxSchemaFiles,
			strings.Join(names, " "))
	}
	if len(names) < 20 {
		t.Errorf("schema/ has %d Go files: is this test looking at the right place?", len(names))
	}
}
