// Package release is what a release of spacel carries beside itself: the programs that deploy uploads for AWS to run.
package release

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/hexdigest"
)

// files are made by make build, which has them ready before it builds spacel. The directory is never empty.
//
//go:embed files
var files embed.FS

// Binaries are programs by the name of their file: agent-arm64.gz and the like, slack-arm64.zip.
type Binaries struct{ fs.FS }

// Embedded are the programs that this spacel carries.
func Embedded() Binaries {
	inside, err := fs.Sub(files, "files")
	if err != nil {
		panic(err) // a constant name that is there
	}
	return Binaries{inside}
}

// Read gives a program as it is uploaded, with its sha256 in hex. Name is agent or slack, architecture amd64 or arm64.
func (b Binaries) Read(name, architecture string) (body []byte, digest string, err error) {
	file, unpack := fileOf(name, architecture)
	body, err = fs.ReadFile(b, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("this spacel carries no %s for %s: build it with make build, which puts it in, or use a release",
			describe(name), architecture)
	}
	if err == nil {
		body, err = unpack(body)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read %s for %s out of this spacel: %w; build or download spacel again", describe(name), architecture, err)
	}
	return body, hexdigest.SHA256(body), nil
}

// fileOf is where a program is, and how it is packed. Lambda takes a zip as it is.
func fileOf(name, architecture string) (file string, unpack func([]byte) ([]byte, error)) {
	if name == assembly.BinarySlack {
		return name + "-" + architecture + ".zip", func(body []byte) ([]byte, error) { return body, nil }
	}
	return name + "-" + architecture + ".gz", gunzip
}

func gunzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func describe(name string) string {
	if name == assembly.BinarySlack {
		return "function that posts to Slack"
	}
	return name
}
