package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// environmentMode keeps an environment, which may hold passwords, to root: systemd reads it, and so does Docker's client in a
// unit. A file of the same name can say otherwise.
const environmentMode = 0o600

// isEnvironment reports whether a file is written with variables. Its name ends in .env.
func isEnvironment(name string) bool { return path.Ext(name) == ".env" }

// environments writes the .env files that units read: a file of that name in the document, the unit's own variables, and
// those of the databases and caches, where the user's own win. systemd and Docker read such a file differently, so each unit has
// one in either form beside the one under the plain name.
func environments(ctx context.Context, b *Boot) error {
	if err := taskEnvironments(ctx, b); err != nil {
		return err
	}
	names := b.environmentNames()
	if len(names) == 0 {
		return nil
	}
	stores, err := b.storeVariables(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		lines, err := b.environment(ctx, name, stores)
		if err != nil {
			return fmt.Errorf("environment %s: %w", name, err)
		}
		for file, form := range environmentForms(b, name) {
			if err := b.Machine.writeNamed(filesDirectory, file, form(lines), b.Document.Files[name], environmentMode); err != nil {
				return fmt.Errorf("environment %s: %w", file, err)
			}
		}
	}
	return nil
}

// environmentNames lists the .env files to write: those with variables in the document, and those among its files.
func (b *Boot) environmentNames() []string {
	names := slices.Collect(maps.Keys(b.Document.Environments))
	for name := range b.Document.Files {
		if isEnvironment(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// environment returns the lines of a .env file.
func (b *Boot) environment(ctx context.Context, name string, stores []document.Variable) ([]envLine, error) {
	set := map[string]bool{}
	lines, err := b.environmentFile(ctx, name, set)
	if err != nil {
		return nil, err
	}
	for _, v := range b.Document.Environments[name] {
		value, err := b.variable(ctx, v)
		if err != nil {
			return nil, err
		}
		lines = append(lines, envLine{name: v.Name, value: value})
		set[v.Name] = true
	}
	for _, v := range stores {
		if !set[v.Name] {
			lines = append(lines, envLine{name: v.Name, value: v.Value})
		}
	}
	return lines, nil
}

// environmentFile returns the lines of the document's own file of this name, unchanged except for encrypted values. It notes the
// variables of the file in set.
func (b *Boot) environmentFile(ctx context.Context, name string, set map[string]bool) ([]envLine, error) {
	file, ok := b.Document.Files[name]
	if !ok {
		return nil, nil
	}
	data, err := b.content(ctx, name, file)
	if err != nil {
		return nil, err
	}
	var lines []envLine
	for text := range strings.Lines(string(data)) {
		line := envLine{raw: strings.TrimRight(text, "\r\n")}
		key, value, _ := strings.Cut(strings.TrimSpace(line.raw), "=")
		set[key] = true
		if p := payloadIn(value); p != nil {
			line.name = key
			if line.value, err = b.variable(ctx, document.Variable{Name: key, Payload: p}); err != nil {
				return nil, err
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// payloadIn returns the encrypted payload in a value, which is JSON then, or nil.
func payloadIn(value string) *document.Payload {
	var p document.Payload
	if !strings.HasPrefix(value, "{") || json.Unmarshal([]byte(value), &p) != nil || p.Key == "" || p.Ciphertext == "" {
		return nil
	}
	return &p
}

// variable returns a variable's value, which cannot hold line breaks in a .env file. The text of a payload of version 0 starts
// with its NAME=, or else it was encrypted for another.
func (b *Boot) variable(ctx context.Context, v document.Variable) (string, error) {
	value := v.Value
	if v.From != "" {
		found, err := b.lookUp(ctx, v.From)
		if err != nil {
			return "", fmt.Errorf("%s: %w", v.Name, err)
		}
		value = strings.TrimRight(string(found), "\r\n")
	}
	if v.Payload != nil {
		plaintext, err := b.open(ctx, v.Name, *v.Payload)
		if err != nil {
			return "", err
		}
		value = strings.TrimRight(string(plaintext), "\r\n")
		// The 2016 tool encrypted NAME=value. The name inside is its only protection against being moved to another variable.
		if v.Payload.Version == 0 {
			var bound bool
			if value, bound = strings.CutPrefix(value, v.Name+"="); !bound {
				return "", fmt.Errorf("%s: the payload was encrypted for another name: encrypt it again with spacel secret", v.Name)
			}
			b.hidden.add([]byte(value))
		}
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return "", errors.New(v.Name + ": an environment cannot hold line breaks: use a file")
	}
	return value, nil
}
