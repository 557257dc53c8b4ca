package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	block    = regexp.MustCompile("(?ms)^```(yaml|cue|json)\n(.*?)^```$")
	manifest = regexp.MustCompile(`(?m)^\s*"?name"?:`)
)

// Every manifest in the README and the docs builds. Those of an orbit have a domain or bastions.
func TestDocumentedManifests(t *testing.T) {
	docs, _ := filepath.Glob("../../docs/*.md")
	found := 0
	for _, path := range append(docs, "../../README.md") {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(body), -1) {
			if manifest.MatchString(m[2]) {
				found++
				vetted(t, path, m[1], m[2])
			}
		}
	}
	if found < 3 {
		t.Errorf("%d manifests found", found)
	}
}

func vetted(t *testing.T, doc, format, text string) {
	path := filepath.Join(t.TempDir(), "manifest."+format)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"spacel", "vet", "--orbit", "../../testdata/golden/example/orbit.cue", path}
	if strings.Contains(text, "bastion") || strings.Contains(text, "private_network") {
		args = []string{"spacel", "vet", "--orbit", path}
	}
	var out bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(""), &out, &out); code != 0 {
		t.Errorf("%s: a manifest in it does not build: %s\n%s", doc, out.String(), text)
	}
}

// The README's first manifest is the example that make demo builds.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../testdata/golden/example/laika.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first := block.FindStringSubmatch(string(readme))
	if want := "# laika.yaml\n" + string(example); first == nil || first[2] != want {
		t.Errorf("the README shows\n%q\nand the example is\n%q", first, want)
	}
}
