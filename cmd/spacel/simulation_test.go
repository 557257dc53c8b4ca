package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/internal/cloudtest"
)

// The simulation runs bin/spacel on an account of cloudtest with many stacks. It prints a table: docs/limits.md has one.

// simulatedRates are the rates of the account, in each region. AWS publishes none for CloudFormation. 5 calls of DescribeStacks a second
// were observed (github.com/aws/aws-sam-cli/issues/2671). The rate of all other operations is an assumption: GetTemplate is known to be
// throttled when a hundred are sent at a time, and not at twenty (github.com/aws/aws-cdk-cli/pull/927). Route 53 takes 5 requests a second
// in an account (Route 53 Developer Guide, "Quotas").
func simulatedRates(service, operation string) cloudtest.Rate {
	switch {
	case operation == "DescribeStacks":
		return cloudtest.Rate{Second: 5, Burst: 10}
	case service == "cloudformation":
		return cloudtest.Rate{Second: 20, Burst: 40}
	case service == "route53":
		return cloudtest.Rate{Second: 5, Burst: 5}
	}
	return cloudtest.Rate{}
}

// simulatedLatency is the time of each call, and simulatedStep of each step of an operation: a resource takes two.
const (
	simulatedLatency = 50 * time.Millisecond
	simulatedStep    = 200 * time.Millisecond
	foreignStacks    = 2000
)

// simulation is one orbit in one account.
type simulation struct {
	*testing.T
	spacel  string
	size    size
	account *cloudtest.CloudFormation
	limited *cloudtest.Limited
	dir     string // of the manifests
}

// TestSimulation deploys orbits of the sizes in SPACEL_SIMULATE, numbers of apps in four regions, changes 1 %, verifies and destroys
// them. With SPACEL_SIMULATE_BINARY another spacel does.
func TestSimulation(t *testing.T) {
	wanted := os.Getenv("SPACEL_SIMULATE")
	if wanted == "" {
		t.Skip("runs for make bench only")
	}
	for _, text := range strings.Fields(wanted) {
		apps, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		s := &simulation{T: t, size: size{apps, 4}, account: cloudtest.NewCloudFormation(t)}
		s.spacel, err = filepath.Abs("../../bin/spacel")
		if other := os.Getenv("SPACEL_SIMULATE_BINARY"); other != "" {
			s.spacel = other
		}
		if err != nil {
			t.Fatal(err)
		}
		s.run()
	}
}

// simulated is an app with a database, a cache, a balancer and alarms: 32 resources.
func simulated(name string, size int) map[string]any {
	return map[string]any{"name": name, "all": map[string]any{
		"instance_type": "t4g.small", "instance_min": 1, "instance_max": size, "health_check": "HTTP:8080/health",
		"public_ports": map[int]any{443: map[string]any{"internal_port": 8080}},
		"services":     map[string]any{"web": map[string]any{"image": "nginx:1.29", "ports": map[int]any{8080: 8080}}},
		"databases":    map[string]any{"main": map[string]any{"type": "postgres"}},
		"caches":       map[string]any{"sessions": map[string]any{}},
		"alarms": map[string]any{
			"endpoints": map[string]any{"mail": map[string]any{"type": "email", "addresses": []string{"ops@example.com"}}},
			"triggers": map[string]any{
				"cpu":    map[string]any{"metric": "cpu", "threshold": ">90", "endpoints": []string{"mail"}},
				"errors": map[string]any{"metric": "backend5xx", "threshold": ">10", "endpoints": []string{"mail"}},
			}},
	}}
}

// build writes the artifact directory, with other sizes of the first changed apps.
func (s *simulation) build(changed int) string {
	s.Helper()
	for i := range s.size.apps {
		name, most := fmt.Sprintf("app%04d", i), 2
		if i < changed {
			most = 3
		}
		write(s, filepath.Join(s.dir, name+".yaml"), simulated(name, most))
	}
	out := filepath.Join(s.TempDir(), "build")
	args := []string{"build", "--quiet", "--with-orbit", "--orbit", filepath.Join(s.dir, "orbit.yaml"), "--out", out}
	s.step("build", append(args, apps(s, s.dir)...)...)
	return out
}

