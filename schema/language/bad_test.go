package language

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/report"
)

func TestBadManifestsAreExplained(t *testing.T) {
	l := newLanguage(t)
	cases := absolute(t, "../../testdata/bad/*.txtar")
	if len(cases) < 70 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := badcases.Unpack(t, archive)
			explained(t, l, append(bad.Apps, bad.Orbit))
		})
	}
}

// explained holds that whatever CUE refuses in a manifest, the walk explains: CUE's own words never reach a user.
func explained(t *testing.T, l *definitions, paths []string) {
	t.Helper()
	for _, path := range paths {
		var r report.Report
		tree, err := readManifest(path, nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		if tree == nil {
			continue
		}
		s := l.app
		if strings.HasPrefix(path, "orbit.") {
			s = l.orbit
		}
		normalise(tree, s)
		if !l.check(tree, s, &r, nil) {
			t.Errorf("%s: CUE refuses what the walk finds no mistake in: %v", path, r.Problems())
		}
	}
}
