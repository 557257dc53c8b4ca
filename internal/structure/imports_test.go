package structure

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pebble/spacel"

// goList runs go list, and gives a line of fields for each package. Our packages' names come without the module's.
func goList(t *testing.T, args ...string) [][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var lines [][]string
	for line := range strings.Lines(strings.ReplaceAll(string(out), module+"/", "")) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// under says whether a package is one of these, or in one of these.
func under(pkg string, tops ...string) bool {
	return slices.ContainsFunc(tops, func(top string) bool { return pkg == top || strings.HasPrefix(pkg, top+"/") })
}

// Only what deploys, and what runs on AWS, speaks to AWS. A build cannot.
func TestImportsOfTheSDK(t *testing.T) {
	users := 0
	for _, line := range goList(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...") {
		pkg, imports := line[0], line[1:]
		if !slices.ContainsFunc(imports, func(s string) bool { return strings.HasPrefix(s, "github.com/aws/") }) {
			continue
		}
		users++
		if !under(pkg, "deploy", "agent", "cmd/spacel-slack", "cmd/spacel-agent", "internal/cloudtest") {
			t.Errorf("%s imports the AWS SDK", pkg)
		}
	}
	if users == 0 {
		t.Error("nothing imports the AWS SDK: is this test looking at the right place?")
	}
	for _, line := range goList(t, "-deps", "./schema", "./compiler/...", "./agent/document") {
		if under(line[0], "github.com/aws", "deploy") {
			t.Errorf("the compiler depends on %s", line[0])
		}
	}
}

// allowed lists, for each package, the packages of ours that it may import, with everything below them: imports point one
// way. A line for dir/* holds for the packages in that directory without one of their own. A package without a line may only import basics.
var allowed = map[string][]string{
	"cmd/*":             {"agent", "compiler", "deploy", "schema"},
	"compiler":          {"agent/document", "compiler/assembly", "compiler/cfn", "schema"},
	"compiler/assembly": {"agent/document"},
	"compiler/diff":     {"compiler/assembly", "compiler/template"},
	"compiler/impact":   {"agent/document", "compiler/assembly", "compiler/diff", "compiler/template"},
	"compiler/graph":    {"compiler/assembly", "compiler/diff", "compiler/impact", "compiler/review"},
	"compiler/review":   {"compiler/assembly", "compiler/diff", "compiler/impact", "compiler/template"},
	// Only tests import assemblytest.
	"compiler/assembly/assemblytest": {"compiler/assembly"},
	"deploy": {"agent/document", "agent/lock", "agent/secrets", "compiler/assembly", "compiler/diff", "compiler/impact",
		"deploy"},
	// Not deploy itself: destroy and the commands that only read do without its engine.
	"deploy/*": {
		"agent/document", "agent/lock", "agent/secrets", "agent/sshkey", "compiler/assembly", "compiler/diff",
		"deploy/activity", "deploy/alarms", "deploy/cloud", "deploy/compared", "deploy/dnsrecords", "deploy/drift", "deploy/groups",
		"deploy/history", "deploy/launches", "deploy/live",
		"deploy/pagerduty", "deploy/release", "deploy/schedule", "deploy/staging", "deploy/temporary", "deploy/values",
	},
	// It reads a directory, and calls no AWS.
	"deploy/rights": {"agent/document", "compiler/assembly", "compiler/template", "deploy/live", "deploy/staging"},
	// The words for rules and statements are those of a comparison of artifacts.
	"deploy/drift": {
		"agent/document", "compiler/assembly", "compiler/impact", "compiler/template", "deploy/cloud", "deploy/dnsrecords",
		"deploy/groups", "deploy/live", "deploy/schedule", "deploy/temporary",
	},
	"schema": {
		"agent/calendar", "agent/document",
		"schema/content", "schema/language", "schema/manifest", "schema/policy", "schema/report", "schema/resolved", "schema/sections",
		"schema/units",
	},
	"schema/units":     {"agent/calendar", "agent/document", "schema/content", "schema/manifest", "schema/report", "schema/sections"},
	"schema/content":   {"agent/document", "schema/language", "schema/manifest", "schema/report", "schema/sections"},
	"schema/sections":  {"schema/manifest", "schema/report", "schema/resolved"},
	"schema/language":  {"schema/manifest", "schema/report"},
	"schema/project":   {"schema/language", "schema/manifest", "schema/report"},
	"schema/manifest":  {"schema/cuemodules", "schema/report"},
	"schema/policy":    {"schema/manifest", "schema/report", "schema/resolved"},
	"schema/resolved":  {"schema/manifest", "schema/report"},
	"agent":            {"agent"},
	"agent/*":          {"agent"},
	"schema/cuevendor": {"schema/cuemodules"},
	// Only tests import badtrees.
	"schema/internal/badtrees": {"schema/internal/badcases", "schema/manifest", "schema/report"},
	// A Compose file becomes a manifest, which schema reads as any other. Only the command imports it.
	"schema/compose": {"agent/calendar", "schema"},
	// No package may import internal/cloudtest: only tests do, and go list does not count their imports.
	"internal/cloudtest": {"deploy/release"},
	// JSON has escapes for characters that a reader cannot see.
	"internal/jsontext": {"internal/printable"},
	// Only tests import internal/cuecommand.
	"internal/cuecommand": {"internal/needs"},
}

// basics are small packages that every other package may import. They import no package but one another.
var basics = []string{"internal/hexdigest", "internal/jsontext", "internal/printable", "internal/stride"}

// A build has no network. Only the command that vendors modules may use the client of CUE's registries.
func TestImportsOfTheRegistry(t *testing.T) {
	for _, line := range goList(t, "-deps", "./schema", "./compiler/...") {
		if under(line[0], "cuelang.org/go/mod/modconfig", "cuelang.org/go/mod/modregistry", "schema/cuevendor") {
			t.Errorf("a build depends on %s", line[0])
		}
	}
}

func TestImportsPointOneWay(t *testing.T) {
	ours := goList(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	var names []string
	for _, line := range ours {
		names = append(names, line[0])
	}
	for _, line := range ours {
		pkg := line[0]
		may, own := allowed[pkg]
		if !own {
			may = allowed[path.Dir(pkg)+"/*"]
		}
		may = slices.Clone(may)
		if !slices.Contains(basics, pkg) {
			may = append(may, basics...)
		}
		for _, imported := range line[1:] {
			if slices.Contains(names, imported) && !under(imported, may...) {
				t.Errorf("%s imports %s", pkg, imported)
			}
		}
	}
}
