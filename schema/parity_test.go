package schema

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pebble/spacel/internal/cuecommand"
	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// parityFile lists the manifests of testdata that the cue command, the JSON Schema and spacel do not judge alike: a line for
// each, with the readers that accept it, and the reason. Lines that begin with # are comments.
const parityFile = "../testdata/parity.txt"

// manifestCase is a manifest of testdata with spacel's verdict.
type manifestCase struct {
	name   string // such as bad/ports.txtar web.yaml
	orbit  bool
	data   []byte // as JSON
	spacel bool   // accepts it
	why    string // its first mistake
}

// definition returns the definition of the manifest, and the name of its JSON Schema.
func (m manifestCase) definition() (cue, schema string) {
	if m.orbit {
		return "#Orbit", "orbit"
	}
	return "#App", "app"
}

// TestReadersAgree compares three verdicts on each manifest of testdata: of `cue vet` with the output of spacel schema, of the
// JSON Schema, and of spacel. A difference that parityFile does not list fails, and so does a listed one that is gone.
func TestReadersAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the cue command for each manifest")
	}
	cases := slices.Concat(badManifests(t), goodManifests(t))
	if len(cases) < 180 {
		t.Fatalf("only %d manifests", len(cases))
	}
	cueAccepts, schemaAccepts := verdictsOfCUE(t, cases), verdictsOfJSONSchema(t, cases)
	got := map[string]string{}
	for i, m := range cases {
		if cueAccepts[i] == m.spacel && schemaAccepts[i] == m.spacel {
			continue
		}
		var accept []string
		for reader, accepts := range map[string]bool{"cue": cueAccepts[i], "json-schema": schemaAccepts[i], "spacel": m.spacel} {
			if accepts {
				accept = append(accept, reader)
			}
		}
		slices.Sort(accept)
		got[m.name] = strings.Join(accept, ", ")
		if want := listed(t)[m.name]; want.accept != got[m.name] {
			t.Errorf("%s: accepted by %s only, and %s says %q: %s", m.name, got[m.name], parityFile, want.accept, m.why)
		}
	}
	for name, entry := range listed(t) {
		if got[name] == "" {
			t.Errorf("%s lists %s, but all readers agree on it, or it is gone", parityFile, name)
		}
		if entry.reason == "" {
			t.Errorf("%s gives no reason for %s", parityFile, name)
		}
	}
}

type parityEntry struct{ accept, reason string }

// listed reads parityFile: NAME: ACCEPTING READERS: REASON.
func listed(t *testing.T) map[string]parityEntry {
	t.Helper()
	text, err := os.ReadFile(parityFile)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]parityEntry{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, ": ", 3)
		if len(parts) != 3 {
			t.Fatalf("%s: %q is not NAME: READERS: REASON", parityFile, line)
		}
		entries[parts[0]] = parityEntry{parts[1], parts[2]}
	}
	return entries
}

// badManifests returns the manifests of testdata/bad.
func badManifests(t *testing.T) (all []manifestCase) {
	paths, err := filepath.Glob("../testdata/bad/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			bad := badcases.Unpack(t, archive)
			all = append(all, judged(t, "bad/"+filepath.Base(path), bad.Orbit, bad.Apps)...)
		})
	}
	return all
}

// goodManifests returns the manifests of the golden cases, of the samples, and of testdata/everything.
func goodManifests(t *testing.T) (all []manifestCase) {
	for _, pattern := range []string{"../testdata/golden/*", "../testdata/everything"} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			orbit, apps := inputs(t, dir)
			all = append(all, judged(t, strings.TrimPrefix(dir, "../testdata/"), orbit, apps)...)
		}
	}
	samples, err := filepath.Glob(sampleManifests + "/app/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range samples { // some have one name, so each is loaded alone
		all = append(all, judged(t, "samples", sampleManifests+"/orbit/sl-test.json", []string{app})[1:]...)
	}
	return all
}

// inputs returns the manifests in a directory.
func inputs(t *testing.T, dir string) (orbit string, apps []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch ext := filepath.Ext(path); {
		case strings.HasPrefix(e.Name(), "orbit."):
			orbit = path
		case e.IsDir():
			if _, err := os.Stat(filepath.Join(path, ".space")); err == nil {
				apps = append(apps, path)
			}
		case slices.Contains([]string{".json", ".yaml", ".yml", ".cue"}, ext) && e.Name() != "model.json":
			apps = append(apps, path)
		}
	}
	return orbit, apps
}

// judged loads the manifests of a case and returns those that can be read at all.
func judged(t *testing.T, name, orbit string, apps []string) (all []manifestCase) {
	t.Helper()
	if orbit == "" {
		t.Fatalf("%s has no orbit", name)
	}
	var r report.Report
	if _, err := Load(context.Background(), Inputs{Orbit: orbit, Apps: apps}, &r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	reader := manifest.Reader{Definitions: Definitions, Regions: []string{"us-east-1", "us-west-2"}}
	for _, path := range append([]string{orbit}, apps...) {
		var own report.Report
		tree, err := reader.Read(path, &own)
		if err != nil {
			t.Fatal(err)
		}
		if tree == nil || own.Failed(false) {
			continue // not one of the readers gets data
		}
		m := manifestCase{name: name + " " + filepath.Base(path), orbit: path == orbit, data: []byte(tree.JSON()), spacel: true}
		for _, p := range r.Problems() {
			if p.Severity == report.Error && (p.Pos.File == path || strings.HasPrefix(p.Pos.File, path+"/")) {
				m.spacel, m.why = false, cmp.Or(m.why, p.String())
			}
		}
		all = append(all, m)
	}
	return all
}

// verdictsOfCUE runs cue vet on each manifest.
func verdictsOfCUE(t *testing.T, cases []manifestCase) []bool {
	dir := t.TempDir()
	text, err := language.CUE(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "schema.cue"), text)
	cuecommand.Path(t)
	accepts := make([]bool, len(cases))
	var workers sync.WaitGroup
	free := make(chan struct{}, 2)
	for i, m := range cases {
		file := fmt.Sprintf("%d.json", i)
		write(t, filepath.Join(dir, file), m.data)
		definition, _ := m.definition()
		free <- struct{}{}
		workers.Go(func() {
			_, _, err := cuecommand.Run(t, dir, nil, "vet", "-c", "-d", definition, "schema.cue", file)
			accepts[i] = err == nil
			<-free
		})
	}
	workers.Wait()
	return accepts
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// verdictsOfJSONSchema validates each manifest with a validator that nobody here wrote.
func verdictsOfJSONSchema(t *testing.T, cases []manifestCase) []bool {
	schemas := map[string]*jsonschema.Schema{}
	for _, of := range []string{"orbit", "app"} {
		text, err := language.JSONSchema(Definitions, Examples, of)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(of, doc); err != nil {
			t.Fatal(err)
		}
		if schemas[of], err = c.Compile(of); err != nil {
			t.Fatal(err)
		}
	}
	accepts := make([]bool, len(cases))
	for i, m := range cases {
		_, of := m.definition()
		var data any
		decoder := json.NewDecoder(bytes.NewReader(m.data))
		decoder.UseNumber()
		if err := decoder.Decode(&data); err != nil {
			t.Fatal(err)
		}
		accepts[i] = schemas[of].Validate(data) == nil
	}
	return accepts
}
