package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

const everything = "../testdata/everything"

// The manifests of testdata/everything have every field of the language; model.json is the model of them, rewritten when
// SPACEL_UPDATE is set.
func TestModelOfEverything(t *testing.T) {
	var r report.Report
	model, err := Load(context.Background(), Inputs{Orbit: everything + "/orbit.yaml", Apps: []string{everything + "/app.yaml"}}, &r)
	if err != nil || model == nil || r.Failed(true) {
		t.Fatal(err, r.Problems())
	}
	got := withoutPlaces(t, model)
	path := everything + "/model.json"
	if os.Getenv("SPACEL_UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("not what %s holds (-want +got):\n%s", path, diff)
	}
}

// withoutPlaces is the model as JSON, but for where things were written.
func withoutPlaces(t *testing.T, model *Model) []byte {
	t.Helper()
	body, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(body, &plain); err != nil {
		t.Fatal(err)
	}
	text, err := jsontext.Indent(trim(plain))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func trim(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "Pos")
		for key, value := range v {
			v[key] = trim(value)
		}
	case []any:
		for i, value := range v {
			v[i] = trim(value)
		}
	}
	return v
}

// What YAML, JSON and CUE say alike gives one model.
func TestFormatsAgree(t *testing.T) {
	var models []*Model
	for _, format := range []string{".yaml", ".json", ".cue"} {
		files := map[string]string{}
		for _, name := range []string{"orbit", "app"} {
			body, err := os.ReadFile(filepath.Join(everything, name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if format != ".yaml" {
				tree, err := manifest.Reader{Stdin: bytes.NewReader(body)}.Read("-", &report.Report{})
				if err != nil || tree == nil {
					t.Fatal(err)
				}
				body = []byte(tree.JSON()) // which is CUE too
			}
			files[name+format] = string(body)
		}
		for _, name := range []string{"worker.env", "more.env"} {
			body, err := os.ReadFile(filepath.Join(everything, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(body)
		}
		models = append(models, load(t, files))
	}
	for _, other := range models[1:] {
		if diff := cmp.Diff(models[0], other, cmpopts.IgnoreTypes(sections.Node{}, report.Pos{})); diff != "" {
			t.Error(diff)
		}
	}
}
