package resolved

import (
	"encoding/json"
	"testing"

	"cuelang.org/go/cue/cuecontext"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/schema/manifest"
)

func text(s string) *manifest.Tree { return &manifest.Tree{Kind: manifest.Text, Text: s} }

func object(fields ...manifest.Field) *manifest.Tree {
	return &manifest.Tree{Kind: manifest.Object, Fields: fields}
}

// The three forms hold the same data, with places and without.
func TestFormsAreEqual(t *testing.T) {
	here := manifest.Place{File: "a.yaml", Line: 3, Col: 5}
	inner := object()
	for i, s := range []string{
		"", "yes", "null", "1", "0644", "1.5", "a: b", "# no comment", "two\nlines\n", "tab\tand \\ and \"", "'", "ends \n ",
		"\u0000\u2028é",
		" leading", "- dash", "~", "2026-01-01", "\\(x)", "\"\"\"\n", "12_000", ".inf", "<<", "=",
	} {
		inner.Fields = append(inner.Fields, manifest.Field{Key: "text" + string(rune('a'+i)), At: here, Value: text(s)})
		inner.Fields = append(inner.Fields, manifest.Field{Key: "key " + s, Value: text("x")})
	}
	value := object(
		manifest.Field{Key: "strings", Value: inner},
		manifest.Field{Key: "list", Value: &manifest.Tree{Kind: manifest.List, Items: []*manifest.Tree{
			text("a"), object(manifest.Field{Key: "deep", Value: object()}), {Kind: manifest.List, Items: []*manifest.Tree{text("b")}},
		}}},
		manifest.Field{Key: "empty", Value: &manifest.Tree{Kind: manifest.List}},
		manifest.Field{Key: "number", At: here, Value: &manifest.Tree{Kind: manifest.Number, Text: "-1.50"}},
		manifest.Field{Key: "whole", Value: &manifest.Tree{Kind: manifest.Number, Text: "12345678901234567890"}},
		manifest.Field{Key: "yes", Value: &manifest.Tree{Kind: manifest.Boolean, Text: "true"}},
		manifest.Field{Key: "none", Value: &manifest.Tree{Kind: manifest.Null}},
		manifest.Field{Key: "#def", Value: text("not a definition")},
		manifest.Field{Key: "_hidden", Value: text("not hidden")},
	)
	want := decoded(t, value)
	for _, p := range []Printer{{}, {Origin: true}} {
		fromCUE, err := p.CUE(value)
		if err != nil {
			t.Fatal(err)
		}
		body, err := cuecontext.New().CompileBytes(fromCUE).MarshalJSON()
		if err != nil {
			t.Fatalf("%v\n%s", err, fromCUE)
		}
		var got any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("CUE (-want +got):\n%s\n%s", diff, fromCUE)
		}
		fromYAML, err := p.YAML(value)
		if err != nil {
			t.Fatal(err)
		}
		var plain any
		if err := yaml.Unmarshal(fromYAML, &plain); err != nil {
			t.Fatalf("%v\n%s", err, fromYAML)
		}
		body, err = json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("YAML (-want +got):\n%s\n%s", diff, fromYAML)
		}
	}
}

// decoded is a value as encoding/json decodes it.
func decoded(t *testing.T, value *manifest.Tree) (out any) {
	t.Helper()
	body, err := Printer{}.JSON(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
