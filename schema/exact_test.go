package schema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pebble/spacel/internal/cuecommand"
	"github.com/pebble/spacel/schema/internal/badcases"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// oldForms are manifests that the cue command refuses and spacel accepts: null is as good as absent, as in the 2016 tool's
// JSON. Words for booleans and numbers in quotes are in the definitions, so CUE accepts them.
var oldForms = []string{"null.cue", "null-in-a-region.cue", "null-removes.cue", "null-in-a-library"}

// Where the cue command gives data, spacel has the same data; and what it refuses, spacel refuses.
func TestManifestsMeanWhatCUESays(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the cue command for each manifest")
	}
	cuecommand.Path(t)
	verdicts := newVerdicts(t)
	archive, err := txtar.ParseFile("testdata/exact.txtar")
	if err != nil {
		t.Fatal(err)
	}
	same, refused := 0, 0
	for _, file := range archive.Files {
		name, inside, _ := strings.Cut(file.Name, "/")
		verdicts.write(t, file.Name, file.Data)
		if inside != "" && filepath.Base(inside) != "app.cue" {
			continue // part of a package, or of a module
		}
		argument := name
		if inside != "" {
			argument = "./" + filepath.Dir(file.Name)
		}
		t.Run(argument, func(t *testing.T) {
			if verdicts.agree(t, argument) {
				same++
			} else {
				refused++
			}
		})
	}
	for _, argument := range []string{"./several:several", "./several:other", "./several/prod:several", "."} {
		t.Run(argument, func(t *testing.T) { verdicts.agree(t, argument) })
	}
	if same < 25 || refused < 25 {
		t.Errorf("%d manifests have data, %d are refused: the corpus is small", same, refused)
	}
}

// The CUE manifests of the repository, too.
func TestOurManifestsMeanWhatCUESays(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the cue command for each manifest")
	}
	cuecommand.Path(t)
	verdicts := newVerdicts(t)
	golden, err := filepath.Glob("../testdata/*/*/*.cue")
	if err != nil || len(golden) < 10 {
		t.Fatalf("%d manifests, %v", len(golden), err)
	}
	for i, path := range golden {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i%4 != 0 && !strings.Contains(string(body), "import") {
			continue // plain data; a sample of it will do
		}
		name := strings.ReplaceAll(strings.TrimPrefix(path, "../testdata/"), "/", "-")
		verdicts.write(t, name, body)
		t.Run(name, func(t *testing.T) { verdicts.agree(t, name) })
	}
}

// verdicts compares the two programs on manifests in one CUE module.
type verdicts struct {
	dir     string
	checker *language.Checker
}

func newVerdicts(t *testing.T) *verdicts {
	checker, err := language.NewChecker(Definitions)
	if err != nil {
		t.Fatal(err)
	}
	v := &verdicts{t.TempDir(), checker}
	v.write(t, "cue.mod/module.cue", []byte("module: \"example.com/infra@v0\"\nlanguage: version: \"v0.17.0\"\n"))
	names, err := filepath.Glob("*.cue")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v.write(t, "cue.mod/pkg/"+manifest.ImportPath+"/"+name, body)
	}
	return v
}

func (v *verdicts) write(t *testing.T, name string, body []byte) {
	t.Helper()
	path := filepath.Join(v.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// agree compares the verdicts on one manifest, and reports whether the cue command gives data.
func (v *verdicts) agree(t *testing.T, argument string) bool {
	stdout, stderr, failed := cuecommand.Run(t, v.dir, nil, "export", argument)
	t.Chdir(v.dir)
	r := &report.Report{}
	kind := language.App
	if badcases.IsOrbit(argument) {
		kind = language.Orbit
	}
	reader := manifest.Reader{Definitions: Definitions, Definition: string(kind)}
	reader.Accepts = func(t *manifest.Tree) bool { return v.checker.Accepts(t, kind) }
	tree, err := reader.Read(strings.TrimPrefix(argument, "./"), r)
	if err != nil {
		r.Errorf(report.Pos{File: argument}, "%v", err)
	}
	if failed == nil {
		var want any
		decoder := json.NewDecoder(strings.NewReader(stdout))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		var got any
		if tree != nil {
			got = tree.Data()
		}
		if r.Failed(false) || !reflect.DeepEqual(got, want) {
			t.Errorf("cue has the data\n%s\nspacel has %v, %v", stdout, got, r.Problems())
		}
		return true
	}
	if tree != nil {
		if err := v.checker.Check(tree, kind, r, nil); err != nil {
			t.Fatal(err)
		}
		r.Add(tree.Refused...)
	}
	old := false
	for _, form := range oldForms {
		old = old || strings.Contains(argument, form)
	}
	if r.Failed(false) == old {
		t.Errorf("spacel says %v; an old form: %t; cue refuses it:\n%s", r.Problems(), old, stderr)
	}
	for _, p := range r.Problems() {
		inUsersWords(t, p.Message)
	}
	return false
}

// inUsersWords holds that a message has no words of CUE's own messages.
func inUsersWords(t *testing.T, message string) {
	t.Helper()
	for _, word := range []string{
		"out of bound", "alias", "invalid interpolation", "must be one value", "conflicting values", "disjunction", "incomplete",
		"not allowed", "non-concrete", "mismatched types", "structural cycle", "…", "%!",
	} {
		if strings.Contains(message, word) {
			t.Errorf("%q is a word of CUE: %s", word, message)
		}
	}
}
