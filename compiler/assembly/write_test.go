package assembly

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/internal/hexdigest"
)

// stack makes a stack with a template of its own.
func stack(region, name, text string) (Stack, []byte) {
	body := []byte(`{"Resources": {"A": {"Type": "` + text + `"}}}` + "\n")
	literal := "x"
	return Stack{
		Name: name, Region: region, Template: region + "/" + name + ".template.json", Digest: hexdigest.SHA256(body),
		TerminationProtection: true, Tags: map[string]string{"spacel:orbit": "test"},
		Parameters: map[string]ValueFrom{"Size": {Literal: &literal}},
	}, body
}

func add(t testing.TB, w interface {
	Stack(Stack, []byte, map[string]string) error
}, region, name, text string) {
	t.Helper()
	entry, body := stack(region, name, text)
	if err := w.Stack(entry, body, map[string]string{"A": name + ".json:3:5"}); err != nil {
		t.Fatal(err)
	}
}

func newWriter(t testing.TB, dir string) *Writer {
	t.Helper()
	w, err := NewWriter(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	return w
}

// build writes an artifact directory with a stack per name.
func build(t testing.TB, dir string, names ...string) {
	t.Helper()
	w := newWriter(t, dir)
	for _, name := range names {
		add(t, w, "us-east-1", name, "AWS::SNS::Topic")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// files is path → content of all below a directory; a directory ends in a slash, a link has its target.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || name == ".":
		case e.IsDir():
			out[name+"/"] = ""
		case e.Type()&fs.ModeSymlink != 0:
			out[name], err = os.Readlink(path)
		default:
			body, readErr := os.ReadFile(path)
			out[name], err = string(body), readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t testing.TB, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWriterWritesTheDirectory(t *testing.T) {
	parent := t.TempDir()
	w := newWriter(t, filepath.Join(parent, "not", "there", "build"))
	add(t, w, "us-east-1", "test-web", "AWS::SNS::Topic")
	add(t, w, "eu-west-1", "test-web", "AWS::SQS::Queue")
	asset, err := w.Asset([]byte("a long document"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := tree(t, filepath.Join(parent, "not", "there"))
	for name := range got {
		if !strings.HasSuffix(name, "/") {
			got[name] = "file"
		}
	}
	want := map[string]string{
		"build/": "", "build/manifest.json": "file", "build/sourcemap.json": "file", "build/us-east-1/": "",
		"build/us-east-1/test-web.template.json": "file", "build/eu-west-1/": "", "build/eu-west-1/test-web.template.json": "file",
		"build/assets/": "", "build/" + asset.Path: "file",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The old directory is whole until Close, also while the new one is written.
func TestReplacingIsOneStep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build")
	build(t, dir, "test-zero")
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := os.Stat(filepath.Join(dir, manifestFile)); err != nil {
				t.Errorf("the directory was away: %v", err)
				return
			}
		}
	})
	for i := range 200 {
		build(t, dir, fmt.Sprintf("test-%d", i))
	}
	close(stop)
	watch.Wait()
	if got := tree(t, filepath.Dir(dir)); got["build/us-east-1/test-199.template.json"] == "" || len(got) != 5 {
		t.Errorf("left: %v", got)
	}
}

func TestAbortLeavesEverythingAsItWas(t *testing.T) {
	for name, dir := range map[string]string{"there": "build", "not there": "build", "no parent": "a/b/build"} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			target := filepath.Join(parent, dir)
			if name == "there" {
				build(t, target, "test-old")
			}
			before := tree(t, parent)
			w := newWriter(t, target)
			add(t, w, "us-east-1", "test-new", "AWS::SNS::Topic")
			if err := w.Abort(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, tree(t, parent)); diff != "" {
				t.Error(diff)
			}
			if err := w.Close(); err == nil {
				t.Error("Close after Abort said nothing")
			}
		})
	}
}

func TestAbortAfterCloseDoesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build")
	w := newWriter(t, dir)
	add(t, w, "us-east-1", "test-web", "AWS::SNS::Topic")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err != nil {
		t.Error(err)
	}
}

