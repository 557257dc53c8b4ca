package language

import (
	"io"

	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// definitionFiles are the language's files.
var definitionFiles = badcases.Definitions()

// readManifest reads a manifest as Load does.
func readManifest(path string, stdin io.Reader, r *report.Report) (*manifest.Tree, error) {
	return manifest.Reader{Stdin: stdin, Definitions: definitionFiles, Regions: []string{"us-east-1", "us-west-2"}}.Read(path, r)
}
