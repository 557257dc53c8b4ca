package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/compiler/assembly"
)

// template is as much of a template as these tests look at.
type template struct {
	Parameters map[string]any
	Resources  map[string]any
	Outputs    map[string]any
}

// Every parameter of a template has a source in manifest.json and the other way round, and every output that a source
// names exists in the stack it names.
func TestParametersAreBound(t *testing.T) {
	for _, dir := range someFolders(t, "../../testdata/golden") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			orbit, apps := inputs(t)
			files, code := built(t, append([]string{"--orbit", orbit, "--with-orbit"}, apps...))
			if code != 0 {
				t.Skip("a case of a refused manifest")
			}
			manifest, templates := templatesIn(t, files)
			for _, stack := range manifest.Stacks {
				bound(t, stack, templates)
			}
		})
	}
}

// templatesIn are a built directory's manifest, and its templates by stack.
func templatesIn(t *testing.T, files map[string]string) (assembly.Manifest, map[assembly.StackRef]template) {
	manifest := decoded[assembly.Manifest](t, files["manifest.json"])
	templates := map[assembly.StackRef]template{}
	for _, stack := range manifest.Stacks {
		templates[stack.Ref()] = decoded[template](t, files[stack.Template])
	}
	return manifest, templates
}

func bound(t *testing.T, stack assembly.Stack, templates map[assembly.StackRef]template) {
	declared := templates[stack.Ref()].Parameters
	for name, source := range stack.Parameters {
		if _, ok := declared[name]; !ok {
			t.Errorf("%v: the source of %s, which the template does not declare", stack.Ref(), name)
		}
		if sources(t, source) != 1 {
			t.Errorf("%v: %s has not exactly one source", stack.Ref(), name)
		}
		if o := source.Output; o != nil {
			target, inBuild := templates[assembly.StackRef{Region: o.Region, Name: o.Stack}]
			if _, ok := target.Outputs[o.Output]; !ok && (inBuild || !o.Optional) {
				t.Errorf("%v: %s comes from output %s of %s in %s, which is not there", stack.Ref(), name, o.Output, o.Stack, o.Region)
			}
		}
	}
	for name := range declared {
		if _, ok := stack.Parameters[name]; !ok {
			t.Errorf("%v: parameter %s has no source", stack.Ref(), name)
		}
	}
}

func sources(t *testing.T, source assembly.ValueFrom) int {
	body, err := json.Marshal(source)
	if err != nil {
		t.Fatal(err)
	}
	return len(decoded[map[string]any](t, string(body)))
}

// The order of a manifest's keys, of the arguments, the number of processors and the case of file names change no
// template and no manifest.json.
func TestOrderChangesNothing(t *testing.T) {
	for _, dir := range someFolders(t, "../../testdata/golden") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			orbit, apps := inputs(chdir(t, dir))
			args := append([]string{"--orbit", orbit, "--with-orbit"}, apps...)
			want, code := built(t, args)
			if code != 0 {
				t.Skip("a case of a refused manifest")
			}
			delete(want, "sourcemap.json")
			for seed := range uint64(3) {
				got := shuffledBuild(t, seed, orbit, apps)
				delete(got, "sourcemap.json")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d (-in order +shuffled):\n%s", seed, diff)
				}
			}
		})
	}
}

func shuffledBuild(t *testing.T, seed uint64, orbit string, apps []string) map[string]string {
	random := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	args := []string{"--with-orbit"}
	copyEnvFiles(t, dir)
	for i, name := range append([]string{orbit}, apps...) {
		moved := shuffled(t, random, name, dir)
		if i == 0 {
			moved = "--orbit=" + moved
		}
		args = append(args, moved)
	}
	random.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(int(seed)%2 + 1))
	got, _ := built(t, args)
	return got
}

