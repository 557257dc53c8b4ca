package schema

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/report"
)

// FuzzLoad loads anything as a manifest, in each format, as an orbit and as an app. It must give a model or say why not,
// twice the same, and soon. Run it with -fuzzminimizetime 1x, or most of the time goes into making inputs shorter.
func FuzzLoad(f *testing.F) {
	badcases.Seed(f, "../testdata")
	load := loading(f)
	dir := f.TempDir()
	plain := filepath.Join(dir, "plain.yaml")
	if err := os.WriteFile(plain, []byte(badcases.PlainOrbit), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, format uint8, orbit bool, content []byte) {
		path := filepath.Join(dir, "manifest"+badcases.Formats[int(format)%len(badcases.Formats)])
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

// loading is Load with the definitions compiled once: that takes many times as long as a small manifest.
func loading(f *testing.F) func(Inputs, *report.Report) (*Model, error) {
	c, err := language.NewChecker(Definitions)
	if err != nil {
		f.Fatal(err)
	}
	facts, err := c.Facts()
	if err != nil {
		f.Fatal(err)
	}
	return func(in Inputs, r *report.Report) (*Model, error) { return in.load(context.Background(), r, c, facts) }
}

// outcome is what loading gives, in words.
func outcome(t *testing.T, in Inputs, load func(Inputs, *report.Report) (*Model, error)) string {
	t.Helper()
	var r report.Report
	model, err := load(in, &r)
	if err != nil {
		if strings.Contains(err.Error(), "evaluating it takes more than") {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	if (model == nil) != r.Failed(false) {
		t.Errorf("model %v in spite of %v", model, r.Problems())
	}
	var words strings.Builder
	for _, p := range r.Problems() {
		if p.Pos.File == "" || p.Message == "" || strings.Contains(p.String(), "\n") {
			t.Errorf("no line for a user: %q", p)
		}
		words.WriteString(p.String() + "\n")
	}
	return words.String()
}
