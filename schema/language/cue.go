package language

import (
	"bytes"
	"fmt"
	"io/fs"
)

// CUE is the manifest language as one CUE file: the definitions #Orbit and #App, what they are made of, and the data of AWS
// they rest on. Saved as cue.mod/pkg/github.com/pebble/spacel/schema/schema.cue it lets an editor and the cue command see
// what a manifest imports.
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
