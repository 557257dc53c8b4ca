// Command pack makes the zip that Lambda takes a function's binary in. Equal binaries give equal zips.
//
//	pack BINARY ZIP
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack BINARY ZIP")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(2)
	}
}

func run(binary, into string) error {
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	packed, err := pack(data)
	if err != nil {
		return fmt.Errorf("pack %s: %w", binary, err)
	}
	return os.WriteFile(into, packed, 0o644)
}

// pack has one file: bootstrap, which is what provided.al2023 runs.
func pack(binary []byte) ([]byte, error) {
	header := &zip.FileHeader{
		Name:     "bootstrap",
		Method:   zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), // a zip's first day
	}
	header.SetMode(0o755)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
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
