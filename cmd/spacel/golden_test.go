package main

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pebble/spacel/internal/stride"
)

// A golden case is a folder of testdata/golden: orbit.* is the orbit, every other manifest or app directory beside it an
// app, and a .env file belongs to one. Without apps the orbit's stacks are built, else the apps'. want/ is the artifact directory,
// byte for byte, with report.txt for what the command said; a case whose want/ has no manifest.json is one that must be refused.
func TestGolden(t *testing.T) {
	for _, dir := range folders(t, "../../testdata/golden") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			orbit, apps := inputs(t)
			golden(t, "want", append([]string{"--orbit", orbit}, apps...))
		})
	}
}

// Every sample of the 2016 tool builds as it is, or is refused for the reason it was refused then.
func TestSamples(t *testing.T) {
	t.Chdir("../../testdata/samples")
	for _, orbit := range list(t, "orbit") {
		for _, app := range list(t, "app") {
			name := filepath.Join(stem(orbit), stem(app))
			t.Run(name, func(t *testing.T) {
				golden(t, filepath.Join("want", name), []string{"--orbit", "orbit/" + orbit, "app/" + app})
			})
		}
	}
}

// golden runs spacel build and compares what it wrote and said with the folder want, or rewrites that when
// SPACEL_UPDATE is set.
func golden(t *testing.T, want string, args []string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "build")
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), append([]string{"spacel", "build", "--out", out}, args...), strings.NewReader(""), &stdout, &stderr)
	got := contents(t, out)
	if stderr.Len() > 0 {
		got["report.txt"] = stderr.String()
	}
	if os.Getenv("SPACEL_UPDATE") != "" {
		rewrite(t, want, got)
	}
	if diff := cmp.Diff(contents(t, want), got); diff != "" {
		t.Errorf("not what %s holds (-want +got); if the change is meant, run make golden and review it:\n%s", want, diff)
	}
	if refused := got["manifest.json"] == ""; refused != (code == 1) || !refused && code != 0 {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

func inputs(t *testing.T) (orbit string, apps []string) {
	for _, name := range list(t, ".") {
		switch {
		case name == "want", filepath.Ext(name) == ".env":
		case stem(name) == "orbit":
			orbit = name
		default:
			apps = append(apps, name)
		}
	}
	return orbit, apps
}

func stem(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }

func folders(t *testing.T, dir string) []string {
	var out []string
	for _, name := range list(t, dir) {
		out = append(out, filepath.Join(dir, name))
	}
	return out
}

// someFolders is folders, but with -short only every fifth one: for properties that hold for each build.
func someFolders(t *testing.T, dir string) []string {
	all := folders(t, dir)
	var some []string
	for i := 0; i < len(all); i += stride.Short(5) {
		some = append(some, all[i])
	}
	return some
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// contents is every file below a folder by its path with slashes; nothing when there is no such folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(body)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return files
}

func rewrite(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
