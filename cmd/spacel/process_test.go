package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
)

const testOrbit = `{"name": "test", "regions": ["us-east-1", "us-west-2", "eu-west-1"], "all": {"domain": "example.com"}}`

// project is a directory with an orbit and apps, and their paths.
func projectDir(t *testing.T, apps int) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	put(t, filepath.Join(dir, "orbit.json"), testOrbit)
	for i := range apps {
		name := fmt.Sprintf("app%d", i)
		put(t, filepath.Join(dir, name+".json"), `{"name": "`+name+`"}`)
		paths = append(paths, name+".json")
	}
	return dir, paths
}

func put(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := program(t.Context(), args...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Whenever a build is killed, the directory is a whole build, the old one or the new one, and the next build leaves no
// trace of it.
func TestKilledAnywhere(t *testing.T) {
	dir, apps := projectDir(t, 30)
	out := filepath.Join(dir, "build")
	build := append([]string{"build", "--quiet", "--with-orbit", "--orbit", "orbit.json"}, apps...)
	begin := time.Now()
	if err := start(t, dir, build...).Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(begin)
	random := rand.New(rand.NewPCG(1, 1))
	killed := 0
	for i := range 8 {
		cmd := start(t, dir, append(build, "--region", []string{"us-east-1", "us-west-2"}[i%2])...)
		time.Sleep(time.Duration(random.Int64N(int64(whole))))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		a, err := assembly.Read(out)
		if err != nil {
			t.Fatalf("after a kill: %v", err)
		}
		a.Close()
	}
	if killed == 0 {
		t.Error("no build was killed in time")
	}
	if err := start(t, dir, build...).Wait(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// An interrupt ends with 130, however stuck the command is, and changes nothing.
func TestInterrupt(t *testing.T) {
	dir, _ := projectDir(t, 0)
	if err := start(t, dir, "build", "--quiet", "--orbit", "orbit.json").Wait(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := program(t.Context(), "build", "--orbit", "-")
		cmd.Dir = dir
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Once it has read this much it waits for the rest of the manifest.
		if _, err := io.WriteString(stdin, strings.Repeat(" ", 100_000)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("%v: %v", signal, err)
		}
		if !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("%v: %q", signal, stderr.String())
		}
	}
	if after := contents(t, dir); len(after) != len(before) || after["build/manifest.json"] != before["build/manifest.json"] {
		t.Errorf("left: %v", after)
	}
}

// A build that is interrupted while it writes cleans up after itself.
func TestInterruptWhileWriting(t *testing.T) {
	dir, apps := projectDir(t, 3)
	t.Chdir(dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := &stopping{cancel: cancel}
	args := append([]string{"spacel", "build", "--with-orbit", "--orbit", "-"}, apps...)
	stop.Reader = strings.NewReader(testOrbit)
	var stderr bytes.Buffer
	if code := run(ctx, args, stop, io.Discard, &stderr); code != 130 {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if left := contents(t, dir); len(left) != 4 {
		t.Errorf("left: %v", left)
	}
}

// stopping cancels when the manifest has been read.
type stopping struct {
	io.Reader
	cancel func()
}

func (s *stopping) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		s.cancel()
	}
	return n, err
}

// The sink stops a build that is interrupted between two stacks.
func TestCounterStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &counter{sink: nowhere{}, ctx: ctx}
	if err := c.Stack(assembly.Stack{Name: "a"}, nil, map[string]string{"A": "x"}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Stack(assembly.Stack{Name: "b"}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stack: %v", err)
	}
	if _, err := c.Asset(nil); !errors.Is(err, context.Canceled) {
		t.Errorf("asset: %v", err)
	}
	if len(c.stacks) != 1 || c.stacks[0].Resources != 1 {
		t.Errorf("%+v", c.stacks)
	}
}

// Colours are for terminals that want them.
func TestColours(t *testing.T) {
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		out           io.Writer
		noColor, term string
		want          bool
	}{
		{device, "", "xterm", true}, {device, "1", "xterm", false}, {device, "", "dumb", false},
		{file, "", "xterm", false}, {io.Discard, "", "xterm", false},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("TERM", c.term)
		if got := newConsole(nil, c.out, nil).terminal; got != c.want {
			t.Errorf("%T, NO_COLOR=%q, TERM=%q: %v", c.out, c.noColor, c.term, got)
		}
	}
}

// What a build says of its stacks is what is in the templates.
func TestResourceCounts(t *testing.T) {
	dir, apps := projectDir(t, 1)
	t.Chdir(dir)
	var stdout bytes.Buffer
	args := append([]string{"spacel", "build", "--output", "json", "--with-orbit", "--orbit", "orbit.json"}, apps...)
	if code := run(t.Context(), args, nil, &stdout, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	said := decoded[result](t, stdout.String())
	if len(said.Stacks) != 12 {
		t.Errorf("%d stacks", len(said.Stacks))
	}
	files := contents(t, "build")
	for _, s := range said.Stacks {
		if n := len(decoded[template](t, files[s.Template]).Resources); n != s.Resources {
			t.Errorf("%s: said %d resources, has %d", s.Template, s.Resources, n)
		}
	}
}

// --no-color wins over a terminal.
func TestNoColorFlag(t *testing.T) {
	dir, apps := projectDir(t, 1)
	t.Chdir(dir)
	for _, out := range []string{"old", "new"} {
		if code := run(t.Context(), []string{"spacel", "build", "--quiet", "--orbit", "orbit.json", apps[0], "--out", out}, nil, io.Discard,
			io.Discard); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		put(t, apps[0], `{"name": "app0", "all": {"instance_type": "t3.large"}}`)
	}
	for flag, want := range map[string]bool{"--no-color": false, "--no-color=false": true} {
		var stdout bytes.Buffer
		c := newConsole(nil, &stdout, io.Discard)
		c.terminal = true
		app := newApp(c)
		args, err := arrange(app, []string{"spacel", "diff", "old", "new", flag})
		if err != nil {
			t.Fatal(err)
		}
		if err := app.Run(args); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(stdout.String(), "\x1b["); got != want || stdout.Len() == 0 {
			t.Errorf("%s: %q", flag, stdout.String())
		}
	}
}
