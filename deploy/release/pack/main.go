// Command pack compresses a program for a release: an agent with gzip, a Lambda function as a zip. Equal programs
// give equal files, because the headers hold no time of the build. A file that holds the program already is not
// written again, so that go build need not embed it again.
//
//	pack BINARY FILE.zip|FILE.gz
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack BINARY FILE.zip|FILE.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(2)
	}
}

// format packs one file and unpacks it.
type format struct {
	pack   func([]byte) ([]byte, error)
	unpack func([]byte) ([]byte, error)
}

// formats maps the extension of the packed file to its format.
var formats = map[string]format{
	".zip": {packZip, unpackZip},
	".gz":  {packGzip, unpackGzip},
}

// run packs a program into a file, unless the file holds this program already.
func run(binary, into string) error {
	f, ok := formats[filepath.Ext(into)]
	if !ok {
		return fmt.Errorf("pack into %s: it must end in .zip or .gz", into)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	if holds(f, into, data) {
		return nil
	}
	packed, err := f.pack(data)
	if err != nil {
		return fmt.Errorf("pack %s: %w", binary, err)
	}
	return replace(into, packed)
}

// holds reports whether the file is this program, packed. It unpacks the file, since another version of Go may
// compress differently.
func holds(f format, file string, data []byte) bool {
	packed, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	got, err := f.unpack(packed)
	return err == nil && bytes.Equal(got, data)
}

// replace writes a file under another name and renames it. A file which was written only in part would be built into a
// release.
func replace(file string, data []byte) error {
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// packZip packs the program as bootstrap, the file that Lambda's runtime provided.al2023 starts.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
func packZip(binary []byte) ([]byte, error) {
	header := &zip.FileHeader{
		Name:     "bootstrap",
		Method:   zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), // the earliest time which a zip can hold
	}
	header.SetMode(0o755)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	file, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(binary); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// unpackZip returns the program in a zip made by packZip.
func unpackZip(packed []byte) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, err
	}
	file, err := r.Open("bootstrap")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// packGzip compresses the program and leaves the name and time in the gzip header empty.
func packGzip(binary []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(binary); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// unpackGzip returns the program in a file made by packGzip.
func unpackGzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
