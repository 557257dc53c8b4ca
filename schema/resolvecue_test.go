package schema

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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
	compared, needed := 0, map[string]bool{}
	definitions := publishedDefinitions(t)
	for _, dir := range []string{"../testdata/golden/*", "../testdata/everything", "../testdata/samples", "testdata/resolve"} {
		dirs, _ := filepath.Glob(dir)
		for _, dir := range dirs {
			orbits, apps := manifestsOf(t, dir)
			for _, orbit := range orbits {
				compared += compareWithCUE(t, definitions, orbit, apps, needed)
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d sections were compared", compared)
	}
	for line := range computed {
		if !needed[line] {
			t.Errorf("no manifest needs the line of %s", line)
		}
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

// computed lists the values that follow from other fields, or from the orbit. #Resolve leaves them as they are written, and
// only spacel eval has them. * stands for any key. A health check that is an object is compared inside. Each line must be needed by some
// manifest.
var computed = map[string]string{
	"name":                            "the app's name is beside its sections",
	"debian":                          "the orbit's unless given",
	"hostnames":                       "made of the names of app and orbit, in lower case",
	"idle_timeout":                    "only load balancers of HTTP have it",
	"health_check":                    "the default follows from the ports; a text has one form",
	"health_check.protocol":           "follows from path, codes and the ports",
	"health_check.path":               "/ when the protocol has paths",
	"health_check.port":               "follows from the ports",
	"local_health_check":              "a text has one form",
	"local_health_check.protocol":     "follows from path and codes",
	"local_health_check.path":         "/ when the protocol has paths",
	"local_health_check.port":         "follows from the ports",
	"public_ports.*.scheme":           "follows from the port's number",
	"public_ports.*.internal_scheme":  "follows from the port's number",
	"public_ports.*.internal_port":    "the port itself",
	"public_ports.*.sources":          "follows from the load balancer's availability",
	"private_ports.*":                 "protocols in upper case",
	"services.*.restart":              "follows from schedules, timers and the units that wait for this one",
	"services.*.environment":          "variables in one form",
	"services.*.env_file":             "its variables are in environment",
	"services.*.command":              "a list of words in one form",
	"services.*.entrypoint":           "a list of words in one form",
	"services.*.depends_on":           "a list becomes an object",
	"services.*.healthcheck.test":     "a list of words in one form",
	"files.*.mode":                    "follows from the user",
	"databases.*.version":             "the engine's",
	"databases.*.port":                "the engine's",
	"databases.*.username":            "the database's name",
	"databases.*.instance_type":       "with its prefix",
	"databases.*.clients":             "names in one form",
	"databases.*.alarms.*":            "follow from the metric",
	"caches.*.version":                "the engine's",
	"caches.*.instance_type":          "with its prefix",
	"caches.*.automatic_failover":     "follows from replicas",
	"alarms.endpoints.*":              "follow from the type",
	"alarms.triggers.*":               "follow from the metric",
	"logging.docker.metrics.*.alarms": "follow from the metric",
	"scaling.steps.*":                 "follow from the metric",
	"spot.types":                      "the app's instance_type unless given",
	"spot.weights":                    "types has them",
	"spot.strategy":                   "in one spelling",
	"release.tasks.*":                 "follow from the service",
}

// compareWithCUE compares the sections of apps in all regions of an orbit, and returns how many. The section of spacel eval is
// the merge in Go. Manifests with mistakes have none.
func compareWithCUE(t *testing.T, definitions cue.Value, orbitPath string, appPaths []string, needed map[string]bool) (compared int) {
	t.Helper()
	for _, path := range appPaths {
		model, err := Load(t.Context(), Inputs{Orbit: orbitPath, Apps: []string{path}, Resolve: true}, &report.Report{})
		if err != nil {
			t.Fatal(err)
		}
		if model == nil {
			continue
		}
		orbit, app := normalised(t, orbitPath, language.Orbit), normalised(t, path, language.App)
		for _, region := range model.Apps[0].Regions {
			want := plain(region.Resolved.Tree.Data(), nil, needed)
			got := plain(resolvedInCUE(t, definitions, orbit, app, region.Region), nil, needed)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s in %s (-Go +CUE):\n%s", path, region.Region, diff)
			}
			compared++
		}
	}
	return compared
}

// normalised reads a manifest: words for numbers and booleans become those.
func normalised(t *testing.T, path string, of language.Definition) *manifest.Tree {
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
	tree, err := manifest.NewReader(nil, Definitions, facts.RegionNames()).Read(path, &report.Report{})
	if err != nil || tree == nil || !checker.Accepts(tree, of) {
		t.Fatalf("%s: %v", path, err)
	}
	return withNulls(tree)
}

// resolvedInCUE returns the output of #Resolve as plain data.
func resolvedInCUE(t *testing.T, definitions cue.Value, orbit, app *manifest.Tree, region string) (out any) {
	t.Helper()
	context := cuecontext.New()
	got := definitions.FillPath(cue.ParsePath("app"), context.BuildExpr(app.Syntax()))
	got = got.FillPath(cue.ParsePath("orbit"), context.BuildExpr(orbit.Syntax()))
	got = got.FillPath(cue.ParsePath("region"), region).LookupPath(cue.ParsePath("out"))
	text, err := got.MarshalJSON()
	if err != nil {
		t.Errorf("in %s: %v\n%s", region, err, app.JSON())
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// plain returns a value without what computed lists, and notes the lines that it needed.
func plain(value any, path []string, needed map[string]bool) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	out := map[string]any{}
	for key, inner := range object {
		if inner == nil {
			continue // as good as absent
		}
		own := append(slices.Clone(path), key)
		if line := computedLine(own); line != "" {
			if _, object := inner.(map[string]any); !object || !strings.HasSuffix(line, "health_check") {
				needed[line] = true
				continue
			}
		}
		out[key] = plain(inner, own, needed)
	}
	return out
}

// computedLine returns the line of computed for a path, "" when there is none.
func computedLine(keys []string) string {
	for line := range computed {
		pattern := strings.Split(line, ".")
		match := len(pattern) == len(keys)
		for i := 0; match && i < len(keys); i++ {
			match = pattern[i] == "*" || pattern[i] == keys[i]
		}
		if match {
			return line
		}
	}
	return ""
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
