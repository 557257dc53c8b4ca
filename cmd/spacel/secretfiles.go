package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/internal/jsontext"
)

// replaceFiles replaces the contents of files, each as a whole or not at all, and prints their names.
func replaceFiles(c *console, ctx *cli.Context, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := replaceFile(name, files[name]); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.out, "wrote %s\n", name)
		}
	}
	return c.out.err
}

// replaceFile writes a temporary file beside a file, with the same mode, and renames it over the file: an interrupt leaves
// the old content. A symbolic link stays one, because its destination is replaced. Sync comes before the rename, since some
// file systems may otherwise keep the new name and lose the content in a crash.
func replaceFile(name string, body []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // gone already when all is well
	_, err = fresh.Write(body)
	if err == nil {
		err = fresh.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = fresh.Sync()
	}
	if closed := fresh.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), name)
}

// encodeJSON returns a .crypt file's content: the payload as indented JSON with a final newline.
func encodeJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	err := jsontext.WriteIndent(&out, value)
	return out.Bytes(), err
}
