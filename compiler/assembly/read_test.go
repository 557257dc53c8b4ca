package assembly

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/internal/hexdigest"
	"github.com/pebble/spacel/internal/jsontext"
)

// sound writes a directory with two stacks and an asset, and gives the asset's path in it.
func sound(t testing.TB) (dir, asset string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "build")
	w := newWriter(t, dir)
	add(t, w, "us-east-1", "test-web", "AWS::SNS::Topic")
	add(t, w, "us-east-1", "test-api", "AWS::SQS::Queue")
	written, err := w.Asset([]byte("a long document"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, written.Path
}

func TestReadGivesWhatWasWritten(t *testing.T) {
	dir, path := sound(t)
	a, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	entry, body := stack("us-east-1", "test-api", "AWS::SQS::Queue")
	got, ok := a.Stack(entry.Ref())
	if diff := cmp.Diff(entry, got); diff != "" || !ok {
		t.Errorf("found %v: %s", ok, diff)
	}
	if got, err := a.Template(entry.Ref()); err != nil || string(got) != string(body) {
		t.Errorf("template %q, %v", got, err)
	}
	if got, err := a.Asset(filepath.Base(path)); err != nil || string(got) != "a long document" {
		t.Errorf("asset %q, %v", got, err)
	}
	places, err := a.SourceMap()
	want := SourceMap{"us-east-1/test-api": {"A": "test-api.json:3:5"}, "us-east-1/test-web": {"A": "test-web.json:3:5"}}
	if diff := cmp.Diff(want, places); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	if _, err := a.Template(StackRef{"us-east-1", "other"}); err == nil {
		t.Error("a stack that is not there has a template")
	}
	if _, err := a.Asset("../manifest.json"); err == nil {
		t.Error("a path that is no digest has an asset")
	}
}

// Every kind of tampering is found, and the message names the file.
func TestReadFindsTampering(t *testing.T) {
	const api = "us-east-1/test-api.template.json"
	cases := map[string]struct {
		tamper func(t *testing.T, dir, asset string)
		want   []string
	}{
		"changed template": {func(t *testing.T, dir, _ string) { edit(t, dir+"/"+api, "SQS", "SNS") },
			[]string{api + ": is not what was built"}},
		"changed asset": {func(t *testing.T, dir, asset string) { write(t, dir+"/"+asset, "A long document") },
			[]string{"assets/", ": is not what was built"}},
		"line ends": {func(t *testing.T, dir, _ string) { edit(t, dir+"/"+api, "\n", "\r\n") },
			[]string{api + ": its line endings became CRLF"}},
		"missing template": {func(t *testing.T, dir, _ string) { remove(t, dir+"/"+api) }, []string{api + ": is missing"}},
		"missing asset":    {func(t *testing.T, dir, asset string) { remove(t, dir+"/"+asset) }, []string{"assets/", ": is missing"}},
		"stray template": {func(t *testing.T, dir, _ string) { write(t, dir+"/us-east-1/test-x.template.json", "{}") },
			[]string{"us-east-1/test-x.template.json: manifest.json does not list it"}},
		"stray file": {func(t *testing.T, dir, _ string) { write(t, dir+"/.DS_Store", "") },
			[]string{".DS_Store: manifest.json does not list it"}},
		"stray link": {func(t *testing.T, dir, _ string) { link(t, "manifest.json", dir+"/also.json") },
			[]string{"also.json: manifest.json does not list it"}},
		"link out": {func(t *testing.T, dir, _ string) {
			replaceByLink(t, dir+"/"+api, filepath.Join(t.TempDir(), "elsewhere"))
		}, []string{api + ": is not a plain file"}},
		"link inside": {func(t *testing.T, dir, _ string) { replaceByLink(t, dir+"/"+api, dir+"/"+assetsDir+"/x") },
			[]string{api + ": is not a plain file"}},
		"linked region": {func(t *testing.T, dir, _ string) {
			replaceByLink(t, dir+"/us-east-1", filepath.Join(t.TempDir(), "elsewhere"))
		}, []string{api + ": is missing", "us-east-1: manifest.json does not list it"}},
		"pipe": {func(t *testing.T, dir, _ string) {
			remove(t, dir+"/"+api)
			if err := syscall.Mkfifo(dir+"/"+api, 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{api + ": is not a plain file"}},
		"no manifest": {func(t *testing.T, dir, _ string) { remove(t, dir+"/manifest.json") }, []string{"manifest.json: is missing"}},
		"linked manifest": {func(t *testing.T, dir, _ string) { replaceByLink(t, dir+"/manifest.json", dir+"/m") },
			[]string{"manifest.json: is not a plain file"}},
		"not JSON": {func(t *testing.T, dir, _ string) { write(t, dir+"/manifest.json", "{") },
			[]string{"manifest.json: unexpected end"}},
		"later format":  {editManifest(`"format": 1`, `"format": 2`), []string{"manifest.json: its format is 2, this spacel reads 1"}},
		"no format":     {editManifest(`"format": 1,`, ``), []string{"manifest.json: its format is 0"}},
		"unknown field": {editManifest(`"orbit"`, `"color": "red", "orbit"`), []string{`manifest.json: json: unknown field "color"`}},
		"doubled field": {editManifest(`"orbit": "test"`, `"orbit": "other", "orbit": "test"`), []string{"manifest.json: was edited"}},
		"letter case":   {editManifest(`"orbit"`, `"Orbit"`), []string{"manifest.json: was edited"}},
		"laid out anew": {editManifest("\n", "\n\n"), []string{"manifest.json: was edited"}},
		"trailing data": {func(t *testing.T, dir, _ string) { appendTo(t, dir+"/manifest.json", "{}") }, []string{"manifest.json: "}},
		"no orbit":      {editManifest(`"orbit": "test"`, `"orbit": ""`), []string{"manifest.json: orbit: is missing"}},
		"path out": {editManifest(`"us-east-1/test-api.template.json"`, `"../test-api.template.json"`),
			[]string{`stack "us-east-1/test-api": template: must be`}},
		"absolute path":  {editManifest(`"us-east-1/test-api.template.json"`, `"/etc/passwd"`), []string{`template: must be`}},
		"region out":     {editManifest(`"region": "us-east-1"`, `"region": "../.."`), []string{"region: must be"}},
		"asset path out": {editManifest(`"assets/`, `"../assets/`), []string{`path: must be "assets/`}},
		"asset size":     {editManifest(`"size": 15`, `"size": 14`), []string{"is 15 bytes, manifest.json says 14"}},
		"other name":     {editManifest(`"name": "test-api"`, `"name": "test-web"`), []string{`template: must be`}},
		"names differ in case": {remade(func(m *Manifest) {
			m.Stacks[0].Name, m.Stacks[0].Template = "test-WEB", "us-east-1/test-WEB.template.json"
		}), []string{`another stack has the path`}},
		"unsorted": {remade(func(m *Manifest) { slices.Reverse(m.Stacks) }), []string{`stacks: are not sorted`}},
		"absent asset": {remade(func(m *Manifest) {
			m.Stacks[0].Parameters["A"] = ValueFrom{Asset: &AssetPart{hexdigest.SHA256(nil), "key"}}
		}), []string{"parameters.A: asset e3b0c4"}},
		"depends on itself": {remade(func(m *Manifest) { m.Stacks[0].DependsOn = []StackRef{m.Stacks[0].Ref()} }),
			[]string{"dependsOn: names the stack itself"}},
		"digest": {editManifest(`"digest": "`, `"digest": "x`), []string{"digest: must be 64 hexadecimal digits"}},
		"wrong type": {editManifest(`"terminationProtection": true`, `"terminationProtection": "yes"`),
			[]string{"manifest.json: json: cannot unmarshal string"}},
		"two sources": {remade(func(m *Manifest) { m.Stacks[0].Parameters["A"] = ValueFrom{Token: &Token{}, Version: &Version{}} }),
			[]string{"parameters.A: must have exactly one source, got 2"}},
		"output half": {remade(func(m *Manifest) {
			m.Stacks[0].Parameters["A"] = ValueFrom{Output: &Output{Region: "us-east-1", Output: "x"}}
		}), []string{"output: must have region, stack and output"}},
		"unknown source": {editManifest(`"literal": "x"`, `"vault": "x"`), []string{`unknown field "vault"`}},
		"sourcemap a folder": {func(t *testing.T, dir, _ string) {
			remove(t, dir+"/sourcemap.json")
			write(t, dir+"/sourcemap.json/x", "")
		}, []string{"sourcemap.json/x: manifest.json does not list it"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir, asset := sound(t)
			c.tamper(t, dir, asset)
			_, err := Read(dir)
			var invalid *InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %q", err, want)
				}
			}
		})
	}
}

// All that is wrong is told at once.
func TestReadTellsEverything(t *testing.T) {
	dir, asset := sound(t)
	remove(t, dir+"/us-east-1/test-api.template.json")
	edit(t, dir+"/us-east-1/test-web.template.json", "SNS", "SQS")
	write(t, dir+"/"+asset, "")
	write(t, dir+"/x", "")
	_, err := Read(dir)
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 4 || !slices.IsSorted(invalid.Problems) {
		t.Errorf("got %v", err)
	}
}

// What changes after Read is found when it is asked for.
func TestChangedAfterRead(t *testing.T) {
	dir, asset := sound(t)
	a, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	edit(t, dir+"/us-east-1/test-api.template.json", "SQS", "SNS")
	write(t, dir+"/"+asset, "")
	write(t, dir+"/sourcemap.json", `{"us-east-1/test-api": 3}`)
	var invalid *InvalidError
	if _, err := a.Template(StackRef{"us-east-1", "test-api"}); !errors.As(err, &invalid) {
		t.Errorf("template: %v", err)
	}
	if _, err := a.Asset(filepath.Base(asset)); !errors.As(err, &invalid) {
		t.Errorf("asset: %v", err)
	}
	if _, err := a.SourceMap(); !errors.As(err, &invalid) {
		t.Errorf("source map: %v", err)
	}
}

// The source map may be left out of a repository: no digest covers it.
func TestWithoutSourceMap(t *testing.T) {
	dir, _ := sound(t)
	remove(t, dir+"/sourcemap.json")
	a, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if places, err := a.SourceMap(); err != nil || len(places) != 0 {
		t.Errorf("got %v, %v", places, err)
	}
}

func TestReadOfNoDirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir + "/none"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "spacel build") {
		t.Errorf("got %v", err)
	}
	write(t, dir+"/file", "")
	var invalid *InvalidError
	if _, err := Read(dir + "/file"); err == nil || errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}

