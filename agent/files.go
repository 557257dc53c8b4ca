package agent

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
)

// Where the files and the units of a document go, and nothing of it anywhere else.
const (
	filesDirectory = "files"
	unitsDirectory = "etc/systemd/system"
)

// versionWord is replaced by the version deployed, in units.
const versionWord = "__VERSION__"

// files writes the document's files and units. The stage environments writes the .env files, since they need secrets of
// databases and caches.
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
		if err := b.Machine.writeNamed(filesDirectory, name, data, file, 0o644); err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Document.Units)) {
		if err := b.writeUnit(ctx, name, b.Document.Units[name]); err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
	}
	for _, task := range b.Document.Tasks {
		name := document.TaskUnit(task.Name)
		if err := b.writeUnit(ctx, name, task.Unit); err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
	}
	return nil
}

// writeUnit puts a unit where systemd looks first. The agent's own is not to be replaced.
func (b *Boot) writeUnit(ctx context.Context, name string, unit document.Content) error {
	// systemd would otherwise restart the agent as something else at the next boot.
	if name == document.AgentUnit || strings.Contains(name, "/") {
		return errors.New("a unit cannot be called so")
	}
	data, err := b.content(ctx, name, unit)
	if err != nil {
		return err
	}
	// The version is filled in here and not in the template, so a release needs no new build.
	text := strings.ReplaceAll(string(data), versionWord, b.Document.Version)
	return b.Machine.writeNamed(unitsDirectory, name, []byte(text), unit, 0o644)
}

// content is a file's bytes. A secret must have been encrypted for its name.
func (b *Boot) content(ctx context.Context, name string, c document.Content) ([]byte, error) {
	switch {
	case c.Payload != nil:
		return b.open(ctx, name, *c.Payload)
	case c.From != "":
		return b.lookUp(ctx, c.From)
	case c.Base64 != "":
		return base64.StdEncoding.DecodeString(c.Base64)
	}
	return []byte(strings.Join(c.Lines, "\n")), nil
}

// open decrypts a payload and has the log mask its content from now on.
func (b *Boot) open(ctx context.Context, key string, p document.Payload) ([]byte, error) {
	plaintext, err := secrets.Open(ctx, b.AWS.KMS, p, secrets.Context{Orbit: b.Document.Orbit, App: b.Document.App, Key: key})
	b.hidden.add(plaintext)
	return plaintext, err
}
