package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

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
