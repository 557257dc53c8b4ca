// Package release holds the programs that spacel carries inside its own binary: the agent for two architectures, and
// the Slack function. Deploy uploads them to S3.
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
// files is filled by make build before it builds spacel. The directory holds a README, so it is never empty and embed
// accepts it in a fresh checkout.
//
//go:embed files
var files embed.FS

// Binaries is a directory of packed programs: agent-arm64.gz, agent-amd64.gz, slack-arm64.zip.
type Binaries struct{ fs.FS }

// Embedded returns the programs that this spacel carries. In a build without make they are missing, and Read says so.
func Embedded() Binaries {
	inside, err := fs.Sub(files, "files")
	if err != nil {
		panic(err) // cannot fail: the directory is embedded
	}
	return Binaries{inside}
}

// Read returns a program's body as it is uploaded, and the body's sha256 in hex. The name is agent or slack, the
// architecture amd64 or arm64. The agent is unpacked; the Slack function stays a zip, which Lambda takes.
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
		return nil, "", fmt.Errorf("read %s for %s out of this spacel: %w; build or download spacel again", describe(name), architecture,
			err)
	}
	return body, hexdigest.SHA256(body), nil
}

// fileOf returns a program's file and the function that unpacks it.
func fileOf(name, architecture string) (file string, unpack func([]byte) ([]byte, error)) {
	if name == assembly.BinarySlack {
		return name + "-" + architecture + ".zip", func(body []byte) ([]byte, error) { return body, nil }
	}
	return name + "-" + architecture + ".gz", gunzip
}

// gunzip returns the content of a packed program. Programs are packed when spacel is built, so an error means a broken build.
func gunzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// describe names a program for messages.
func describe(name string) string {
	if name == assembly.BinarySlack {
		return "function that posts to Slack"
	}
	return name
}
