package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/diff"
)

// What spacel diff says of a replacement is known for every resource type that a build makes.
func TestEveryTypeIsKnownToDiff(t *testing.T) {
	seen := map[string]bool{}
	for _, dir := range folders(t, "../../testdata/golden") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			orbit, apps := inputs(chdir(t, dir))
			files, _ := built(t, append([]string{"--orbit", orbit, "--with-orbit"}, apps...))
			for name, body := range files {
				if strings.HasSuffix(name, ".template.json") {
					typesOf(t, body, seen)
				}
			}
		})
	}
	if len(seen) < 20 {
		t.Errorf("only %d types were looked at", len(seen))
	}
	for kind := range seen {
		if known, err := diff.Known(kind); !known || err != nil {
			t.Errorf("%s is not in compiler/diff/replacement.json: %v", kind, err)
		}
	}
}

func typesOf(t *testing.T, body string, seen map[string]bool) {
	var parsed struct {
		Resources map[string]struct{ Type string }
	}
	if err := json.Unmarshal([]byte(body), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, r := range parsed.Resources {
		seen[r.Type] = true
	}
}
