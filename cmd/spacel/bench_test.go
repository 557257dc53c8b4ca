package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"
)

// These benchmarks time whole processes: they run bin/spacel, which make bench builds first. Beside ns/op they report CPU
// seconds and the peak of resident memory.

// BenchmarkVersion is start-up: a command that needs no schema.
func BenchmarkVersion(b *testing.B) {
	process(b, binary(b), "version")
}

// BenchmarkBuild is a build of n apps in an orbit of several regions, its own stacks included.
func BenchmarkBuild(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.String(), func(b *testing.B) {
			dir := manifests(b, size)
			args := []string{"build", "--quiet", "--with-orbit", "--orbit", filepath.Join(dir, "orbit.yaml"), "--out",
				filepath.Join(b.TempDir(), "build")}
			process(b, binary(b), append(args, apps(b, dir)...)...)
		})
	}
}

// BenchmarkReview is the comparison of two builds of 60 apps in three regions, one of which differs in every app, and its picture.
func BenchmarkReview(b *testing.B) {
	old, now := reviewed(b, 8080), reviewed(b, 8081)
	for name, args := range map[string][]string{
		"diff": {"diff", old, now}, "markdown": {"diff", old, now, "--output", "markdown"}, "graph": {"graph", now, "--output", "html"},
		"graph of a change": {"graph", old, now, "--output", "html"},
	} {
		b.Run(name, func(b *testing.B) { process(b, binary(b), args...) })
	}
}

// reviewed builds 60 apps in three regions with an internal port.
func reviewed(b *testing.B, port int) string {
	dir := manifests(b, size{60, 3})
	for i := range 60 {
		app := benchApp(fmt.Sprintf("app%04d", i))
		app["all"].(map[string]any)["public_ports"] = map[int]any{443: map[string]any{"internal_port": port}}
		write(b, filepath.Join(dir, fmt.Sprintf("app%04d.yaml", i)), app)
	}
	out := filepath.Join(dir, "build")
	args := []string{"build", "--quiet", "--with-orbit", "--orbit", filepath.Join(dir, "orbit.yaml"), "--out", out}
	if text, err := exec.Command(binary(b), append(args, apps(b, dir)...)...).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, text)
	}
	return out
}

// BenchmarkVet is the same without writing: loading and compiling.
func BenchmarkVet(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.String(), func(b *testing.B) {
			dir := manifests(b, size)
			process(b, binary(b), append([]string{"vet", "--quiet", "--orbit", filepath.Join(dir, "orbit.yaml")}, apps(b, dir)...)...)
		})
	}
}

// BenchmarkFloor is what no build can do without: a process that decodes the same manifests as plain YAML, and encodes and
// writes as many templates of the same size, on all processors.
func BenchmarkFloor(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.String(), func(b *testing.B) {
			dir := manifests(b, size)
			out := filepath.Join(b.TempDir(), "build")
			args := []string{"build", "--quiet", "--with-orbit", "--orbit", filepath.Join(dir, "orbit.yaml"), "--out", out}
			if text, err := exec.Command(binary(b), append(args, apps(b, dir)...)...).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, text)
			}
			b.Setenv("SPACEL_BENCH_FLOOR", dir+"\n"+out)
			process(b, os.Args[0], "-test.run=^TestFloorProcess$")
		})
	}
}

