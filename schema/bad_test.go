package schema

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Every file of testdata/bad is a case: manifests with mistakes, and in want/report.txt what is said of them, which is
// rewritten when SPACEL_UPDATE is set. orbit.* is the orbit; without it the case is in one of two regions that has a domain.
// What else stands at the top is an app, or a directory of one.
func TestBadManifests(t *testing.T) {
	cases, err := filepath.Glob("../testdata/bad/*.txtar")
	if err != nil || len(cases) < 70 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	l, err := compileLanguage()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range cases {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { badCase(t, l, path) })
	}
}

const plainOrbit = "name: test\nregions: [us-east-1, us-west-2]\nall: {domain: example.com}\n"

func badCase(t *testing.T, l *language, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in, want := unpack(t, archive)
	var report Report
	model, err := Load(context.Background(), in, &report)
	if err != nil {
		t.Fatal(err)
	}
	if model != nil && report.Failed(false) {
		t.Error("a model in spite of mistakes")
	}
	var got strings.Builder
	for _, p := range report.Problems() {
		got.WriteString(p.String() + "\n")
	}
	if os.Getenv("SPACEL_UPDATE") != "" {
		update(t, path, archive, got.String())
	} else if got.String() != want {
		t.Errorf("the report is\n%s\nbut %s wants\n%s", got.String(), filepath.Base(path), want)
	}
	explained(t, l, append(in.Apps, in.Orbit))
	plainWords(t, got.String())
}

// unpack writes a case's files into a directory, which becomes the current one.
func unpack(t *testing.T, archive *txtar.Archive) (in Inputs, want string) {
	t.Chdir(t.TempDir())
	for _, f := range archive.Files {
		if f.Name == "want/report.txt" {
			want = string(f.Data)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		top, _, _ := strings.Cut(f.Name, "/")
		if strings.HasPrefix(top, "orbit.") {
			in.Orbit = top
		} else if !slices.Contains(in.Apps, top) {
			in.Apps = append(in.Apps, top)
		}
	}
	if in.Orbit == "" {
		in.Orbit = "orbit.yaml"
		if err := os.WriteFile(in.Orbit, []byte(plainOrbit), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return in, want
}

func update(t *testing.T, path string, archive *txtar.Archive, got string) {
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want/report.txt" })
	archive.Files = append(archive.Files, txtar.File{Name: "want/report.txt", Data: []byte(got)})
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// explained holds that whatever CUE refuses in a manifest, the walk explains: CUE's own words never reach a user.
func explained(t *testing.T, l *language, paths []string) {
	t.Helper()
	for _, path := range paths {
		var report Report
		tree, err := readManifest(path, nil, &report)
		if err != nil {
			t.Fatal(err)
		}
		if tree == nil {
			continue
		}
		s := l.app
		if strings.HasPrefix(path, "orbit.") {
			s = l.orbit
		}
		normalise(tree, s)
		if !l.check(tree, s, &report, nil) {
			t.Errorf("%s: CUE refuses what the walk finds no mistake in: %v", path, report.Problems())
		}
	}
}

// plainWords holds that a report speaks the user's language, of the user's files.
func plainWords(t *testing.T, report string) {
	t.Helper()
	for line := range strings.Lines(report) {
		for _, inner := range []string{"disjunction", "#", "_|_", "incomplete", "conflicting values", "schema.", "%!", "not allowed"} {
			if strings.Contains(line, inner) {
				t.Errorf("%q is of CUE's insides: %s", inner, line)
			}
		}
		if strings.Contains(line, "hunter2") {
			t.Errorf("shows a secret: %s", line)
		}
	}
}

// A manifest with many mistakes has the same report in every format, but for the places.
func TestFormatsHaveTheSameMistakes(t *testing.T) {
	var reports []string
	for _, format := range []string{"yaml", "json", "cue"} {
		archive, err := txtar.ParseFile("../testdata/bad/many-mistakes-" + format + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		var report strings.Builder
		for line := range strings.Lines(string(archive.Files[1].Data)) {
			_, what, _ := strings.Cut(line, ": ")
			report.WriteString(what)
		}
		reports = append(reports, report.String())
	}
	if strings.Count(reports[0], "\n") < 10 || len(slices.Compact(reports)) != 1 {
		t.Error(strings.Join(reports, "\n"))
	}
}
