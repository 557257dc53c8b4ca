package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Manifests made at random are valid, and what is built of them is whole. SPACEL_SOAK says how many seeds are tried,
// SPACEL_SEED the one to try again or to begin with, SPACEL_SAMPLE a folder where SPACEL_SAMPLE_STACKS templates stay, for the
// validators.
func TestRandomManifests(t *testing.T) {
	few := uint64(40)
	if testing.Short() {
		few = 8
	}
	from, n := uint64(0), number(t, "SPACEL_SOAK", few)
	if os.Getenv("SPACEL_SEED") != "" {
		from, n = number(t, "SPACEL_SEED", 0), number(t, "SPACEL_SOAK", 1)
	}
	keep := &sample{dir: os.Getenv("SPACEL_SAMPLE"), stacks: int(number(t, "SPACEL_SAMPLE_STACKS", 60))}
	for seed := from; seed < from+n; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { soak(t, seed, keep) })
	}
}

// Equal seeds make equal manifests, or a failure could not be replayed.
func TestSeedsCanBeReplayed(t *testing.T) {
	for seed := range uint64(20) {
		one, other := newRandom(seed), newRandom(seed)
		if diff := cmp.Diff(one.String(), other.String()); diff != "" {
			t.Errorf("seed %d:\n%s", seed, diff)
		}
	}
}

func number(t *testing.T, variable string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// sample keeps templates until there are so many: of each build those of one region, so that they come of many seeds.
type sample struct {
	dir    string
	stacks int
}

func (s *sample) add(t *testing.T, seed uint64, region string, files map[string]string) {
	t.Helper()
	if s.dir == "" || s.stacks <= 0 {
		return
	}
	kept := map[string]string{}
	for name, body := range files {
		if strings.HasPrefix(name, region+"/") && strings.HasSuffix(name, ".template.json") {
			kept[name] = body
		}
	}
	rewrite(t, filepath.Join(s.dir, fmt.Sprint(seed)), kept)
	s.stacks -= len(kept)
}

func soak(t *testing.T, seed uint64, keep *sample) {
	g := newRandom(seed)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with SPACEL_SEED=%d go test ./cmd/spacel -run TestRandomManifests\n%s", seed, g)
		}
	})
	dir := t.TempDir()
	args := g.write(t, dir)
	out := filepath.Join(dir, "build")
	succeeds(t, append([]string{"build", "--out", out}, args...)...)
	succeeds(t, append([]string{"build", "--check", "--out", out}, args...)...)
	succeeds(t, "diff", "--exit-code", out, out)
	files := contents(t, out)
	checkArtifact(t, files)
	if seed%4 == 0 {
		buildsAgain(t, files, args)
	}
	regions := g.orbit["regions"].([]string)
	keep.add(t, seed, regions[seed%uint64(len(regions))], files)
}

// buildsAgain looks for itself whether equal manifests give equal bytes, which --check says of every build.
func buildsAgain(t *testing.T, files map[string]string, args []string) {
	t.Helper()
	again, _ := built(t, args)
	if diff := cmp.Diff(files, again); diff != "" {
		t.Fatalf("a second build differs:\n%s", diff)
	}
}

// succeeds runs spacel, which must have nothing to refuse.
func succeeds(t *testing.T, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), append([]string{"spacel"}, args...), strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("spacel %s: exit code %d\n%s%.2000s", args[0], code, errorsIn(stderr.String()), stdout.String())
	}
}

// errorsIn leaves warnings and notes out of a report.
func errorsIn(report string) string {
	var errors []string
	for line := range strings.Lines(report) {
		if !strings.Contains(line, ": warning: ") && !strings.Contains(line, ": note: ") {
			errors = append(errors, line)
		}
	}
	return strings.Join(errors, "")
}

// write writes the manifests, each in one of the languages that JSON is good for, and gives the arguments that build them.
func (g *random) write(t *testing.T, dir string) []string {
	t.Helper()
	name := "orbit" + pick(g, ".json", ".yaml", ".cue")
	writeManifest(t, dir, name, g.orbit)
	args := []string{"--with-orbit", "--orbit", filepath.Join(dir, name)}
	for _, app := range g.apps {
		name := app.name + pick(g, ".json", ".yaml", ".cue")
		writeManifest(t, dir, name, app.manifest)
		args = append(args, filepath.Join(dir, name))
	}
	return args
}

// String is the manifests, to be read after a failure.
func (g *random) String() string {
	all := []any{g.orbit}
	for _, app := range g.apps {
		all = append(all, app.manifest)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}
