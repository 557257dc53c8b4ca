package language

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
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
		has := func(tree *manifest.Tree) bool { return anywhere(tree, append([]string{"*"}, keys[2:]...)) }
		if !slices.ContainsFunc(trees[keys[0] == "#Orbit"], has) {
			t.Errorf("%s is in no golden case", path)
		}
	})
}

// goldenTrees are the manifests of the golden cases: those of orbits under true, those of apps under false.
func goldenTrees(t *testing.T) map[bool][]*manifest.Tree {
	paths, err := filepath.Glob("../../testdata/golden/*/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d manifests: %v", len(paths), err)
	}
	trees := map[bool][]*manifest.Tree{}
	for _, path := range paths {
		if filepath.Base(path) == "want" || filepath.Ext(path) == ".env" {
			continue
		}
		tree, err := readManifest(path, nil, &report.Report{})
		if err != nil || tree == nil {
			t.Fatalf("%s: %v", path, err)
		}
		orbit := strings.HasPrefix(filepath.Base(path), "orbit.")
		trees[orbit] = append(trees[orbit], tree)
	}
	return trees
}

// warned are the fields that no manifest can have without a warning.
var warned = []string{"parent_stack", "deploy_stack", "spot.price"}

// A field that testdata/everything lacks would go without a test.
func TestEverythingIsEverything(t *testing.T) {
	trees := map[string]*manifest.Tree{}
	for definition, name := range map[string]string{"#Orbit": "orbit.yaml", "#App": "app.yaml"} {
		tree, err := readManifest(filepath.Join("../../testdata/everything", name), nil, &report.Report{})
		if err != nil || tree == nil {
			t.Fatal(err)
		}
		trees[definition] = tree
	}
	forEachField(t, func(path string, v cue.Value) {
		keys := strings.Split(path, ".")
		if len(keys) < 3 || keys[1] != "all" || slices.Contains(warned, strings.Join(keys[2:], ".")) {
			return
		}
		if !anywhere(trees[keys[0]], append([]string{"*"}, keys[2:]...)) {
			t.Errorf("%s is nowhere in testdata/everything", path)
		}
	})
}

// anywhere says whether a path of keys, * for any, leads to a value.
func anywhere(t *manifest.Tree, keys []string) bool {
	if len(keys) == 0 {
		return t.Kind != manifest.Null
	}
	if keys[0] == "[]" {
		for _, item := range t.Items {
			if anywhere(item, keys[1:]) {
				return true
			}
		}
		return false
	}
	for _, f := range t.Fields {
		if (keys[0] == "*" || keys[0] == f.Key) && anywhere(f.Value, keys[1:]) {
			return true
		}
	}
	return false
}
