package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebble/spacel/internal/cloudtest"
)

func TestDeployWithoutTerminal(t *testing.T) {
	a := newAccount(t)
	a.unchanged(func() {
		s := a.spacel("deploy", "build", "--verbose")
		a.expect(s, exitError, "us-east-1/test-vpc create", "+ create        Vpc  AWS::EC2::VPC  orbit.json:1:1",
			"spacel deploy: there is no terminal to ask on: give --yes to go ahead, or --dry-run to see the plan only; nothing was changed")
	})
	s := a.must("deploy", "build", "--yes")
	a.expect(s, 0, "us-east-1/test-web  done CREATE_COMPLETE", "Sg  AWS::EC2::SecurityGroup  CREATE_IN_PROGRESS",
		"us-east-1/test-web  https://web-test.example.com", "stacks: 3 created")
	if strings.Contains(s.stdout, "\x1b") {
		t.Error("control sequences in a log")
	}
	a.unchanged(func() {
		a.expect(a.spacel("deploy", "build"), 0, "nothing to do: 3 stacks already match build/") // there is nothing to ask about
	})
}

func TestDeployDryRun(t *testing.T) {
	a := newAccount(t)
	a.unchanged(func() {
		a.expect(a.spacel("deploy", "build", "--dry-run"), 0, "test-web later in us-east-1: 2 resources, waits for test-vpc",
			"+ 1 database, 1 security group", "costs: database ", "(--verbose lists them)")
	})
	a.must("deploy", "build", "--yes")
	a.build(web("large"))
	a.unchanged(func() {
		s := a.spacel("deploy", "build", "--dry-run")
		a.expect(s, 0, "us-east-1/test-web update", "~ update        Main  AWS::RDS::DBInstance  web.json:7:5",
			"DBInstanceClass: small → large")
	})
}

func TestDeployJSON(t *testing.T) {
	a := newAccount(t)
	lines := jsonObjects(t, a.must("deploy", "build", "--yes", "--output", "json").stdout)
	if first, last := lines[0], lines[len(lines)-1]; first["kind"] != "plan" || first["orbit"] != "test" || last["kind"] != "summary" ||
		last["ok"] != true {
		t.Errorf("first %v\nlast %v", first, last)
	}
	kinds := map[any]int{}
	for _, line := range lines {
		kinds[line["kind"]]++
	}
	if kinds["done"] != 3 || kinds["started"] != 3 || kinds["resource"] == 0 {
		t.Errorf("%v", kinds)
	}
}

func TestDeployNarrowed(t *testing.T) {
	a := newAccount(t)
	a.expect(a.spacel("deploy", "build", "--yes", "--app", "web"), exitError, "us-east-1/test-web needs us-east-1/test-tables")
	a.must("deploy", "build", "--yes", "--stack", "test-vpc", "--stack", "us-east-1/test-tables")
	a.must("deploy", "build", "--yes", "--app", "web", "--version", "v2")
	if got := a.cf.Seen(east, "test-web").Parameters["Version"]; got != "v2" {
		t.Errorf("the version is %s", got)
	}
}

// A failure is explained, and the exit code says no.
func TestDeployFails(t *testing.T) {
	a := newAccount(t)
	a.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Sg", When: cloudtest.Create, Reason: "no more groups"})
	s := a.spacel("deploy", "build", "--yes")
	a.expect(s, exitNo, "us-east-1/test-web failed: ", "Sg", "web.json:3:5", "no more groups", "  next: ", "stacks: 2 created, 1 failed")
	if n := strings.Count(s.stderr, "no more groups"); n != 1 {
		t.Errorf("the explanation gives the reason %d times:\n%s", n, s.stderr)
	}
	a.expect(a.spacel("deploy", "build", "--yes", "--quiet"), 0)
}

