package diff

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pebble/spacel/compiler/template"
)

// TestEveryTypeIsInTheTable holds that the replacement table has an entry for every resource type that a build makes.
func TestEveryTypeIsInTheTable(t *testing.T) {
	known, err := replacements()
	if err != nil {
		t.Fatal(err)
	}
	seen := typesOfGoldenTemplates(t)
	for kind := range seen {
		if _, ok := known[kind]; !ok {
			t.Errorf("%s is not in compiler/diff/replacement.json", kind)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

func typesOfGoldenTemplates(t *testing.T) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/golden/*/want/*/*.template.json")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := template.Parse(body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, r := range parsed.Resources {
			kinds[r.Type] = true
		}
	}
	return kinds
}