// A build in memory is the same build, and keeps only what its base does not have.
func TestInMemory(t *testing.T) {
	dir, asset := sound(t)
	base, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	m := NewInMemory(base, "test")
	add(t, m, "us-east-1", "test-web", "AWS::SNS::Topic")
	add(t, m, "us-east-1", "test-api", "AWS::SNS::Topic")
	m.Asset([]byte("a long document"))
	m.Asset([]byte("another"))
	a, err := m.Assembly()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.bodies) != 3 { // the api's template, the other asset, the source map
		t.Errorf("kept %d files", len(m.bodies))
	}
	for _, entry := range a.Manifest.Stacks {
		if body, err := a.Template(entry.Ref()); err != nil || !strings.Contains(string(body), "SNS") {
			t.Errorf("%s: %q, %v", entry.Name, body, err)
		}
	}
	if body, err := a.Asset(filepath.Base(asset)); err != nil || string(body) != "a long document" {
		t.Errorf("%q, %v", body, err)
	}
	if places, err := a.SourceMap(); err != nil || places["us-east-1/test-api"]["A"] != "test-api.json:3:5" {
		t.Errorf("%v, %v", places, err)
	}

	written := newWriter(t, dir)
	add(t, written, "us-east-1", "test-web", "AWS::SNS::Topic")
	add(t, written, "us-east-1", "test-api", "AWS::SNS::Topic")
	written.Asset([]byte("a long document"))
	written.Asset([]byte("another"))
	if err := written.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if diff := cmp.Diff(read.Manifest, a.Manifest); diff != "" {
		t.Error(diff)
	}
}

func TestInMemoryWithoutBase(t *testing.T) {
	m := NewInMemory(nil, "test")
	add(t, m, "us-east-1", "test-web", "AWS::SNS::Topic")
	a, err := m.Assembly()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Template(StackRef{"us-east-1", "test-web"}); err != nil {
		t.Error(err)
	}
}

func edit(t testing.TB, path, old, now string) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(body), old, now)
	if changed == string(body) {
		t.Fatalf("%s has no %q", path, old)
	}
	write(t, path, changed)
}

func editManifest(old, now string) func(*testing.T, string, string) {
	return func(t *testing.T, dir, _ string) { edit(t, dir+"/manifest.json", old, now) }
}

// remade is a manifest of the right form with another content.
func remade(change func(*Manifest)) func(*testing.T, string, string) {
	return func(t *testing.T, dir, _ string) {
		a, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		change(&a.Manifest)
		body, err := jsontext.Indent(a.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir+"/manifest.json", string(body))
	}
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(body)+text)
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// replaceByLink moves a file or folder and puts a link to it in its place.
func replaceByLink(t testing.TB, path, to string) {
	t.Helper()
	if err := os.Rename(path, to); err != nil {
		t.Fatal(err)
	}
	link(t, to, path)
}
