package schema

import (
	"testing"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Whatever stands in the place of a value, and however much is left out for it: making the model doesn't panic, and what the
// definitions found is reported.
func TestModelIsMadeOfWrongManifests(t *testing.T) {
	c, err := language.NewChecker(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := c.Facts()
	if err != nil {
		t.Fatal(err)
	}
	orbit := load(t, map[string]string{"orbit.yaml": badcases.PlainOrbit}).Orbit
	whole := readTree(t, everything+"/app.yaml")
	wrongs := []*manifest.Tree{
		{Kind: manifest.Null}, {Kind: manifest.Boolean, Text: "true"}, {Kind: manifest.Number, Text: "-7.5"},
		{Kind: manifest.Text, Text: "\x01 ?"},
		{Kind: manifest.Text}, {Kind: manifest.List}, {Kind: manifest.Object},
		{Kind: manifest.List, Items: []*manifest.Tree{{Kind: manifest.Null}, {Kind: manifest.Object}}},
		{Kind: manifest.Object, Fields: []manifest.Field{{Key: "?", Value: &manifest.Tree{Kind: manifest.Number, Text: "1"}}}},
	}
	for i := 1; i < len(values(whole)); i += 3 {
		wrong := whole.Clone()
		spot := values(wrong)[i]
		at := spot.At
		*spot = *wrongs[i/3%len(wrongs)].Clone()
		spot.At = at
		found := &report.Report{}
		if err := c.Check(wrong, language.App, found, nil); err != nil {
			t.Fatal(err)
		}
		before := len(found.Problems())
		document{facts: facts, report: found, root: node{value: wrong, at: wrong.At}}.app(orbit, nil)
		if len(found.Problems()) < before {
			t.Errorf("value %d, line %d: mistakes are lost: %v", i, at.Line, found.Problems())
		}
	}
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

func readTree(t *testing.T, path string) *manifest.Tree {
	t.Helper()
	tree, err := manifest.Reader{Definitions: Definitions}.Read(path, &report.Report{})
	if err != nil || tree == nil {
		t.Fatal(err)
	}
	return tree
}
