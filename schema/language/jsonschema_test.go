package language

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// judge is a manifest's definition and its JSON Schema, which must agree.
type judge struct {
	language *definitions
	facts    *Facts
	schema   map[string]*jsonschema.Schema
}

func newJudge(t testing.TB) judge {
	t.Helper()
	l, err := compileDefinitions(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.facts()
	if err != nil {
		t.Fatal(err)
	}
	j := judge{l, f, map[string]*jsonschema.Schema{}}
	for _, of := range []string{"orbit", "app"} {
		j.schema[of] = compiled(t, of)
	}
	return j
}

func compiled(t testing.TB, of string) *jsonschema.Schema {
	t.Helper()
	text, err := JSONSchema(definitionFiles, definitionFiles, of)
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
	s, err := c.Compile(of)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refused are the mistakes that the definitions find in a manifest: of the kinds typo, type, enum and range, and fields that
// are missing.
func (j judge) refused(t *manifest.Tree, of string) []report.Problem {
	shape := j.language.app
	if of == "orbit" {
		shape = j.language.orbit
	}
	t = t.Clone()
	var r report.Report
	normalise(t, shape)
	j.language.check(t, shape, &r, j.facts.RegionNames())
	return r.Problems()
}

// Whatever the definitions accept, the schema accepts; each mistake that they find, the schema finds alone.
func (j judge) agree(t *testing.T, path, want string) (mistakes int) {
	t.Helper()
	of := "app"
	if badcases.IsOrbit(path) {
		of = "orbit"
	}
	var r report.Report
	manifest, err := readManifest(path, nil, &r)
	if err != nil {
		t.Fatal(err)
	}
	if manifest == nil || r.Failed(false) {
		return 0 // CUE itself refuses it
	}
	found := j.refused(manifest, of)
	for i, mistake := range found {
		if strings.Contains(mistake.Message, "is missing") {
			continue
		}
		others := slices.Delete(slices.Clone(found), i, i+1)
		mistakes++
		if err := j.schema[of].Validate(without(manifest, others).Data()); err == nil {
			t.Errorf("the JSON Schema accepts %s", mistake)
		}
	}
	mended := without(manifest, found)
	if len(j.refused(mended, of)) > 0 {
		return mistakes
	}
	if err := j.schema[of].Validate(mended.Data()); err != nil && !strings.Contains(want, "must be a region of AWS") {
		t.Errorf("the JSON Schema refuses %s: %v", path, err)
	}
	return mistakes
}

// without is a copy without the values that problems are about.
func without(t *manifest.Tree, problems []report.Problem) *manifest.Tree {
	gone := func(at manifest.Place) bool {
		return slices.ContainsFunc(problems, func(p report.Problem) bool {
			return p.Pos.File == at.File && p.Pos.Line == at.Line && p.Pos.Col == at.Col && !strings.Contains(p.Message, "is missing")
		})
	}
	c := *t
	c.Fields, c.Items = nil, nil
	for _, f := range t.Fields {
		if !gone(f.At) && (!gone(f.Value.At) || f.Value.Kind == manifest.Object) {
			c.Fields = append(c.Fields, manifest.Field{Key: f.Key, At: f.At, Value: without(f.Value, problems)})
		}
	}
	for _, item := range t.Items {
		if !gone(item.At) || item.Kind == manifest.Object {
			c.Items = append(c.Items, without(item, problems))
		}
	}
	return &c
}

func TestJSONSchemaAgreesOnBadManifests(t *testing.T) {
	j := newJudge(t)
	mistakes := 0
	for _, path := range absolute(t, "../../testdata/bad/*.txtar") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := badcases.Unpack(t, archive)
			for _, manifest := range append(bad.Apps, bad.Orbit) {
				mistakes += j.agree(t, manifest, bad.Report)
			}
		})
	}
	if mistakes < 100 {
		t.Errorf("only %d mistakes were seen", mistakes)
	}
}