// prepare makes the account: zones, images, buckets, and stacks of others.
func (s *simulation) prepare() {
	s.Helper()
	s.dir = manifests(s, size{0, s.size.regions})
	s.account.Latency, s.account.Step, s.account.ChangeSetDelay = simulatedLatency, simulatedStep, simulatedStep
	s.account.Zone("example.com")
	for _, region := range simulatedRegions {
		s.account.Debian(region)
		s.account.Bucket(s, region)
		for i := range foreignStacks / len(simulatedRegions) {
			s.account.Put(s, cloudtest.Stack{Region: region, Name: fmt.Sprintf("foreign-%04d", i),
				Status: types.StackStatusUpdateComplete, Template: `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`})
		}
	}
	s.limited = cloudtest.NewLimited(s, s.account, simulatedRates)
}

var simulatedRegions = []string{"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"}

// run does the steps of the table.
func (s *simulation) run() {
	s.prepare()
	fmt.Printf("\n%d apps in %d regions: %d stacks, and %d others in the account; 50 ms a call; of each region and operation "+
		"DescribeStacks 5/s, other calls of CloudFormation 20/s\n\n", s.size.apps, s.size.regions, s.stacks(), foreignStacks)
	fmt.Print("| step | calls | of DescribeStacks | a stack | refused | wall | processor | peak memory |\n",
		strings.Repeat("|---", 8), "|\n")
	first := s.build(0)
	deploy := func(name, dir string, flags ...string) {
		s.step(name, slices.Concat([]string{"deploy", dir, "--yes", "--quiet", "--lambda-bucket", "spacel-" + cloudtest.Account(s) +
			"-{region}"}, flags)...)
	}
	deploy("deploy, first", first)
	deploy("deploy, unchanged", first)
	for _, region := range simulatedRegions {
		cloudtest.SetItems(s.account, region, "bench-releases", nil)
	}
	deploy("deploy, unchanged, no items", first)
	deploy("deploy, unchanged, --verify", first, verifyOf(s.spacel)...)
	s.step("status", "status", first, "--quiet")
	s.step("diff --live", "diff", "--live", first, "--quiet")
	next := s.build(max(1, s.size.apps/100))
	deploy("deploy, 1 % changed", next)
	deploy("deploy, unchanged after it", next)
	s.step("destroy", "destroy", next, "--confirm", "bench", "--quiet")
}

// verifyOf is the flag --verify, which a spacel of before does not have.
func verifyOf(spacel string) []string {
	out, _ := exec.Command(spacel, "deploy", "-h").CombinedOutput()
	if bytes.Contains(out, []byte("--verify")) {
		return []string{"--verify"}
	}
	return nil
}

// stacks is the number of the orbit's stacks: the apps', and three of its own in each region.
func (s *simulation) stacks() int { return (s.size.apps + 3) * s.size.regions }

// step runs spacel, and prints a line of the table.
func (s *simulation) step(name string, args ...string) {
	s.Helper()
	s.limited.Count()
	cmd := exec.Command(s.spacel, args...)
	cmd.Env = append(os.Environ(), cloudtest.Environment(s, s.limited.URL)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Start()
	if err != nil {
		s.Fatal(err)
	}
	peak := watchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	took, memory := time.Since(began), <-peak
	calls, refused := s.limited.Count()
	total := sum(calls)
	share := 0.0
	if total > 0 {
		share = 100 * float64(sum(refused)) / float64(total)
	}
	fmt.Printf("| %s | %d | %d | %.3f | %.0f %% | %.1f s | %.1f s | %d MiB |\n", name, total, calls["cloudformation:DescribeStacks"],
		float64(total)/float64(s.stacks()), share, took.Seconds(),
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), memory/1024)
	if err != nil {
		text := out.String()
		s.Fatalf("spacel %s: %v: %s", args[0], err, text[max(0, len(text)-4000):])
	}
	if os.Getenv("SPACEL_SIMULATE_CALLS") != "" {
		fmt.Printf("    %v refused %v\n", calls, refused)
	}
}

// watchMemory sends the peak of a process's resident memory in KiB, as Linux tells it until the process ends. The resource usage of a
// child is of no use here: it begins with the memory of the parent, which holds the account.
func watchMemory(pid int) <-chan int {
	out := make(chan int, 1)
	go func() {
		peak := 0
		for {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, after, found := strings.Cut(string(text), "VmHWM:")
			if err != nil || !found { // it has ended
				out <- peak
				return
			}
			if n, err := strconv.Atoi(strings.Fields(after)[0]); err == nil {
				peak = max(peak, n)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return out
}

// sum adds the counts.
func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}