// copyEnvFiles copies the files of variables that a manifest names by a path relative to itself.
func copyEnvFiles(t *testing.T, dir string) {
	t.Helper()
	for _, name := range list(t, ".") {
		if filepath.Ext(name) != ".env" {
			continue
		}
		body, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// shuffled copies a manifest in JSON or YAML under another name with its keys in another order; other kinds stay as they
// are.
func shuffled(t *testing.T, random *rand.Rand, name, dir string) string {
	if ext := filepath.Ext(name); ext != ".yaml" && ext != ".json" {
		return name
	}
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(body, &node); err != nil {
		t.Fatal(err)
	}
	shuffleKeys(random, &node)
	out, err := yaml.Marshal(&node)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, strings.ToUpper(stem(name))+".yaml")
	if err := os.WriteFile(path, out, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func shuffleKeys(random *rand.Rand, node *yaml.Node) {
	for _, child := range node.Content {
		shuffleKeys(random, child)
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	random.Shuffle(len(node.Content)/2, func(i, j int) {
		c := node.Content
		c[2*i], c[2*j] = c[2*j], c[2*i]
		c[2*i+1], c[2*j+1] = c[2*j+1], c[2*i+1]
	})
}

// Adding an app changes no other app's stacks, nor the orbit's.
func TestAddingAnAppChangesNothingElse(t *testing.T) {
	chdir(t, "../../testdata/golden/app-mutual")
	before, _ := built(t, []string{"--orbit", "orbit.cue", "--with-orbit", "left.yaml", "right.yaml"})
	after, _ := built(t, []string{"--orbit", "orbit.cue", "--with-orbit", "left.yaml", "right.yaml", "../app-minimal/web.yaml"})
	templates := 0
	for name, body := range before {
		if !strings.HasSuffix(name, ".template.json") {
			continue
		}
		templates++
		if after[name] != body {
			t.Errorf("%s changed:\n%s", name, cmp.Diff(body, after[name]))
		}
	}
	if templates == 0 || len(after) <= len(before) {
		t.Fatalf("%d files before, %d after", len(before), len(after))
	}
}

// Adding a zone leaves every resource of the VPC as it was.
func TestAddingAZoneChangesNothingElse(t *testing.T) {
	zones := []string{"use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"}
	for _, nat := range []string{"disabled", "enabled", "per-az"} {
		for n := 2; n < len(zones); n++ {
			before, after := vpcOf(t, nat, zones[:n]), vpcOf(t, nat, zones[:n+1])
			for id, resource := range before.Resources {
				grows := strings.HasSuffix(id, "SubnetGroup") || strings.HasSuffix(id, "Endpoint")
				if diff := cmp.Diff(resource, after.Resources[id]); diff != "" && !grows {
					t.Errorf("nat %s, %d zones and one more: %s changed:\n%s", nat, n, id, diff)
				}
			}
			if len(after.Resources) <= len(before.Resources) {
				t.Errorf("nat %s: a zone more gives no more resources", nat)
			}
		}
	}
}

func vpcOf(t *testing.T, nat string, zones []string) template {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orbit.json")
	body, _ := json.Marshal(map[string]any{
		"name": "test", "regions": []string{"us-east-1"},
		"all": map[string]any{"nat": nat, "azs": zones, "ipv6": true},
	})
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
	files, _ := built(t, []string{"--orbit", path})
	return decoded[template](t, files["us-east-1/test-vpc.template.json"])
}

// built runs spacel build and gives the files it wrote and the exit code.
func built(t *testing.T, args []string) (map[string]string, int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "build")
	var stdout, stderr bytes.Buffer
	all := slices.Concat([]string{"spacel", "build", "--quiet", "--out", out}, args)
	code := run(context.Background(), all, strings.NewReader(""), &stdout, &stderr)
	if code > 1 {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
	}
	return contents(t, out), code
}

func decoded[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %.80q", err, body)
	}
	return v
}

func chdir(t *testing.T, dir string) *testing.T {
	t.Chdir(dir)
	return t
}
