package schema

import (
	"os"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

// The orbit's own file among the apps, as a shell's *.yaml gives it, is named once. The apps are checked all the same.
func TestOrbitAmongApps(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"orbit.yaml": "name: test\nregions: [us-east-1]\nall: {nat: enabled}\n", "web.yaml": "name: web\nall: {instance_mim: 2}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var r report.Report
	if _, err := Load(t.Context(), Inputs{Orbit: "./orbit.yaml", Apps: []string{"orbit.yaml", "web.yaml"}}, &r); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, p := range r.Problems() {
		got += p.String() + "\n"
	}
	const want = `orbit.yaml: this is the orbit's manifest, given with --orbit already: leave it out of the apps
web.yaml:2:7: all.instance_mim: unknown field; did you mean instance_min?
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
