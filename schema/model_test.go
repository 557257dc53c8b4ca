package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const everything = "../testdata/everything"

// The manifests of testdata/everything have every field of the language; model.json is the model of them, rewritten when
// SPACEL_UPDATE is set.
func TestModelOfEverything(t *testing.T) {
	var report Report
	model, err := Load(context.Background(), Inputs{Orbit: everything + "/orbit.yaml", Apps: []string{everything + "/app.yaml"}}, &report)
	if err != nil || model == nil || report.Failed(true) {
		t.Fatal(err, report.Problems())
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
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(trim(plain)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
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
				tree, err := readManifest("-", bytes.NewReader(body), &Report{})
				if err != nil || tree == nil {
					t.Fatal(err)
				}
				body = []byte(tree.json()) // which is CUE too
			}
			files[name+format] = string(body)
		}
		models = append(models, load(t, files))
	}
	for _, other := range models[1:] {
		if diff := cmp.Diff(models[0], other, cmpopts.IgnoreTypes(Node{}, Pos{})); diff != "" {
			t.Error(diff)
		}
	}
}

// warned are the fields that no manifest can have without a warning.
var warned = []string{"parent_stack", "deploy_stack", "spot.price"}

// A field that testdata/everything lacks would go without a test.
func TestEverythingIsEverything(t *testing.T) {
	trees := map[string]*tree{}
	for definition, name := range map[string]string{"#Orbit": "orbit.yaml", "#App": "app.yaml"} {
		tree, err := readManifest(filepath.Join(everything, name), nil, &Report{})
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
			t.Errorf("%s is nowhere in %s", path, everything)
		}
	})
}

// anywhere says whether a path of keys, * for any, leads to a value.
func anywhere(t *tree, keys []string) bool {
	if len(keys) == 0 {
		return t.kind != null
	}
	if keys[0] == "[]" {
		for _, item := range t.items {
			if anywhere(item, keys[1:]) {
				return true
			}
		}
		return false
	}
	for _, f := range t.fields {
		if (keys[0] == "*" || keys[0] == f.key) && anywhere(f.value, keys[1:]) {
			return true
		}
	}
	return false
}
