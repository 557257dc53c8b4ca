package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/pebble/spacel/agent"
)

// root is the directory below which the agent reads and writes files. Tests use a temporary one.
const root = "/"

// machine is the host itself.
func machine() agent.Machine {
	return agent.Machine{Root: root, Run: runProgram, Systemd: agent.ConnectSystemd, Notify: agent.Notify}
}

// endpoints stand in for AWS's in a test, as the SDK's own variables say.
func endpoints() agent.Endpoints {
	return agent.Endpoints{
		Services: os.Getenv("AWS_ENDPOINT_URL"),
		Metadata: os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
	}
}

// runProgram returns a program's standard output. The error of a failed program has its standard error. LC_ALL=C makes
// programs write English, which the agent parses.
func runProgram(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if said := strings.TrimSpace(stderr.String()); err != nil && said != "" {
		err = fmt.Errorf("%s: %w: %s", name, err, said)
	} else if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return stdout.String(), err
}

// endWithin is how long a program may take to end after it was asked to. A job that lost its lock must end before the lock's
// lease.
const endWithin = 20 * time.Second

// streamProgram runs a program with this process's own output and input. A program that a signal ended has 128 and the signal's
// number as its code, as in a shell.
func streamProgram(ctx context.Context, env []string, name string, args ...string) (code int, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return 0, fmt.Errorf("run %s: %w", name, err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	// A program that ends with 0 after the signal has ended well.
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed && ctx.Err() == nil {
		return 0, fmt.Errorf("run %s: %w", name, err)
	}
	return cmd.ProcessState.ExitCode(), nil
}
