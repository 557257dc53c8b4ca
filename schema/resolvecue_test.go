package schema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// The published definition #Resolve and the merge in Go agree, on every region of all samples and golden cases.
func TestResolveInCUE(t *testing.T) {
	compared := 0
	definitions := publishedDefinitions(t)
	for _, dir := range []string{"../testdata/golden/*", "../testdata/everything", "../testdata/samples"} {
		dirs, _ := filepath.Glob(dir)
		for _, dir := range dirs {
			orbits, apps := manifestsOf(t, dir)
			for _, orbit := range orbits {
				compared += compareWithCUE(t, definitions, orbit, apps)
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d sections were compared", compared)
	}
}

// manifestsOf lists the orbits and the apps of a directory of testdata.
func manifestsOf(t *testing.T, dir string) (orbits, apps []string) {
	t.Helper()
	if strings.HasSuffix(dir, "samples") {
		orbits, _ = filepath.Glob(dir + "/orbit/*.json")
		apps, _ = filepath.Glob(dir + "/app/*.json")
		return orbits, apps
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "orbit."):
			orbits = append(orbits, filepath.Join(dir, name))
		case name != "want" && !strings.HasSuffix(name, ".txt") && !strings.HasSuffix(name, ".env") && name != "model.json":
			apps = append(apps, filepath.Join(dir, name))
		}
	}
	return orbits, apps
}

// compareWithCUE compares the sections of apps in all regions of an orbit, and returns how many.
func compareWithCUE(t *testing.T, definitions cue.Value, orbitPath string, appPaths []string) int {
	t.Helper()
	checker, err := borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer giveBack(checker)
	facts, err := checker.Facts()
	if err != nil {
		t.Fatal(err)
	}
	l := &loader{facts: facts, report: &report.Report{}, reader: manifest.NewReader(nil, Definitions, facts.RegionNames())}
	orbitDocument, err := l.readOrbit(orbitPath, checker)
	if err != nil || orbitDocument == nil {
		t.Fatal(err, l.report.Problems())
	}
	l.shared = orbitDocument.part("apps")
	orbit, _ := orbitDocument.orbit(nil)
	compared := 0
	context := cuecontext.New()
	for _, path := range appPaths {
		tree, err := l.reader.Read(path, l.report)
		if err != nil || tree == nil {
			t.Fatal(err, l.report.Problems())
		}
		m, err := l.check(tree, &report.Report{}, checker, language.App)
		if err != nil || m == nil {
			t.Fatal(err, l.report.Problems())
		}
		for _, region := range orbit.Regions {
			s := m.section(region.Region, facts.Defaults.Lookup("app"))
			want := merge(s)
			got := definitions.FillPath(cue.ParsePath("app"), context.BuildExpr(withNulls(m.root.value).Syntax()))
			got = got.FillPath(cue.ParsePath("orbit"), context.BuildExpr(withNulls(orbitDocument.root.value).Syntax()))
			got = got.FillPath(cue.ParsePath("region"), region.Region).LookupPath(cue.ParsePath("out"))
			text, err := got.MarshalJSON()
			if err != nil {
				t.Errorf("%s in %s: %v", path, region.Region, err)
				continue
			}
			var merged any
			if err := json.Unmarshal(text, &merged); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, merged); diff != "" {
				t.Errorf("%s in %s (-Go +CUE):\n%s", path, region.Region, diff)
			}
			compared++
		}
	}
	return compared
}

// publishedDefinitions compiles the definitions and returns #Resolve.
func publishedDefinitions(t *testing.T) cue.Value {
	t.Helper()
	text, err := language.CUE(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile("schema.cue", text)
	if err != nil {
		t.Fatal(err)
	}
	instance := build.NewContext().NewInstance("schema", nil)
	if err := instance.AddSyntax(file); err != nil {
		t.Fatal(err)
	}
	return cuecontext.New().BuildInstance(instance).LookupPath(cue.ParsePath("#Resolve"))
}

// withNulls returns a manifest with the keys that have null in it.
func withNulls(t *manifest.Tree) *manifest.Tree {
	out := *t
	out.Fields, out.Items = nil, nil
	for _, f := range t.Fields {
		f.Value = withNulls(f.Value)
		out.Fields = append(out.Fields, f)
	}
	out.Fields = append(out.Fields, t.Removed...)
	for _, item := range t.Items {
		out.Items = append(out.Items, withNulls(item))
	}
	return &out
}

// merge is the merge in Go as plain data: a section's fields and defaults, without the defaults of objects inside.
func merge(s section) any {
	all := &manifest.Tree{Kind: manifest.Object}
	for _, f := range s.defaults.Fields {
		all.Set(f.Key, f.At, f.Value)
	}
	for key, n := range s.fields {
		all.Set(key, n.at, withNulls(n.value))
	}
	ports := defaultPorts(s, &AppRegion{ELBAvailability: Availability(s.text("elb_availability"))})
	for name, entries := range map[string][]entry{
		"services": s.merged("services", manifest.UnitName, nil), "files": s.merged("files", asIs, nil),
		"registries":   s.merged("registries", asIs, nil),
		"public_ports": s.merged("public_ports", asIs, ports), "private_ports": s.merged("private_ports", portRange, nil),
	} {
		whole := &manifest.Tree{Kind: manifest.Object}
		for _, e := range entries {
			whole.Set(e.key, e.at, withNulls(e.value))
		}
		if all.Lookup(name) != nil {
			all.Set(name, manifest.Place{}, whole)
		}
	}
	text, err := json.Marshal(all.Data())
	if err != nil {
		panic(err) // plain data always encodes
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}
