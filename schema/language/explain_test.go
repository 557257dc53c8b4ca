package language

import (
	"testing"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Whatever stands in the place of a value, a mistake is explained: CUE's own words are never needed, and the rest of the
// manifest is still looked at.
func TestEveryMistakeIsExplained(t *testing.T) {
	c, err := NewChecker(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	full := newLanguage(t)
	whole := readTree(t, "../../testdata/everything/app.yaml")
	wrongs := []*manifest.Tree{
		{Kind: manifest.Null}, {Kind: manifest.Boolean, Text: "true"}, {Kind: manifest.Number, Text: "-7.5"},
		{Kind: manifest.Text, Text: "\x01 ?"},
		{Kind: manifest.Text}, {Kind: manifest.List}, {Kind: manifest.Object},
		{Kind: manifest.List, Items: []*manifest.Tree{{Kind: manifest.Null}, {Kind: manifest.Object}}},
		{Kind: manifest.Object, Fields: []manifest.Field{{Key: "?", Value: &manifest.Tree{Kind: manifest.Number, Text: "1"}}}},
	}
	for i := 0; i < len(values(whole)); i += 3 {
		wrong := whole.Clone()
		spot := values(wrong)[i]
		at := spot.At
		*spot = *wrongs[i/3%len(wrongs)].Clone()
		spot.At = at
		if wrong.Kind != manifest.Object {
			continue
		}
		var r report.Report
		copied := wrong.Clone()
		normalise(copied, full.app)
		if !full.check(copied, full.app, &r, nil) {
			t.Errorf("value %d, line %d: CUE refuses what the walk finds no mistake in: %v", i, at.Line, r.Problems())
		}
		refused := r.Failed(false)
		var again report.Report
		if err := c.Check(wrong, App, &again, nil); err != nil {
			t.Fatal(err)
		}
		if again.Failed(false) != refused {
			t.Errorf("value %d, line %d: the lean definitions and the full ones disagree: %v", i, at.Line, r.Problems())
		}
	}
}

func readTree(t *testing.T, path string) *manifest.Tree {
	t.Helper()
	tree, err := readManifest(path, nil, &report.Report{})
	if err != nil || tree == nil {
		t.Fatal(err)
	}
	return tree
}

// values are all values of a tree, the root first.
func values(t *manifest.Tree) []*manifest.Tree {
	all := []*manifest.Tree{t}
	for _, item := range t.Items {
		all = append(all, values(item)...)
	}
	for _, f := range t.Fields {
		all = append(all, values(f.Value)...)
	}
	return all
}
