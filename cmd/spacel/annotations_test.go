package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

// annotated runs a command in a directory with manifests that have mistakes and hostile names.
func annotated(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), append([]string{"spacel"}, args...), strings.NewReader(""), &out, &out)
	return out.String(), code
}

func writeAnnotated(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"orbit.yaml":  "name: test\nregions: [us-east-1]\nall: {domain: example.com}\n",
		"app.yaml":    "name: web\nall:\n  hostnames: [www.example.org]\n  instance_mx: 3\n",
		"a,b:%c.yaml": "name: shop\nall: {instance_max: 0}\n",
		"good.yaml":   "name: web\nall: {services: {web: {image: \"nginx:1\", ports: {80: 80}}}}\n",
		"rights.yaml": "name: web\nall:\n  services: {web: {image: \"nginx:1\", ports: {80: 80}}}\n" +
			"  permissions:\n    - {actions: [\"iam:Pass*\"], resources: [\"*\"]}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GITHUB_WORKSPACE", filepath.Dir(filepath.Join(workingDirectory(), "x")))
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(t.TempDir(), "summary"))
}

// Violations of policies are annotations at the user's line, from vet and from build --check, in both forms.
func TestPolicyViolationsAreAnnotations(t *testing.T) {
	writeAnnotated(t)
	for name, text := range map[string]string{
		"rules/size.cue": "package policy\n\napp: instance_type: =~\"^[a-z]+[0-9]+g\" | error(\"must be\\nGraviton\")\n",
		"spacel.yaml":    "orbit: orbit.yaml\nmanifests: [rights.yaml]\npolicy: rules\n",
		"rights.yaml":    "name: web\nall:\n  instance_type: m5.large\n  services: {web: {image: \"nginx:1\", ports: {80: 80}}}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"vet"}, {"build"}, {"build", "--check"}} {
		out, code := annotated(t, append(args, "--output", "github")...)
		if want := "::error file=rights.yaml,line=3,col=3,"; code != exitNo || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d, no %q in\n%s", args, code, want, out)
		}
		for line := range strings.Lines(out) {
			if !strings.HasPrefix(line, "::") {
				t.Errorf("%v: not an annotation: %q", args, line)
			}
		}
		out, code = annotated(t, append(args, "--output", "sarif")...)
		report, err := sarif.FromString(out)
		if err != nil || code != exitNo || len(report.Runs) != 1 || len(report.Runs[0].Results) != 1 {
			t.Errorf("%v: exit code %d, %v in\n%s", args, code, err, out)
		}
	}
}

func TestAnnotationsForGitHub(t *testing.T) {
	writeAnnotated(t)
	out, code := annotated(t, "vet", "--orbit", "orbit.yaml", "app.yaml", "a,b:%c.yaml", "--output", "github")
	want := []string{
		"::error file=app.yaml,line=4,col=3,title=spacel manifest::all.instance_mx: unknown field; did you mean instance_max?\n",
		"file=a%2Cb%3A%25c.yaml,line=",
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	if code != exitNo {
		t.Errorf("exit code %d", code)
	}
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "::") {
			t.Errorf("not an annotation: %q", line)
		}
	}
	summary, err := os.ReadFile(os.Getenv("GITHUB_STEP_SUMMARY"))
	if err != nil || !strings.Contains(string(summary), "all.instance_mx: unknown field") {
		t.Errorf("%v, %s", err, summary)
	}
}

// Every form of SARIF is valid by the official schema, which the library carries.
func TestSARIFIsValid(t *testing.T) {
	writeAnnotated(t)
	if out, code := annotated(t, "build", "--orbit", "orbit.yaml", "good.yaml", "--out", "old", "--quiet"); code != 0 {
		t.Fatal(out)
	}
	if out, code := annotated(t, "build", "--orbit", "orbit.yaml", "rights.yaml", "--out", "new", "--quiet"); code != 0 {
		t.Fatal(out)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"mistakes": {[]string{"vet", "--orbit", "orbit.yaml", "app.yaml", "a,b:%c.yaml"}, exitNo, "all.instance_mx: unknown field"},
		"none":     {[]string{"vet", "--orbit", "orbit.yaml", "good.yaml"}, exitYes, `"results": []`},
		"build":    {[]string{"build", "--orbit", "orbit.yaml", "good.yaml", "--out", "third"}, exitYes, `"results": []`},
		"check": {[]string{"build", "--orbit", "orbit.yaml", "rights.yaml", "--out", "old", "--check"}, exitNo,
			"does not match the manifests"},
		"rights": {[]string{"diff", "old", "new"}, exitYes, "iam:Pass*"},
	} {
		out, code := annotated(t, append(c.args, "--output", "sarif")...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, %s", name, code, out)
		}
		report, err := sarif.FromString(out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := report.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if other := strings.Contains(out, "%SRCROOT%"); len(report.Runs) != 1 || strings.Contains(c.want, "unknown") && !other {
			t.Errorf("%s: %s", name, out)
		}
	}
	out, _ := annotated(t, "diff", "old", "new", "--output", "github")
	if !strings.Contains(out, "::warning file=rights.yaml,line=") || !strings.Contains(out, "title=spacel rights::") {
		t.Errorf("got\n%s", out)
	}
}
