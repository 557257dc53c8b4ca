// Package badtrees provides trees with one wrong value each to the tests of schema and schema/language.
package badtrees

import (
	"testing"

	"github.com/pebble/spacel/internal/stride"
	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// wrongs stand in the place of a value. One of them is mostly of the value's own kind, and valid.
var wrongs = []*manifest.Tree{
	{Kind: manifest.Null}, {Kind: manifest.Boolean, Text: "true"}, {Kind: manifest.Number, Text: "-7.5"},
	{Kind: manifest.Text, Text: "\x01 ?"},
	{Kind: manifest.Text}, {Kind: manifest.List}, {Kind: manifest.Object},
	{Kind: manifest.List, Items: []*manifest.Tree{{Kind: manifest.Null}, {Kind: manifest.Object}}},
	{Kind: manifest.Object, Fields: []manifest.Field{{Key: "?", Value: &manifest.Tree{Kind: manifest.Number, Text: "1"}}}},
}

// Each calls check with copies of a tree. In each copy one value below the root is replaced by a wrong one: every third value,
// or with -short every ninth. i is the number of the value, and at its place.
func Each(whole *manifest.Tree, check func(i int, wrong *manifest.Tree, at manifest.Place)) {
	step := 3 * stride.Short(3)
	for i := 1; i < len(values(whole)); i += step {
		wrong := whole.Clone()
		spot := values(wrong)[i]
		at := spot.At
		*spot = *wrongs[i/step%len(wrongs)].Clone()
		spot.At = at
		check(i, wrong, at)
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

// Read reads a manifest of testdata, which is valid.
func Read(t *testing.T, path string) *manifest.Tree {
	t.Helper()
	tree, err := manifest.NewReader(nil, badcases.Definitions(), []string{"us-east-1", "us-west-2"}).Read(path, &report.Report{})
	if err != nil || tree == nil {
		t.Fatal(err)
	}
	return tree
}