// A build killed in the middle leaves the old directory whole; the next build removes what it left, and leaves alone one
// that is still at work.
func TestKilledBuild(t *testing.T) {
	if dir := os.Getenv("SPACEL_TEST_KILLED"); dir != "" {
		w := newWriter(t, dir)
		add(t, w, "us-east-1", "test-new", "AWS::SNS::Topic")
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin) // until the kill; select{} would be reported as a deadlock, which ends the process
		w.Abort()
		return
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "build")
	build(t, dir, "test-old")
	before := tree(t, parent)

	child := exec.Command(os.Args[0], "-test.run=^TestKilledBuild$", "-test.v")
	child.Env = append(os.Environ(), "SPACEL_TEST_KILLED="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "ready"; {
	}
	alive := tree(t, parent)
	newWriter(t, dir).Abort()
	if diff := cmp.Diff(alive, tree(t, parent)); diff != "" {
		t.Errorf("a build at work was disturbed:\n%s", diff)
	}
	child.Process.Kill()
	child.Wait()

	if len(alive) <= len(before) {
		t.Fatal("the child wrote nothing")
	}
	newWriter(t, dir).Abort()
	if diff := cmp.Diff(before, tree(t, parent)); diff != "" {
		t.Error(diff)
	}
}

// Where there is no exchange, a kill between the two renames is mended by the next build.
func TestKilledSwap(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "build")
	build(t, dir, "test-old")
	before := tree(t, parent)
	dead := filepath.Join(parent, ".build.spacel-1")
	write(t, filepath.Join(dead, freshName, manifestFile), "half")
	if err := os.Rename(dir, filepath.Join(dead, oldName)); err != nil {
		t.Fatal(err)
	}
	newWriter(t, dir).Abort()
	if diff := cmp.Diff(before, tree(t, parent)); diff != "" {
		t.Error(diff)
	}
}

func TestSwapInTwoSteps(t *testing.T) {
	parent := t.TempDir()
	w := &workspace{dir: filepath.Join(parent, "workspace")}
	target, fresh := filepath.Join(parent, "build"), filepath.Join(w.dir, freshName)
	write(t, filepath.Join(target, "a"), "old")
	write(t, filepath.Join(fresh, "a"), "new")
	if err := w.swap(fresh, target); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, target)["a"]; got != "new" {
		t.Errorf("got %q", got)
	}
	if err := w.swap(fresh, target); err == nil {
		t.Error("no error without a new directory")
	}
	if got := tree(t, target)["a"]; got != "new" {
		t.Errorf("after a failure got %q", got)
	}
}

