package needs

import (
	"os"
	"path/filepath"
	"testing"
)

// recorder is a test that notes how Program ends it.
type recorder struct {
	testing.TB
	skipped, failed bool
}

type stopped struct{}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true; panic(stopped{}) }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(stopped{}) }
func (r *recorder) Fatal(...any)          { r.failed = true; panic(stopped{}) }

// ask calls Program in a test of its own.
func ask(t *testing.T, name string) (r *recorder, path string) {
	t.Helper()
	r = &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(stopped{}) {
			panic(p)
		}
	}()
	path = Program(r, name)
	return r, path
}

func TestProgramThatIsThere(t *testing.T) {
	t.Setenv(CIVariable, "true")
	if r, path := ask(t, "sh"); r.skipped || r.failed || !filepath.IsAbs(path) {
		t.Errorf("got %q, skipped %t, failed %t", path, r.skipped, r.failed)
	}
}

func TestMissingProgramIsRecorded(t *testing.T) {
	list := filepath.Join(t.TempDir(), "missing")
	t.Setenv(CIVariable, "")
	t.Setenv(MissingVariable, list)
	for range 2 {
		if r, _ := ask(t, "no-such-program"); !r.skipped || r.failed {
			t.Errorf("skipped %t, failed %t", r.skipped, r.failed)
		}
	}
	if body, err := os.ReadFile(list); err != nil || string(body) != "no-such-program\nno-such-program\n" {
		t.Errorf("recorded %q, %v", body, err)
	}
	t.Setenv(MissingVariable, filepath.Join(list, "not a directory"))
	if r, _ := ask(t, "no-such-program"); !r.failed {
		t.Error("a name that could not be recorded is passed over")
	}
}

func TestMissingProgramFailsInCI(t *testing.T) {
	t.Setenv(CIVariable, "true")
	if r, _ := ask(t, "no-such-program"); r.skipped || !r.failed {
		t.Errorf("skipped %t, failed %t", r.skipped, r.failed)
	}
}
