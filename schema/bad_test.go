package schema

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/report"
)

// Every file of testdata/bad is a case: manifests with mistakes, and in want/report.txt what is said of them, which is
// rewritten when SPACEL_UPDATE is set. orbit.* is the orbit; without it the case is in one of two regions that has a domain.
// What else stands at the top is an app, or a directory of one.
func TestBadManifests(t *testing.T) {
	cases, err := filepath.Glob("../testdata/bad/*.txtar")
	if err != nil || len(cases) < 70 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { badCase(t, path) })
	}
}

func badCase(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := badcases.Unpack(t, archive)
	var r report.Report
	model, err := Load(context.Background(), Inputs{Orbit: bad.Orbit, Apps: bad.Apps}, &r)
	if err != nil {
		t.Fatal(err)
	}
	if model != nil && r.Failed(false) {
		t.Error("a model in spite of mistakes")
	}
	var got strings.Builder
	for _, p := range r.Problems() {
		got.WriteString(p.String() + "\n")
	}
	if os.Getenv("SPACEL_UPDATE") != "" {
		update(t, path, archive, got.String())
	} else if got.String() != bad.Report {
		t.Errorf("the report is\n%s\nbut %s wants\n%s", got.String(), filepath.Base(path), bad.Report)
	}
	plainWords(t, got.String())
}

func update(t *testing.T, path string, archive *txtar.Archive, got string) {
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want/report.txt" })
	archive.Files = append(archive.Files, txtar.File{Name: "want/report.txt", Data: []byte(got)})
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cueDefinition matches a definition such as #App. The # in secret:NAME#KEY follows a name.
var cueDefinition = regexp.MustCompile(`(^|[^A-Za-z0-9])#`)

// plainWords holds that a report speaks the user's language, of the user's files.
func plainWords(t *testing.T, report string) {
	t.Helper()
	for line := range strings.Lines(report) {
		for _, inner := range []string{"disjunction", "_|_", "incomplete", "conflicting values", "schema.", "%!", "not allowed"} {
			if strings.Contains(line, inner) {
				t.Errorf("%q is of CUE's insides: %s", inner, line)
			}
		}
		if cueDefinition.MatchString(line) {
			t.Errorf("a definition is of CUE's insides: %s", line)
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
