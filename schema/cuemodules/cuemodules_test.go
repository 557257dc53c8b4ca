package cuemodules

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/mod/module"

	"github.com/pebble/spacel/internal/needs"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The digest is the one that the documented shell command computes.
func TestDigest(t *testing.T) {
	needs.Program(t, "sha256sum")
	dir := t.TempDir()
	for _, name := range []string{"b.cue", "a/z.cue", "a.cue", "cue.mod/module.cue", "LICENSE", "ä.txt"} {
		write(t, filepath.Join(dir, name), "content of "+name)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c",
		"find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum | cut -c1-64")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sum, err := hex.DecodeString(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := ReadTree(os.DirFS(dir))
	if want := "h1:" + base64.StdEncoding.EncodeToString(sum); err != nil || tree.Digest != want {
		t.Errorf("got %s, %v, want %s", tree.Digest, err, want)
	}
	if _, ok := tree.Files["a/z.cue"]; !ok || len(tree.Files) != 4 {
		t.Errorf("the .cue files are %d", len(tree.Files))
	}
}

func TestTreeLimits(t *testing.T) {
	dir := t.TempDir()
	for i := range maxFiles + 1 {
		write(t, filepath.Join(dir, strings.Repeat("x", 1+i/5000), strings.Repeat("y", 1+i%5000/100)+strings.Repeat("z", i%100)), "")
	}
	if _, err := ReadTree(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "more than 10000 files") {
		t.Error(err)
	}
}

func TestSums(t *testing.T) {
	digest := "h1:" + strings.Repeat("A", 43) + "="
	for text, want := range map[string]string{
		"# comment\n\nacme.com/a@v0.1.0 " + digest + "\n":                 "",
		"acme.com/a@v0.1.0 " + digest + "\r\n":                            "",
		"acme.com/a@v0.1.0\n":                                             "cue.mod/spacel.sum:1: must be NAME@VERSION h1:DIGEST",
		"\nacme.com/a@v0.1.0 h1:short\n":                                  "cue.mod/spacel.sum:2: must be",
		"a@v1 " + digest + "\na@v1 h1:" + strings.Repeat("B", 43) + "=\n": "cue.mod/spacel.sum:2: a second digest of a@v1",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, SumFile), text)
		sums, err := readSums(os.DirFS(dir))
		if want == "" && (err != nil || sums["acme.com/a@v0.1.0"] != digest) {
			t.Errorf("%q: %v, %v", text, sums, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if sums, err := readSums(os.DirFS(t.TempDir())); err != nil || len(sums) != 0 {
		t.Error(sums, err)
	}
}

// Capital letters are escaped in the cache, as the cue command does it.
func TestCachePath(t *testing.T) {
	t.Setenv("CUE_CACHE_DIR", "/cache")
	path, err := CachePath(module.MustNewVersion("github.com/acme/platform@v0", "v0.1.0-Beta"))
	if want := "/cache/mod/extract/github.com/acme/platform@v0.1.0-!beta"; err != nil || filepath.ToSlash(path) != want {
		t.Errorf("got %s, %v, want %s", path, err, want)
	}
}