// A danger is not covered by --yes. Without a terminal it leaves its stack alone, and the others go on.
func TestDeployDanger(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.build(strings.Replace(web("small"), "postgres", "mysql", 1))
	a.unchanged(func() {
		s := a.spacel("deploy", "build", "--yes")
		a.expect(s, exitNo, "! maybe replace Main  AWS::RDS::DBInstance",
			"us-east-1/test-web failed: not agreed to: AWS::RDS::DBInstance Main",
			"(--allow-replace us-east-1/test-web/Main)", "stacks: 2 unchanged, 1 failed")
	})
	a.vpc = strings.Replace(vpcTemplate, "10.0.0.0/16", "10.0.0.0/16\", \"EnableDnsHostnames\": \"true", 1)
	a.build(strings.Replace(web("small"), "postgres", "mysql", 1))
	a.expect(a.spacel("deploy", "build", "--yes"), exitNo, "us-east-1/test-web failed: not agreed to",
		"stacks: 1 updated, 1 unchanged, 1 failed")
	a.expect(a.spacel("deploy", "build", "--yes", "--allow-replace", "us-east-1/test-web/Main"), 0, "stacks: 1 updated, 2 unchanged")
}

func TestDeployTimeout(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.build(web("large"))
	a.cf.Hold(east, "test-web")
	a.expect(a.spacel("deploy", "build", "--yes", "--timeout", "200ms"), exitError, "--timeout")
	a.cf.Release(east, "test-web")
	a.must("deploy", "build", "--yes")
}

// interruptible is a context with interrupts that a test sends.
func interruptible(t *testing.T) (context.Context, func()) {
	in := &interrupts{stderr: t.Output(), exit: func(int) { t.Error("the process was ended") }}
	ctx, cancel := context.WithCancel(t.Context())
	return context.WithValue(ctx, interruptsKey{}, in), func() { in.arrived(cancel) }
}

// running waits until a stack is in the middle of an operation.
func (a *account) running(name string) {
	a.Helper()
	for range 2000 {
		if s := a.cf.Seen(east, name); s != nil && strings.HasSuffix(string(s.Status), "_IN_PROGRESS") && s.Status != "REVIEW_IN_PROGRESS" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	a.Fatalf("%s never ran", name)
}

// Without a terminal the first interrupt waits, and the second detaches.
func TestDeployInterrupted(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.build(web("large"))
	a.cf.Hold(east, "test-web")
	ctx, interrupt := interruptible(t)
	var out, errs lockedBuffer
	done := make(chan int)
	go func() { done <- a.run(ctx, newConsole(strings.NewReader(""), &out, &errs), "deploy", "build", "--yes") }()
	a.running("test-web")
	interrupt()
	select {
	case code := <-done:
		t.Fatalf("it ended with %d", code)
	case <-time.After(50 * time.Millisecond):
	}
	interrupt()
	if code := <-done; code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	a.expect(session{exitInterrupted, out.String(), errs.String()}, exitInterrupted, "interrupted; run the same command again to continue",
		"1 detached")
	a.cf.Release(east, "test-web")
	a.expect(a.must("deploy", "build", "--yes"), 0)
	if got := a.cf.Seen(east, "test-web"); got.Status != "UPDATE_COMPLETE" {
		t.Errorf("it is %s", got.Status)
	}
}

// An interrupt before anything changes leaves no trace.
func TestDeployInterruptedEarly(t *testing.T) {
	a := newAccount(t)
	a.cf.ChangeSetDelay = 300 * time.Millisecond
	ctx, interrupt := interruptible(t)
	var out, errs lockedBuffer
	before := a.cf.Everything()
	done := make(chan int)
	go func() { done <- a.run(ctx, newConsole(strings.NewReader(""), &out, &errs), "deploy", "build", "--yes") }()
	for a.cf.Calls()["cloudformation:DescribeChangeSet"] == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	interrupt()
	if code := <-done; code != exitInterrupted || !strings.Contains(errs.String(), "nothing was changed") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if after := a.cf.Everything(); after != before {
		t.Errorf("left behind:\n%s", after)
	}
}

// The process itself: its first signal stops, its second detaches.
func TestDeploySignalled(t *testing.T) {
	a := newAccount(t)
	a.must("deploy", "build", "--yes")
	a.build(web("large"))
	a.cf.Hold(east, "test-web")
	var out, errs lockedBuffer
	cmd := program(t.Context(), "deploy", "build", "--yes")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a.running("test-web")
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		for n := 0; signal == os.Interrupt && n < 2000 && !strings.Contains(errs.String(), "no further stack starts"); n++ {
			time.Sleep(5 * time.Millisecond)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("%v\n%s\n%s", err, out.String(), errs.String())
	}
	if !strings.Contains(out.String(), "1 detached") {
		t.Errorf("%s\n%s", out.String(), errs.String())
	}
}
