package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema/report"
)

// dump writes a tree one value per line: place, path, value.
func dump(t *Tree) string {
	var out strings.Builder
	dumpAt(&out, t, "")
	return out.String()
}

func dumpAt(out *strings.Builder, t *Tree, path string) {
	switch t.Kind {
	case Object:
		if len(t.Fields) == 0 {
			fmt.Fprintf(out, "%s %s {}\n", t.At.Pos(""), path)
		}
		for _, f := range t.Fields {
			dumpAt(out, f.Value, report.Member(path, f.Key))
		}
	case List:
		if len(t.Items) == 0 {
			fmt.Fprintf(out, "%s %s []\n", t.At.Pos(""), path)
		}
		for i, item := range t.Items {
			dumpAt(out, item, report.Index(path, i))
		}
	case Text:
		fmt.Fprintf(out, "%s %s %q\n", t.At.Pos(""), path, t.Text)
	case Null:
		fmt.Fprintf(out, "%s %s null\n", t.At.Pos(""), path)
	default:
		fmt.Fprintf(out, "%s %s %s\n", t.At.Pos(""), path, t.Text)
	}
}

// read reads content as a file of that name, and gives the tree as dump does, then the report.
func read(t *testing.T, name, content string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return readAt(t, name)
}

func readAt(t *testing.T, path string) string {
	t.Helper()
	var r report.Report
	got, err := readManifest(path, nil, &r)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if got != nil {
		out.WriteString(dump(got))
	}
	for _, p := range r.Problems() {
		fmt.Fprintln(&out, p)
	}
	if got == nil && !r.Failed(false) {
		t.Errorf("%s: no tree, and no reason why", path)
	}
	return out.String()
}

// same compares line by line, so that a difference is easy to see.
func same(t *testing.T, got, want string) {
	t.Helper()
	got, want = strings.TrimSpace(got), strings.TrimSpace(want)
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestJSONPlaces(t *testing.T) {
	same(t, read(t, "a.json", "\ufeff{\"name\": \"é\", \"n\": [1, -2.50e1, true , null],\r\n"+
		"\t\"us-east-1\": {\"ö\": \"\\u00fc\\n\", \"x\":{}},\n  \"big\" : 12345678901234567890}\n"), `
a.json:1:10 name "é"
a.json:1:22 n[0] 1
a.json:1:25 n[1] -2.50e1
a.json:1:34 n[2] true
a.json:1:41 n[3] null
a.json:2:22 us-east-1.ö "ü\n"
a.json:2:38 us-east-1.x {}
a.json:3:11 big 12345678901234567890`)
}

func TestYAMLPlaces(t *testing.T) {
	same(t, read(t, "a.yaml", `%YAML 1.2
---
name: "é"   # a comment
é: {ü: [1, yes, No], z: ~}
all: &all
  when: 2016-01-02
  version: 9.10
  text: |
    one
    two
  empty:
us-east-1:
  text: mine
  <<: *all
more: *all
8080: .5
`), `
a.yaml:3:7 name "é"
a.yaml:4:11 é.ü[0] 1
a.yaml:4:14 é.ü[1] "yes"
a.yaml:4:19 é.ü[2] "No"
a.yaml:4:27 é.z null
a.yaml:6:9 all.when "2016-01-02"
a.yaml:7:12 all.version 9.10
a.yaml:8:9 all.text "one\ntwo\n"
a.yaml:11:9 all.empty null
a.yaml:13:9 us-east-1.text "mine"
a.yaml:6:9 us-east-1.when "2016-01-02"
a.yaml:7:12 us-east-1.version 9.10
a.yaml:11:9 us-east-1.empty null
a.yaml:6:9 more.when "2016-01-02"
a.yaml:7:12 more.version 9.10
a.yaml:8:9 more.text "one\ntwo\n"
a.yaml:11:9 more.empty null
a.yaml:16:7 8080 0.5`)
}

func TestSamples(t *testing.T) {
	files, err := filepath.Glob("../../testdata/samples/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var r report.Report
		if got, err := readManifest(file, nil, &r); got == nil || err != nil || len(r.Problems()) > 0 {
			t.Errorf("%s: %v %v", file, err, r.Problems())
		}
	}
}
