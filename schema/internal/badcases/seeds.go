package badcases

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Formats lists the extensions of manifests. The empty one stands for a name without extension: the content tells
// the format then.
var Formats = []string{".json", ".yaml", ".cue", ""}

// Seed adds manifests to a fuzz test whose arguments are an index into Formats, whether it is an orbit's, and the content: the
// samples, and the manifests of the good, bad and hostile cases. testdata is the directory of that name.
func Seed(f *testing.F, testdata string) {
	add := func(name string, content []byte) {
		if i := slices.Index(Formats[:3], filepath.Ext(name)); i >= 0 {
			f.Add(uint8(i), IsOrbit(name), content)
		}
	}
	for _, pattern := range []string{"/samples/*/*", "/golden/*/*"} {
		for _, path := range glob(f, testdata+pattern) {
			if content, err := os.ReadFile(path); err == nil {
				add(path, content)
			}
		}
	}
	for _, path := range glob(f, testdata+"/bad/*.txtar") {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			add(file.Name, file.Data)
		}
	}
	for _, c := range Hostile {
		// Large seeds would slow each round of the fuzzer, and size alone is tested elsewhere.
		if content := c.Content(); len(content) < 10_000 {
			add(c.Name, []byte(content))
		}
	}
}

// glob returns the files of a pattern, sorted. An invalid pattern fails the test.
func glob(f *testing.F, pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	return paths
}

// IsOrbit reports whether a file of a case is the manifest of an orbit, and not of an app.
func IsOrbit(path string) bool {
	return strings.HasPrefix(filepath.Base(path), "orbit.") || strings.Contains(path, "samples/orbit")
}
