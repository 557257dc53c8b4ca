package agent

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pebble/spacel/agent/document"
)

// bootEnv is a machine of a test's own: a directory, and a log that the test can read.
type bootEnv struct {
	*Boot
	t      testing.TB
	output *logOutput
	log    *lines
}

// lines is a console.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newBootEnv(t testing.TB, d document.Document[string]) *bootEnv {
	t.Helper()
	h := &bootEnv{t: t, log: &lines{}}
	log, output := newLog(h.log)
	h.output = output
	if d.Orbit == "" {
		d.Format, d.Orbit, d.App, d.Region = document.Format, "production", "laika", "us-east-1"
	}
	h.Boot = &Boot{
		Document: &d,
		Instance: Instance{ID: "i-0123456789abcdef0", Region: d.Region, Zone: d.Region + "a"},
		AWS:      &Clients{},
		Machine:  Machine{Root: t.TempDir(), Run: noPrograms},
		Log:      log,
		hidden:   output.hidden,
	}
	return h
}

func noPrograms(context.Context, string, ...string) (string, error) { return "", nil }

func (h *bootEnv) path(name string) string { return filepath.Join(h.Machine.Root, name) }

func (h *bootEnv) text(name string) string {
	h.t.Helper()
	data, err := os.ReadFile(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

func (h *bootEnv) wantMode(name string, want os.FileMode) {
	h.t.Helper()
	info, err := os.Stat(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		h.t.Errorf("%s has mode %04o, want %04o", name, got, want)
	}
}

func wantError(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error is %q, want it to have %q", err, word)
		}
	}
}

func wantText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
	}
}
