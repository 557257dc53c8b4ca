package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	safe "github.com/pebble/spacel/internal/printable"
)

// A text comes out the same, whatever pieces it is written in, with an escape for each hidden character.
func TestHiddenCharactersAreVisible(t *testing.T) {
	const text = "a\u202eb\u200bc\ufeffä€😀\U000e0101\xff\u3164 end\n"
	const want = `a\u202eb\u200bc\ufeffä€😀\U000e0101` + "\xff" + `\u3164 end` + "\n"
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		v := &visible{w: &out}
		for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			piece := bytes.Clone(rest[:min(size, len(rest))])
			if n, err := v.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
			clear(piece) // the writer may not keep the caller's bytes
		}
		if out.String() != want {
			t.Errorf("in pieces of %d: %q", size, out.String())
		}
	}
}

// No command shows such a character, though manifests, files' names and the orbit's stacks in AWS have them.
func TestNoCommandPrintsHiddenCharacters(t *testing.T) {
	const hidden = "x\u202ey\u200bz"
	const service = "{image: \"nginx:1\", environment: {A: \"" + hidden + "\"}}"
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.build(strings.Replace(web("small"), "https://web-test.example.com", `https://x\u202ey\u200bz`, 1))
	a.must("deploy", "build", "--yes")
	for name, text := range map[string]string{
		"orbit.yaml":             "name: test\nregions: [us-east-1]\nall: {tags: {a: \"" + hidden + "\"}}\n",
		"app" + hidden + ".yaml": "name: web\nall: {instance_mx: 1, services: {w: " + service + "}}\n",
		"app.yaml":               "name: web\nall: {services: {w: " + service + "}}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"vet"}, {"vet", "--orbit", "orbit.yaml", "app" + hidden + ".yaml"}, {"vet", "--output", "github"}, {"vet", "--output", "sarif"},
		{"build", "--out", "other"}, {"build", "--out", "other", "--output", "json"}, {"build", "--check", "--out", "build"},
		{"eval"}, {"eval", "--output", "json"}, {"eval", "--output", "yaml"}, {"eval", "--origin"},
		{"diff", "build", "other"}, {"diff", "build", "other", "--output", "markdown"}, {"diff", "build", "other", "--output", "json"},
		{"graph", "other"}, {"graph", "other", "--output", "html"}, {"graph", "other", "--output", "mermaid"}, {"policy", "other"},
		{"deploy", "build", "--dry-run"}, {"deploy", "other", "--yes"}, {"deploy", hidden}, {"status", "build"}, {"outputs", "build"},
		{"outputs", "build", "--output", "json"}, {"outputs", "build", "--output", "env"}, {"events", "web", "--orbit", "test"},
		{"diff", "--live", "build"}, {"instances", hidden, "--orbit", "test"}, {"logs", hidden, "--orbit", "test"},
		{"ssh", hidden, "--orbit", "test"}, {"access", "list", hidden, "--orbit", "test"}, {"destroy", "--orbit", "test", "--dry-run"},
		{hidden}, {"deploy", "--" + hidden},
	} {
		var stdout, stderr bytes.Buffer
		run(context.Background(), append([]string{"spacel"}, args...), strings.NewReader(""), &stdout, &stderr)
		if text := stdout.String() + stderr.String(); strings.ContainsFunc(text, safe.Hidden) {
			t.Errorf("spacel %q prints %q", args, text)
		} else if text == "" {
			t.Errorf("spacel %q prints nothing", args)
		}
	}
}
