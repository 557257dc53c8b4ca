package schema

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
)

// refusedOrIdle are the fields that no built golden case can have: they are refused, or do nothing.
var refusedOrIdle = []string{"provider", "parent_stack", "deploy_stack"}

// A field that no golden case has would go without a template that shows it.
func TestGoldenCasesHaveEveryField(t *testing.T) {
	trees := goldenTrees(t)
	forEachField(t, func(path string, v cue.Value) {
		keys := strings.Split(path, ".")
		if len(keys) < 3 || keys[1] != "all" || slices.Contains(refusedOrIdle, strings.Join(keys[2:], ".")) {
			return
		}
		has := func(tree *tree) bool { return anywhere(tree, append([]string{"*"}, keys[2:]...)) }
		if !slices.ContainsFunc(trees[keys[0] == "#Orbit"], has) {
			t.Errorf("%s is in no golden case", path)
		}
	})
}

// goldenTrees are the manifests of the golden cases: those of orbits under true, those of apps under false.
func goldenTrees(t *testing.T) map[bool][]*tree {
	paths, err := filepath.Glob("../testdata/golden/*/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d manifests: %v", len(paths), err)
	}
	trees := map[bool][]*tree{}
	for _, path := range paths {
		if filepath.Base(path) == "want" {
			continue
		}
		tree, err := readManifest(path, nil, &Report{})
		if err != nil || tree == nil {
			t.Fatalf("%s: %v", path, err)
		}
		orbit := strings.HasPrefix(filepath.Base(path), "orbit.")
		trees[orbit] = append(trees[orbit], tree)
	}
	return trees
}