func TestJSONSchemaAcceptsGoodManifests(t *testing.T) {
	j := newJudge(t)
	manifests := absolute(t, "../../testdata/samples/*/*.json")
	for _, dir := range absolute(t, "../../testdata/golden/*") {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if isInput(dir, e) {
				manifests = append(manifests, filepath.Join(dir, e.Name()))
			}
		}
	}
	if len(manifests) < 30 {
		t.Fatalf("only %d manifests", len(manifests))
	}
	for _, path := range manifests {
		if mistakes := j.agree(t, path, ""); mistakes > 0 {
			t.Errorf("%s: %d mistakes", path, mistakes)
		}
	}
}

// isInput says whether an entry of a golden case is a manifest or the directory of an app.
func isInput(dir string, e fs.DirEntry) bool {
	if e.IsDir() {
		_, err := os.Stat(filepath.Join(dir, e.Name(), ".space"))
		return err == nil
	}
	ext := filepath.Ext(e.Name())
	return ext == ".json" || ext == ".yaml" || ext == ".yml" || ext == ".cue"
}

func absolute(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		if paths[i], err = filepath.Abs(paths[i]); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// Typical slips, one by one, as an editor would see them.
func TestJSONSchema(t *testing.T) {
	j := newJudge(t)
	for _, c := range []struct {
		of, manifest string
		good         bool
	}{
		{"app", "name: a", true},
		{"app", "{name: a, regions: [us-east-1], us-east-1: {instance_max: 3}}", true},
		{"app", "{name: a, all: {instance_max: null}, us-east-1: null}", true},
		{"app", `{name: a, all: {instance_max: "3", elastic_ips: Yes, spot: please}}`, true},
		{"app", "{name: a, all: {services: {web: null, api: {}}, public_ports: {80: {}, 443: null}}}", true},
		{"app", "{name: a, all: {services: {web: {image: a, environment: {A: 1, B: {c: [d]}}}}}}", true},
		{"app", "{name: a, all: {files: {x: {body: aGk=, mode: '0600'}}}}", true},
		{"orbit", "{name: a, all: {nat: per-az, flow_logs: {retention: 7}}}", true},
		{"app", "{}", false},
		{"app", "{name: a, al: {}}", false},
		{"app", "{name: a, us-wets-2: {}}", false},
		{"app", "{name: a, regions: [us-wets-2]}", false},
		{"app", "{name: a, all: {instance_mx: 3}}", false},
		{"app", "{name: a, all: {instance_max: 6000}}", false},
		{"app", "{name: a, all: {instance_max: '6000'}}", false},
		{"app", "{name: a, all: {instance_max: many}}", false},
		{"app", "{name: a, all: {update_policy: blue}}", false},
		{"app", "{name: a, all: {public_ports: {0: {}}}}", false},
		{"app", "{name: a, all: {public_ports: {80: {source: []}}}}", false},
		{"app", "{name: a, all: {hostnames: a.example.com}}", false},
		{"app", "{name: a, all: {files: {x: {mod: '0600'}}}}", false},
		{"orbit", "{name: a, all: {nat: yes}}", false},
		{"orbit", "{name: null}", false},
	} {
		var r report.Report
		manifest, err := readManifest("-", strings.NewReader(" \n# \n"+c.manifest), &r)
		if manifest == nil || err != nil {
			t.Fatal(c.manifest, err, r.Problems())
		}
		if err := j.schema[c.of].Validate(manifest.Data()); (err == nil) != c.good {
			t.Errorf("%s: %v", c.manifest, err)
		}
		if found := j.refused(manifest, c.of); (len(found) == 0) != c.good && !strings.Contains(c.manifest, "wets") {
			t.Errorf("%s: the definitions say %v", c.manifest, found)
		}
	}
	if _, err := JSONSchema(definitionFiles, definitionFiles, "bastion"); err == nil {
		t.Error("a schema of no manifest")
	}
}

func TestNumerals(t *testing.T) {
	for _, c := range []struct{ low, high int }{
		{0, 0}, {0, 10}, {1, 999}, {8, 65536}, {20, 65536}, {0, 5000}, {1150, 65535}, {100, 100}, {7, 11}, {99, 101},
	} {
		expression := regexp.MustCompile("^(" + strings.Join(numerals(c.low, c.high), "|") + ")$")
		for n := range 70000 {
			if in := n >= c.low && n <= c.high; expression.MatchString(strconv.Itoa(n)) != in {
				t.Errorf("%d to %d: %d: %s", c.low, c.high, n, expression)
				break
			}
		}
	}
}
