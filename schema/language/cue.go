package language

import (
	"bytes"
	"fmt"
	"io/fs"
)

// CUE returns the manifest language as one CUE file: the definitions #Orbit and #App, the definitions they refer
// to, and the data about AWS. Saved as cue.mod/pkg/github.com/pebble/spacel/schema/schema.cue it lets an editor
// and the cue command resolve the import in a manifest.
func CUE(files fs.FS) ([]byte, error) {
	clause := []byte("package schema\n")
	names, err := fs.Glob(files, "*.cue")
	if err != nil {
		return nil, err
	}
	text := bytes.Clone(clause)
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		declarations, ok := bytes.CutPrefix(body, clause)
		if !ok {
			return nil, fmt.Errorf("%s does not begin with its package clause", name)
		}
		text = append(text, declarations...)
	}
	return text, nil
}