// TestFloorProcess is BenchmarkFloor's process and no test.
func TestFloorProcess(t *testing.T) {
	dir, out, ok := strings.Cut(os.Getenv("SPACEL_BENCH_FLOOR"), "\n")
	if !ok {
		t.Skip("runs for BenchmarkFloor only")
	}
	paths := apps(t, dir)
	templates := templatesOf(t, out, paths[0])
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range paths {
		work.Go(func() error { return floorOf(path, out, templates) })
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
}

// templatesOf are one app's templates, by region, as trees.
func templatesOf(t *testing.T, out, app string) map[string]any {
	paths, err := filepath.Glob(filepath.Join(out, "*", "*-"+stem(filepath.Base(app))+".template.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d templates: %v", len(paths), err)
	}
	trees := map[string]any{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		trees[filepath.Base(filepath.Dir(path))] = decoded[any](t, string(body))
	}
	return trees
}

func floorOf(path, out string, templates map[string]any) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var manifest any
	if err := yaml.Unmarshal(body, &manifest); err != nil {
		return err
	}
	for region, tree := range templates {
		var encoded bytes.Buffer
		enc := json.NewEncoder(&encoded)
		enc.SetIndent("", "  ")
		if err := enc.Encode(tree); err != nil {
			return err
		}
		name := filepath.Join(out, region, "bench-"+stem(filepath.Base(path))+".template.json")
		if err := os.WriteFile(name, encoded.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

type size struct{ apps, regions int }

func (s size) String() string { return fmt.Sprintf("%dx%d", s.apps, s.regions) }

var sizes = []size{{1, 1}, {20, 3}, {250, 4}, {1000, 4}}

// manifests writes an orbit and its apps, each of 2.6 kB as a real one has it.
func manifests(b testing.TB, s size) string {
	dir := b.TempDir()
	regions := []string{"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"}[:s.regions]
	orbit := map[string]any{"name": "bench", "regions": regions, "all": map[string]any{"domain": "example.com"}}
	write(b, filepath.Join(dir, "orbit.yaml"), orbit)
	for i := range s.apps {
		name := fmt.Sprintf("app%04d", i)
		write(b, filepath.Join(dir, name+".yaml"), benchApp(name))
	}
	return dir
}

func benchApp(name string) map[string]any {
	unit := strings.Repeat("ExecStartPre=/usr/bin/env echo preparing this service\n", 10)
	service := func(port int) map[string]any {
		return map[string]any{
			"image": "registry.example.com/team/" + name, "ports": map[int]any{port: port},
			"environment": map[string]any{"PORT": port, "LEVEL": "info", "REGION": "all", "NAME": name, "SHARED": "/data"},
			"volumes":     map[string]any{"/mnt/data": "/data"},
		}
	}
	return map[string]any{
		"name": name,
		"all": map[string]any{
			"instance_type": "t3.small", "instance_min": 2, "instance_max": 4, "health_check": "HTTP:8080/health",
			"public_ports": map[int]any{80: map[string]any{"redirect": 443},
				443: map[string]any{"internal_port": 8080, "sources": []string{"0.0.0.0/0", "10.0.0.0/8"}}},
			"private_ports": map[string]any{"7000": []string{"TCP"}, "7100-7200": []string{"TCP", "UDP"}},
			"services": map[string]any{"web": service(8080), "worker": service(9000),
				"job": map[string]any{"unit_file": "[Service]\nType=oneshot\nExecStart=/usr/bin/true\n" + unit}},
			"files": map[string]any{"motd": strings.Repeat("welcome to this instance\n", 20),
				"app.conf": strings.Repeat("key = value\n", 20)},
			"tags": map[string]any{"team": "bench"},
		},
		"us-west-2": map[string]any{"instance_max": 8, "files": map[string]any{"motd": "welcome to the west\n"}},
	}
}

func write(b testing.TB, path string, v any) {
	body, err := yaml.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		b.Fatal(err)
	}
}

func apps(t testing.TB, dir string) []string {
	paths, err := filepath.Glob(filepath.Join(dir, "app*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func binary(b *testing.B) string {
	path, err := filepath.Abs("../../bin/spacel")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		b.Skip("no bin/spacel: run make bench")
	}
	return path
}

// process runs a command b.N times as whole processes.
func process(b *testing.B, name string, args ...string) {
	b.Helper()
	var cpu float64
	var peak int64
	for b.Loop() {
		cmd := exec.Command(name, args...)
		cmd.Stdout = io.Discard
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v: %s", err, stderr.String())
		}
		usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		cpu += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		peak = max(peak, usage.Maxrss)
	}
	b.ReportMetric(cpu/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}
