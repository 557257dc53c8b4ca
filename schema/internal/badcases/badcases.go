// Package badcases provides invalid manifests to the tests of schema and its packages: the cases of testdata/bad, and hostile
// manifests. Both are seeds for fuzzing.
package badcases

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Case is an unpacked case: the paths of its manifests, and the expected report.
type Case struct {
	Orbit  string
	Apps   []string
	Report string
}

// PlainOrbit is the orbit of a case without one. Its two regions let a case differ between regions.
const PlainOrbit = "name: test\nregions: [us-east-1, us-west-2]\nall: {domain: example.com}\n"

// Unpack writes the files of a case in testdata/bad into a new directory, which becomes the current one.
func Unpack(t *testing.T, archive *txtar.Archive) (c Case) {
	t.Helper()
	// Reports name files relative to the current directory, so the expected text is the same on every machine.
	t.Chdir(t.TempDir())
	for _, f := range archive.Files {
		if f.Name == "want/report.txt" {
			c.Report = string(f.Data)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		// An app may be a directory: then its first part names the app, and further files belong to the same one.
		top, _, _ := strings.Cut(f.Name, "/")
		if strings.HasPrefix(top, "orbit.") {
			c.Orbit = top
		} else if filepath.Ext(top) != ".env" && !slices.Contains(c.Apps, top) {
			c.Apps = append(c.Apps, top)
		}
	}
	if c.Orbit == "" {
		c.Orbit = "orbit.yaml"
		if err := os.WriteFile(c.Orbit, []byte(PlainOrbit), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
