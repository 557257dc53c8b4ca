package language

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/internal/cuecommand"
)

// registry starts `cue mod registry` on loopback and returns the environment that uses it, with a cache of its own.
func registry(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), cuecommand.Path(t), "mod", "registry", "127.0.0.1:0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context ends it
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(line, err)
	}
	fields := strings.Fields(line)
	address := strings.TrimPrefix(fields[len(fields)-1], "http://")
	cache := t.TempDir()
	t.Cleanup(func() { // CUE makes the directories of its cache read-only
		_ = filepath.WalkDir(cache, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				return os.Chmod(path, 0o755)
			}
			return err
		})
	})
	return []string{"CUE_REGISTRY=" + address + "+insecure", "CUE_CACHE_DIR=" + cache}
}

func writeFiles(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The module can be published, and a team's module that depends on it sees definitions, defaults and regions.
func TestModuleCanBePublished(t *testing.T) {
	env := registry(t)
	files, err := Module(definitionFiles)
	if err != nil {
		t.Fatal(err)
	}
	dir, team := t.TempDir(), t.TempDir()
	writeFiles(t, dir, files)
	run := func(dir string, args ...string) string {
		t.Helper()
		out, errs, err := cuecommand.Run(t, dir, env, args...)
		if err != nil {
			t.Fatalf("cue %v: %v\n%s%s", args, err, out, errs)
		}
		return out
	}
	run(dir, "fmt", "--check", "./...")
	run(dir, "vet", "./...")
	if out := run(dir, "mod", "publish", Version); !strings.Contains(out, "published github.com/pebble/spacel@"+Version) {
		t.Error(out)
	}
	writeFiles(t, team, map[string][]byte{
		"cue.mod/module.cue": []byte("module: \"acme.com/team@v0\"\nlanguage: version: \"" + languageVersion + "\"\n"),
		"app.cue": []byte(`package app
import "github.com/pebble/spacel/schema"
schema.#App & {name: "web", all: {instance_max: 4, scaling: null}}
largest: len(schema.regions) > 30
`),
	})
	run(team, "mod", "tidy")
	if out := run(team, "export", ".", "-e", "largest"); out != "true\n" {
		t.Error(out)
	}
	writeFiles(t, team, map[string][]byte{"app.cue": []byte(`package app
import "github.com/pebble/spacel/schema"
schema.#App & {name: "web", all: {instance_min: 4, instance_max: 3}}
`)})
	_, errs, err := cuecommand.Run(t, team, env, "vet", "-c", ".")
	if err == nil || !strings.Contains(errs, "instance_min must be at most instance_max") {
		t.Errorf("%v\n%s", err, errs)
	}
}

// The module in the repository is the one that is published: editors of the definitions see the same import path.
func TestModuleFileOfTheRepository(t *testing.T) {
	text, err := os.ReadFile("../../cue.mod/module.cue")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`module: "` + ModulePath + `"`, `version: "` + languageVersion + `"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("cue.mod/module.cue has no %s", want)
		}
	}
}
