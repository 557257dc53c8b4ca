package schema

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad loads anything as a manifest, in each format, as an orbit and as an app. It must give a model or say why not,
// twice the same, and soon. Run it with -fuzzminimizetime 1x, or most of the time goes into making inputs shorter.
func FuzzLoad(f *testing.F) {
	seed(f)
	load := loading(f)
	dir := f.TempDir()
	plain := filepath.Join(dir, "plain.yaml")
	if err := os.WriteFile(plain, []byte(plainOrbit), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, format uint8, orbit bool, content []byte) {
		path := filepath.Join(dir, "manifest"+formats[int(format)%len(formats)])
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		in := Inputs{Orbit: plain, Apps: []string{path}}
		if orbit {
			in = Inputs{Orbit: path}
		}
		start := time.Now()
		first, second := outcome(t, in, load), outcome(t, in, load)
		if first != second {
			t.Errorf("once\n%s\nthen\n%s", first, second)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

var formats = []string{".json", ".yaml", ".cue", ""}

// seed adds the samples, and the manifests of the good and bad cases.
func seed(f *testing.F) {
	add := func(name string, content []byte) {
		for i, format := range formats {
			if filepath.Ext(name) == format && format != "" {
				f.Add(uint8(i), kindOf(name) == "orbit", content)
			}
		}
	}
	for _, pattern := range []string{"../testdata/samples/*/*", "../testdata/golden/*/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			if content, err := os.ReadFile(path); err == nil {
				add(path, content)
			}
		}
	}
	bad, err := filepath.Glob("../testdata/bad/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range bad {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			add(file.Name, file.Data)
		}
	}
	for _, c := range hostile {
		if content := c.content(); len(content) < 10_000 {
			add(c.name, []byte(content))
		}
	}
}

// loading is Load with the definitions compiled once: that takes many times as long as a small manifest.
func loading(f *testing.F) func(Inputs, *Report) (*Model, error) {
	c, err := newChecker()
	if err != nil {
		f.Fatal(err)
	}
	facts, err := c.lean.facts()
	if err != nil {
		f.Fatal(err)
	}
	return func(in Inputs, r *Report) (*Model, error) { return in.load(context.Background(), r, c, facts) }
}

// outcome is what loading gives, in words.
func outcome(t *testing.T, in Inputs, load func(Inputs, *Report) (*Model, error)) string {
	t.Helper()
	var report Report
	model, err := load(in, &report)
	if err != nil {
		if strings.Contains(err.Error(), "evaluating it takes more than") {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	if (model == nil) != report.Failed(false) {
		t.Errorf("model %v in spite of %v", model, report.Problems())
	}
	var words strings.Builder
	for _, p := range report.Problems() {
		if p.Pos.File == "" || p.Message == "" || strings.Contains(p.String(), "\n") {
			t.Errorf("no line for a user: %q", p)
		}
		words.WriteString(p.String() + "\n")
	}
	return words.String()
}

// FuzzJSONSchema holds that the JSON Schema refuses no manifest that the definitions accept.
func FuzzJSONSchema(f *testing.F) {
	seed(f)
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, format uint8, orbit bool, content []byte) {
		if formats[int(format)%len(formats)] == ".cue" {
			return
		}
		var r Report
		manifest, err := readManifest("-", bytes.NewReader(content), &r)
		if manifest == nil || err != nil {
			return
		}
		of := "app"
		if orbit {
			of = "orbit"
		}
		for _, part := range manifest.fields {
			if regionShape.MatchString(part.key) {
				return // that there is such a region is not for the definitions to say
			}
		}
		if regions := manifest.lookup("regions"); regions != nil || len(j.refused(manifest, of)) > 0 {
			return
		}
		if err := j.schema[of].Validate(manifest.withoutNulls().data()); err != nil {
			t.Errorf("%v", err)
		}
	})
}

// withoutNulls is a copy without the fields that are null, which the definitions never see: the schema refuses them where
// there is no such field.
func (t *tree) withoutNulls() *tree {
	c := t.clone()
	c.fields = nil
	for _, f := range t.fields {
		if f.value.kind != null {
			c.fields = append(c.fields, field{f.key, f.at, f.value.withoutNulls()})
		}
	}
	for i, item := range t.items {
		c.items[i] = item.withoutNulls()
	}
	return c
}
