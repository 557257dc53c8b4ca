package edit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// payload has the shape of an encrypted value.
type payload struct {
	Version int               `json:"version"`
	IV      string            `json:"iv"`
	Keys    map[string]string `json:"keys,omitempty"`
}

var sealed = payload{Version: 1, IV: "aXY+/w==", Keys: map[string]string{"eu-west-1": "a2V5"}}

// Each file of testdata holds a manifest, and the same after an edit. Its comment is the path.
func TestSet(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before := archive.Files[0]
			got, err := Set(before.Name, before.Data, strings.Fields(string(archive.Comment)), sealed)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("SPACEL_UPDATE") != "" {
				archive.Files = []txtar.File{before, {Name: "want", Data: got}}
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An edit twice is the edit once.
func TestSetAgain(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		after := archive.Files[1].Data
		got, err := Set(archive.Files[0].Name, after, strings.Fields(string(archive.Comment)), sealed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(string(after), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for name, test := range map[string]struct{ file, body, want string }{
		"a scalar in the way":        {"a.yaml", "all: {services: 3}\n", "no object"},
		"a scalar in the way, JSON":  {"a.json", `{"all": {"services": 3}}`, "no object"},
		"an alias":                   {"a.yaml", "x: &s {a: 1}\nall:\n  services: *s\n", "is an alias of &s"},
		"an anchor that is replaced": {"a.yaml", "all: {services: {web: {environment: {KEY: &k 1}}}}\nx: *k\n", "by hand"},
		"broken JSON":                {"a.json", `{"all": `, "spacel vet"},
		"broken YAML":                {"a.yaml", "a: [", "spacel vet"},
		"another form":               {"a.toml", "", ".toml"},
	} {
		got, err := Set(test.file, []byte(test.body), []string{"all", "services", "web", "environment", "KEY"}, sealed)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q\n%s", name, err, test.want, got)
		}
	}
}

// Whatever the text is, an edit says what it said before, or is refused.
func FuzzSet(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Name, archive.Files[0].Data, strings.TrimSpace(string(archive.Comment)))
	}
	f.Fuzz(func(t *testing.T, name string, body []byte, path string) {
		if words := strings.Fields(path); len(words) > 0 {
			_, _ = Set(name, body, words, sealed) // must not panic
		}
	})
}
