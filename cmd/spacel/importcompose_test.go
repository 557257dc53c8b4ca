package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The Compose files of testdata/compose have the structure of well-known applications. Each becomes the expected manifest, and what
// the manifest lacks is listed. The manifest builds in another directory, also with the databases and caches of its comments.
func TestImportCompose(t *testing.T) {
	for _, dir := range folders(t, "../../testdata/compose") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			t.Setenv("HOME", "/nonexistent")
			t.Setenv("POSTGRES_USER", "from the shell")
			file := "compose.yaml"
			if _, err := os.Stat(file); err != nil {
				file = "compose.yml"
			}
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), []string{"spacel", "import", "compose", file}, nil, &stdout, &stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			got := map[string]string{"app.yaml": stdout.String(), "report.txt": stderr.String()}
			if os.Getenv("SPACEL_UPDATE") != "" {
				rewrite(t, "want", got)
			}
			if diff := cmp.Diff(contents(t, "want"), got); diff != "" {
				t.Errorf("-want +got; if the change is meant, run make golden and review it:\n%s", diff)
			}
			builds(t, stdout.String())
			builds(t, withOffers(stdout.String()))
		})
	}
}

// builds checks that a manifest builds in a directory of its own, without an error.
func builds(t *testing.T, manifest string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"orbit.yaml": "name: test\nregions: [us-east-1, eu-west-1]\n", "app.yaml": manifest} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"spacel", "build"}, nil, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d: %s\n%s", code, stderr.String(), manifest)
	}
}

// offered matches a database or cache in a comment of an imported manifest.
var offered = regexp.MustCompile(`(?m)^ *#   (databases|caches):\n *# {5}(.*)\n`)

// withOffers writes the databases and caches of a manifest's comments beside its services, as the comments say.
func withOffers(manifest string) string {
	stores := map[string]string{}
	for _, m := range offered.FindAllStringSubmatch(manifest, -1) {
		stores[m[1]] += "    " + m[2] + "\n"
	}
	var added strings.Builder
	for _, field := range []string{"databases", "caches"} {
		if stores[field] != "" {
			added.WriteString("  " + field + ":\n" + stores[field])
		}
	}
	return strings.Replace(manifest, "\n  services:\n", "\n"+added.String()+"  services:\n", 1)
}
