package agent

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
)

// Where the files and the units of a document go, and nothing of it anywhere else.
const (
	filesDirectory = "files"
	unitsDirectory = "etc/systemd/system"
)

// document.AgentUnit is the unit that runs this program.

// versionWord is replaced by the version deployed, in units.
const versionWord = "__VERSION__"

// files writes the document's files and units. Environments come later, and the files that they go on from.
func files(ctx context.Context, b *Boot) error {
	for _, name := range slices.Sorted(maps.Keys(b.Document.Files)) {
		if isEnvironment(name) {
			continue
		}
		file := b.Document.Files[name]
		data, err := b.content(ctx, name, file)
		if err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
		if err := b.writeNamed(filesDirectory, name, data, file.Mode, 0o644); err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Document.Units)) {
		if err := b.writeUnit(ctx, name, b.Document.Units[name]); err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
	}
	return nil
}

// writeUnit puts a unit where systemd looks first. The agent's own is not to be replaced.
func (b *Boot) writeUnit(ctx context.Context, name string, unit document.Content) error {
	if name == document.AgentUnit || strings.Contains(name, "/") {
		return errors.New("a unit cannot be called so")
	}
	data, err := b.content(ctx, name, unit)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(data), versionWord, b.Document.Version)
	return b.writeNamed(unitsDirectory, name, []byte(text), unit.Mode, 0o644)
}

// content is a file's bytes. A secret must have been encrypted for its name.
func (b *Boot) content(ctx context.Context, name string, c document.Content) ([]byte, error) {
	switch {
	case c.Payload != nil:
		return b.open(ctx, name, *c.Payload)
	case c.Base64 != "":
		return base64.StdEncoding.DecodeString(c.Base64)
	}
	return []byte(strings.Join(c.Lines, "\n")), nil
}

// open decrypts a payload, and keeps what it holds out of the log.
func (b *Boot) open(ctx context.Context, key string, p document.Payload) ([]byte, error) {
	plaintext, err := secrets.Open(ctx, b.AWS.KMS, p, secrets.Context{Orbit: b.Document.Orbit, App: b.Document.App, Key: key})
	b.hidden.add(plaintext)
	return plaintext, err
}

// writeNamed writes a file that the document names, below a directory and nowhere else.
func (b *Boot) writeNamed(directory, name string, data []byte, octal string, mode fs.FileMode) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("the name leaves /%s", directory)
	}
	if octal != "" {
		bits, err := strconv.ParseUint(octal, 8, 32)
		if err != nil || bits > 0o777 {
			return fmt.Errorf("the mode %s is not octal, 0 to 0777", octal)
		}
		mode = fs.FileMode(bits)
	}
	return b.writeBelow(directory, name, data, mode)
}

// readFile reads a file of the agent's own.
func (b *Boot) readFile(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(b.Machine.Root, name))
}

// writeFile writes a file of the agent's own.
func (b *Boot) writeFile(name string, data []byte, mode fs.FileMode) error {
	return b.writeBelow(path.Dir(name), path.Base(name), data, mode)
}

// writeBelow writes a whole file or none, and follows no symbolic link out of the directory.
func (b *Boot) writeBelow(directory, name string, data []byte, mode fs.FileMode) error {
	top := filepath.Join(b.Machine.Root, directory)
	if err := os.MkdirAll(top, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	fresh := path.Join(path.Dir(name), "."+path.Base(name)+".new")
	if err := create(root, fresh, data, mode); err != nil {
		return errors.Join(err, root.RemoveAll(fresh))
	}
	return root.Rename(fresh, name)
}

// create makes a file, in place of one that an interrupted boot left.
func create(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}