func TestRefusedTargets(t *testing.T) {
	cases := map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"foreign files": {func(t *testing.T, dir string) { write(t, dir+"/main.go", "package main") }, "not empty and no earlier build"},
		"foreign manifest": {func(t *testing.T, dir string) { write(t, dir+"/manifest.json", `{"name": "a browser's"}`) },
			"not empty and no earlier build"},
		"a file beside": {func(t *testing.T, dir string) {
			build(t, dir, "test-web")
			write(t, dir+"/us-east-1/README.md", "mine")
		}, "holds us-east-1/README.md, which no build wrote"},
		"a link beside": {func(t *testing.T, dir string) {
			build(t, dir, "test-web")
			link(t, "/etc", dir+"/us-east-1/etc")
		}, "holds us-east-1/etc"},
		"a link": {func(t *testing.T, dir string) { build(t, dir+"-real", "test-web"); link(t, dir+"-real", dir) },
			"symbolic link"},
		"a link to nothing": {func(t *testing.T, dir string) { link(t, dir+"-none", dir) }, "symbolic link"},
		"a file":            {func(t *testing.T, dir string) { write(t, dir, "x") }, "is not a directory"},
		"the working directory": {func(t *testing.T, dir string) { write(t, dir+"/sub/x", ""); t.Chdir(dir + "/sub") },
			"holds the working directory"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "build")
			c.make(t, dir)
			before := tree(t, parent)
			if _, err := NewWriter(dir, "test"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if diff := cmp.Diff(before, tree(t, parent)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What came into the directory during the build is not deleted either.
func TestStrayDuringTheBuild(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build")
	build(t, dir, "test-old")
	w := newWriter(t, dir)
	add(t, w, "us-east-1", "test-new", "AWS::SNS::Topic")
	write(t, dir+"/notes.txt", "mine")
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("got %v", err)
	}
	if got := tree(t, filepath.Dir(dir)); got["build/notes.txt"] != "mine" || got["build/us-east-1/test-old.template.json"] == "" ||
		len(got) != 6 {
		t.Errorf("left: %v", got)
	}
}

func TestAcceptedTargets(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"empty": func(t *testing.T, dir string) { os.Mkdir(dir, 0o755) },
		"damaged": func(t *testing.T, dir string) {
			build(t, dir, "test-a")
			write(t, dir+"/us-east-1/test-a.template.json", "?")
		},
		"in conflict": func(t *testing.T, dir string) {
			build(t, dir, "test-a")
			edit(t, dir+"/manifest.json", "\"orbit\"", "<<<<<<< HEAD\n  \"orbit\"")
		},
		"later format": func(t *testing.T, dir string) {
			write(t, dir+"/manifest.json", `{"format": 9, "orbit": "test", "stacks": []}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "build")
			prepare(t, dir)
			build(t, dir, "test-b")
			if _, err := Read(dir); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedStacks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "build")
	w := newWriter(t, dir)
	add(t, w, "us-east-1", "test-web", "AWS::SNS::Topic")
	refuse := func(want string, change func(*Stack)) {
		t.Helper()
		entry, body := stack("us-east-1", "test-api", "AWS::SNS::Topic")
		change(&entry)
		if err := w.Stack(entry, body, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	refuse("stacks would share a file", func(s *Stack) { s.Name, s.Template = "test-WEB", "us-east-1/test-WEB.template.json" })
	refuse("stacks would share a file", func(s *Stack) { s.Name, s.Template = "test-web", "us-east-1/test-web.template.json" })
	refuse("its digest is", func(s *Stack) { s.Digest = hexdigest.SHA256(nil) })
	refuse("template: must be", func(s *Stack) { s.Template = "../test-api.template.json" })
	refuse("region: must be", func(s *Stack) { s.Region, s.Template = "..", "../test-api.template.json" })
	refuse("name: must be", func(s *Stack) { s.Name, s.Template = "a/b", "us-east-1/a/b.template.json" })
	refuse("exactly one source, got 0", func(s *Stack) { s.Parameters = map[string]ValueFrom{"A": {}} })
	refuse(`capabilities: must be CAPABILITY_IAM or CAPABILITY_NAMED_IAM, got "CAPABILITY_AUTO_EXPAND"`, func(s *Stack) {
		s.Capabilities = []string{"CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"}
	})
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "SPACEL_WEBHOOK_", "xSPACEL_WEBHOOK_A", "SPACEL_WEBHOOK_A\nB"} {
		refuse("the environment variable must begin with SPACEL_WEBHOOK_", func(s *Stack) {
			s.Parameters = map[string]ValueFrom{"A": {Secret: &Secret{Environment: name}}}
		})
	}
	refuse("exactly one of ssm", func(s *Stack) {
		s.Parameters = map[string]ValueFrom{"A": {Secret: &Secret{SSM: "a", Environment: "b"}}}
	})
}

// Equal stacks give equal bytes, in whatever order and from however many goroutines they come.
func TestOrderChangesNoByte(t *testing.T) {
	var want map[string]string
	for seed := range uint64(20) {
		dir := filepath.Join(t.TempDir(), "build")
		w := newWriter(t, dir)
		var work sync.WaitGroup
		for _, i := range rand.New(rand.NewPCG(seed, 1)).Perm(40) {
			work.Go(func() {
				add(t, w, []string{"us-east-1", "eu-west-1"}[i%2], fmt.Sprintf("test-%d", i/2), "AWS::SNS::Topic")
				if _, err := w.Asset([]byte{byte(i / 4)}); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := tree(t, dir)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

func link(t testing.TB, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}
