package language

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

const referencePath = "../../docs/reference.md"

func newReference(t *testing.T) string {
	t.Helper()
	page, err := Reference(definitionFiles, definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The page in docs is what the definitions say. SPACEL_UPDATE rewrites it.
func TestGoldenReference(t *testing.T) {
	got := newReference(t)
	if os.Getenv("SPACEL_UPDATE") != "" {
		if err := os.WriteFile(referencePath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referencePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("not what %s holds (-want +got); run make golden and review it:\n%s", referencePath, diff)
	}
}

var (
	headings    = regexp.MustCompile(`(?m)^#{2,4} (.*)$`)
	tableFields = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	angled      = regexp.MustCompile(`<[a-z]+>`)
	links       = regexp.MustCompile(`\]\(#([^)]*)\)`)
	yamlBlocks  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
)

// fieldsInTables are the fields of each table, by the table's title with * for what stands for a key.
func fieldsInTables(page string) map[string][]string {
	fields := map[string][]string{}
	starts := headings.FindAllStringSubmatchIndex(page, -1)
	for i, at := range starts {
		end := len(page)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		title := angled.ReplaceAllString(strings.Trim(page[at[2]:at[3]], "`"), "*")
		for _, row := range tableFields.FindAllStringSubmatch(page[at[1]:end], -1) {
			fields[title] = append(fields[title], angled.ReplaceAllString(row[1], "*"))
		}
	}
	return fields
}

// titleAt is the title of the table that a field's row has to be in.
func titleAt(path string) string {
	kind := strings.ToLower(path[1:strings.Index(path, ".")])
	parts := strings.Split(path, ".")[1:]
	if parts[0] == "apps" && len(parts) > 1 {
		kind = "app" // the orbit's apps have an app's settings
	}
	switch parents := parts[:len(parts)-1]; len(parents) {
	case 0:
		return "An " + kind + "'s manifest"
	case 1:
		return "An " + kind + "'s settings for a region"
	default:
		title := strings.ReplaceAll(strings.Join(parents[1:], "."), ".[]", "[]")
		// A release task has a container's words. Tables of the same definition stand once, at the services.
		if rest, isTask := strings.CutPrefix(title, "release.tasks.*."); isTask {
			return "services.*." + rest
		}
		return title
	}
}

func TestEveryFieldIsInATable(t *testing.T) {
	tables := fieldsInTables(newReference(t))
	count := 0
	forEachField(t, func(path string, _ cue.Value) {
		name := path[strings.LastIndex(path, ".")+1:]
		if name == "*" && strings.Count(path, ".") > 1 {
			return // the key is up to the manifest
		}
		count++
		if title := titleAt(path); !slices.Contains(tables[title], name) {
			t.Errorf("%s is not in the table %q: %v", path, title, tables[title])
		}
	})
	if count < 200 {
		t.Errorf("only %d fields were looked at", count)
	}
}

func TestEveryMetricIsInATable(t *testing.T) {
	f, err := newLanguage(t).facts()
	if err != nil {
		t.Fatal(err)
	}
	tables := fieldsInTables(newReference(t))
	for name := range f.Metrics.Builtin {
		if !slices.Contains(tables[metricsTitle], name) {
			t.Errorf("no row for %s", name)
		}
	}
	for name := range f.Metrics.Database {
		if !slices.Contains(tables[databaseTitle], name) {
			t.Errorf("no row for %s of databases", name)
		}
	}
}

// Every link within the page leads to one heading.
func TestReferenceLinks(t *testing.T) {
	page := newReference(t)
	anchors := map[string]int{}
	for _, h := range headings.FindAllStringSubmatch(page, -1) {
		anchors[anchor(h[1])]++
	}
	found := links.FindAllStringSubmatch(page, -1)
	if len(found) < 50 {
		t.Errorf("only %d links", len(found))
	}
	for _, link := range found {
		if anchors[link[1]] != 1 {
			t.Errorf("%d headings for #%s", anchors[link[1]], link[1])
		}
	}
}

// What no example shows: what is of use to manifests of 2016 alone, what AWS advises against, and parts of resources that
// are CloudFormation's.
var unshown = []string{
	"#Orbit.all.provider", "#Orbit.all.parent_stack", "#Orbit.all.deploy_stack", "#App.all.spot.price",
	"#App.all.resources.Resources.*.CreationPolicy", "#App.all.resources.Resources.*.UpdatePolicy",
}

// Each example is on the page, where the tests of the command build it, and together they show every field.
func TestExamplesShowEveryField(t *testing.T) {
	page := newReference(t)
	files, err := fs.Glob(definitionFiles, "examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if shown := len(yamlBlocks.FindAllString(page, -1)); shown != len(files) {
		t.Errorf("%d examples, of which %d are on the page", len(files), shown)
	}
	manifests := map[string][]*manifest.Tree{}
	for _, name := range files {
		manifests[exampleOf(name)] = append(manifests[exampleOf(name)], readExample(t, "../"+name))
	}
	forEachField(t, func(path string, _ cue.Value) {
		parts := strings.Split(path, ".")
		if len(parts) > 2 && (parts[1] == "*" || strings.HasPrefix(path, "#Orbit.apps.")) {
			return // as in all, or as in an app's all
		}
		if strings.HasPrefix(path, "#App.all.release.tasks.*.volumes.") {
			return // as in a service
		}
		shown := slices.ContainsFunc(manifests[parts[0]], func(m *manifest.Tree) bool { return shows(m, parts[1:]) })
		below := func(u string) bool { return path == u || strings.HasPrefix(path, u+".") }
		if meant := !slices.ContainsFunc(unshown, below); shown != meant {
			t.Errorf("%s: shown by an example: %v", path, shown)
		}
	})
}

func exampleOf(name string) string {
	if base := filepath.Base(name); base == "orbit.yaml" || base == "flow_logs.yaml" {
		return "#Orbit"
	}
	return "#App"
}

func readExample(t *testing.T, name string) *manifest.Tree {
	t.Helper()
	var r report.Report
	m, err := readManifest(name, nil, &r)
	if err != nil || m == nil {
		t.Fatal(name, err, r.Problems())
	}
	return m
}

// shows says whether a path, with * for any key and all for any section, leads to a value.
func shows(t *manifest.Tree, path []string) bool {
	if len(path) == 0 {
		return true
	}
	rest := func(inner *manifest.Tree) bool { return shows(inner, path[1:]) }
	if path[0] == "[]" {
		return slices.ContainsFunc(t.Items, rest)
	}
	return slices.ContainsFunc(t.Fields, func(f manifest.Field) bool {
		return (path[0] == f.Key || path[0] == "*" || path[0] == "all") && rest(f.Value)
	})
}
