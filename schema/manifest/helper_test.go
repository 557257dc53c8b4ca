package manifest

import (
	"io"
	"io/fs"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/report"
)

// definitionFiles are the language's files.
var definitionFiles = badcases.Definitions()

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
