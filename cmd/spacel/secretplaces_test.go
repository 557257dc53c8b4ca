package main

import (
	"os"
	"slices"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

// The path of a value begins at its app. In a file of several apps the payload goes below the app's own keys.
func TestSecretPlaceOfASelectedApp(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("apps.yaml", []byte("apps: {my-b: {name: b}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string][]string{
		`apps.yaml#apps."my-b"`: {"apps", "my-b", "all", "services", "web", "environment", "KEY"},
		"":                      {"all", "services", "web", "environment", "KEY"},
	} {
		pos := report.Pos{File: "apps.yaml", Path: "all.services.web", In: in}
		if got := at(pos, "KEY", "environment", "KEY"); !slices.Equal(got.path, want) {
			t.Errorf("%s: got %v, want %v", in, got.path, want)
		}
	}
}
