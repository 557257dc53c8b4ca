package cuemodules

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits for a module. The registry's own limit is 500 MiB, which is more than a build should read.
const (
	maxFiles = 10_000
	maxBytes = 64 << 20
)

// Tree holds the files of a module.
type Tree struct {
	Digest string            // of all files
	Files  map[string][]byte // the .cue files, by their path with slashes
}

// ReadTree reads and hashes all files of a module. What was hashed is what is used: the .cue files stay in memory, so that a
// change on disk after this has no effect. A link or a special file is an error, as in a module from a registry.
func ReadTree(files fs.FS) (*Tree, error) {
	t := &Tree{Files: map[string][]byte{}}
	var lines []string
	left := int64(maxBytes)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is a link or a special file, which a module cannot have", name)
		case strings.ContainsAny(name, "\n\r"):
			return fmt.Errorf("%q: a file's name with a line break", name)
		case len(lines) == maxFiles:
			return fmt.Errorf("the module has more than %d files", maxFiles)
		}
		data, err := readUpTo(files, name, left)
		if err != nil {
			return err
		}
		left -= int64(len(data))
		sum := sha256.Sum256(data)
		lines = append(lines, hex.EncodeToString(sum[:])+"  "+name+"\n")
		if path.Ext(name) == ".cue" {
			t.Files[name] = data
		}
		return nil
	})
	t.Digest = digest(lines)
	return t, err
}

// digest returns the digest of lines with the SHA-256 and the path of each file. It is the form that Go uses for modules:
// (cd DIR; find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum).
func digest(lines []string) string {
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[2*sha256.Size:], b[2*sha256.Size:]) })
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:])
}

// readUpTo reads a file, and refuses one above the limit. It reads at most one byte too many.
func readUpTo(files fs.FS, name string, limit int64) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the module is larger than %d MiB", maxBytes>>20)
	}
	return data, err
}
