package schema

import (
	"embed"
	"io/fs"
	"sync"

	"github.com/pebble/spacel/schema/language"
)

// Definitions holds the CUE files of the manifest language. They are one package, schema, with the definitions
// #Orbit and #App.
//
//go:embed *.cue
var Definitions embed.FS

// Examples holds examples/*.yaml: manifests that show the fields of a definition.
//
//go:embed examples/*.yaml
var Examples embed.FS

// Published holds the definitions as the cue command reads them: a CUE manifest that imports the definitions means the same in
// both programs. They are made when the first file is opened, since most manifests import nothing.
var Published fs.FS = lazyFS{sync.OnceValues(func() (fs.FS, error) { return language.Published(Definitions) })}

// lazyFS is a file system made at its first use.
type lazyFS struct{ files func() (fs.FS, error) }

// Open opens a file.
func (l lazyFS) Open(name string) (fs.File, error) {
	files, err := l.files()
	if err != nil {
		return nil, err
	}
	return files.Open(name)
}
