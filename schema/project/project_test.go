package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// in makes a directory with the files of an archive the working directory.
func in(t *testing.T, archive string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		files string
		want  *Project
	}{
		"nothing":       {"-- app.yaml --\n", nil},
		"an orbit":      {"-- orbit.json --\n", &Project{Orbit: "orbit.json", Out: "build"}},
		"orbit and app": {"-- orbit.cue --\n-- app.yml --\n", &Project{Orbit: "orbit.cue", Manifests: []string{"app.yml"}, Out: "build"}},
		"a directory":   {"-- orbit.yaml/x --\n", nil},
		"a file": {"-- spacel.yaml --\norbit: prod.yaml\nmanifests: [a.yaml, b]\nout: dist\npolicy: rules\n" +
			"-- prod.yaml --\n-- a.yaml --\n-- b/.space/app.yaml --\n-- rules/x.cue --\n-- orbit.yaml --\n-- orbit.cue --\n",
			&Project{File: "spacel.yaml", Orbit: "prod.yaml", Manifests: []string{"a.yaml", "b"}, Out: "dist", Policy: "rules"}},
		"in CUE": {"-- spacel.cue --\nlet apps = [\"web\"]\norbit: \"cue:prod\"\nmanifests: [for a in apps {\"\\(a).cue#app\"}]\n" +
			"-- cue/o.cue --\n-- web.cue --\n",
			&Project{File: "spacel.cue", Orbit: "cue:prod", Manifests: []string{"web.cue#app"}, Out: "build"}},
		"in JSON": {"-- spacel.json --\n{\"orbit\": \"o.yaml\"}\n-- o.yaml --\n",
			&Project{File: "spacel.json", Orbit: "o.yaml", Out: "build"}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, c.files)
			var r report.Report
			got, err := Find(schema.Definitions, &r)
			if err != nil || len(r.Problems()) > 0 {
				t.Fatal(err, r.Problems())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for files, want := range map[string]string{
		"-- spacel.yaml --\norbt: orbit.yaml\nmanifests: app.yaml\n": "spacel.yaml:1:1: orbit: is missing: it must be a path, " +
			"relative to this file\nspacel.yaml:1:1: orbt: unknown field; did you mean orbit?\n" +
			"spacel.yaml:2:1: manifests: must be a list of strings, got \"app.yaml\"; write [\"app.yaml\"]\n",
		"-- spacel.json --\n{\"orbit\": \"o.yaml\",\n \"manifests\": [\"web.yaml\", \"-\", 3], \"out\": \"\", \"apps\": []}\n-- " +
			"web.yaml --\n": "" +
			"spacel.json:1:11: orbit: o.yaml: there is no such file\n" +
			"spacel.json:2:28: manifests[1]: must be a path, relative to this file, got \"-\"\n" +
			"spacel.json:2:33: manifests[2]: must be a path, relative to this file, got 3\n" +
			"spacel.json:2:37: out: must be a path, relative to this file, got \"\"\n" +
			"spacel.json:2:48: apps: unknown field; known fields: manifests, orbit, out, policy\n",
		"-- spacel.cue --\norbit: \"o.yaml\"\nout: 3\npolicy: \"no:p\"\n-- o.yaml --\n": "spacel.cue:2:1: out: must be a path, " +
			"relative to this file, got 3\nspacel.cue:3:9: policy: no: there is no such file\n",
		"-- spacel.yaml --\n\torbit: x\n": "spacel.yaml: invalid YAML: found character that cannot start any token\n",
	} {
		in(t, files)
		var r report.Report
		p, err := Find(schema.Definitions, &r)
		if err != nil || p != nil {
			t.Error(p, err)
		}
		got := ""
		for _, problem := range r.Problems() {
			got += problem.String() + "\n"
		}
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestAmbiguous(t *testing.T) {
	for files, want := range map[string]string{
		"-- orbit.yaml --\n-- orbit.cue --\n":                  "orbit.yaml and orbit.cue: only one can be the orbit's manifest: ",
		"-- orbit.yaml --\n-- app.cue --\n-- app.json --\n":    "app.json and app.cue: only one can be the app's manifest: ",
		"-- spacel.yml --\n-- spacel.cue --\n-- app.json --\n": "spacel.yml and spacel.cue: only one can be the project file: ",
	} {
		in(t, files)
		_, err := Find(schema.Definitions, &report.Report{})
		if _, ok := errors.AsType[*AmbiguousError](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Error(err)
		}
	}
}

func TestAbove(t *testing.T) {
	in(t, "-- spacel.yaml --\n-- a/b/x --\n-- production.cue --\n")
	if got := Named("production"); got != "production.cue" {
		t.Error(got)
	}
	t.Chdir("a/b")
	if got := Above(); got != "../.." {
		t.Error(got)
	}
}
