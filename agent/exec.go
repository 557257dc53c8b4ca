package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// docker is the client, as units call it.
const docker = "/usr/bin/docker"

// Exec is a command for a unit, as spacel exec sends it. It runs as root, which an admin of the app becomes by sudo.
type Exec struct {
	Unit     string   // with or without .service
	Command  []string // the program and its arguments, which no shell reads
	OneOff   bool     // run a container of its own
	Terminal bool
	Caller   string // the user who called sudo: runs the command of a unit without a container; empty means root
}

// Run runs the command with the streams of this process, and returns its exit code. An error says that nothing ran.
func (e Exec) Run(ctx context.Context, m Machine, run Stream) (code int, err error) {
	unit, err := e.find(m)
	if err != nil {
		return 0, err
	}
	if e.OneOff {
		return e.oneOff(ctx, m, unit, run)
	}
	argv, err := e.inPlace(ctx, m, unit)
	if err != nil {
		return 0, err
	}
	return run(ctx, nil, argv[0], argv[1:]...)
}

// find returns the full name of the unit, which must be one of the app's.
func (e Exec) find(m Machine) (string, error) {
	unit := e.Unit
	if path.Ext(unit) != ".service" {
		unit += ".service"
	}
	known, err := appServices(m)
	if err != nil {
		return "", fmt.Errorf("list the units: %w", err)
	}
	if slices.Contains(known, unit) {
		return unit, nil
	}
	if len(known) == 0 {
		return "", fmt.Errorf("there is no unit %s: this instance has no units, or has not booted yet; see spacel-agent status", e.Unit)
	}
	// Users know units by the name in the manifest, which has no ending.
	for i, name := range known {
		known[i] = strings.TrimSuffix(name, ".service")
	}
	return "", fmt.Errorf("there is no unit %s: the units are %s", e.Unit, strings.Join(known, ", "))
}

// appServices lists the services written by a boot. Other units in the same directory are links, which systemctl makes, or the
// agent's own. Templates (name@.service) have no container.
func appServices(m Machine) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(m.Root, unitsDirectory))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.Type().IsRegular() && path.Ext(name) == ".service" && !strings.HasPrefix(name, "spacel-") &&
			!strings.HasSuffix(name, "@.service") {
			names = append(names, name)
		}
	}
	return names, nil
}

// inPlace returns the command line that runs the command in the unit's running container. A unit without a container runs on the
// host, and so does the command, as the user who called.
func (e Exec) inPlace(ctx context.Context, m Machine, unit string) ([]string, error) {
	words, err := startCommand(ctx, m, unit)
	if err != nil {
		return nil, err
	}
	container := containerOf(unit, words)
	state, err := containerState(ctx, m, container)
	switch {
	case err != nil:
		return nil, err
	case state == "running":
		return slices.Concat([]string{docker, "exec"}, e.interactive(), []string{container}, e.Command), nil
	case state == "" && dockerRunAt(words) < 0:
		return e.onHost(), nil
	case state == "":
		state = "absent"
	}
	return nil, fmt.Errorf("the container of %s is not running (%s): see systemctl status %s, or run a container of its own with --one-off",
		unit, state, unit)
}

// onHost gives up root again: the unit names no user for other commands.
func (e Exec) onHost() []string {
	if e.Caller == "" {
		return e.Command
	}
	return append([]string{"sudo", "-H", "-u", e.Caller, "--"}, e.Command...)
}

// interactive returns the options of standard input and of the terminal.
func (e Exec) interactive() []string {
	if e.Terminal {
		return []string{"--interactive", "--tty"}
	}
	return []string{"--interactive"}
}

// containerState returns the state of a container in Docker's words, such as running or exited, and "" if there is none.
func containerState(ctx context.Context, m Machine, name string) (string, error) {
	out, err := m.Run(ctx, docker, "container", "inspect", "--format", "{{.State.Status}}", name)
	// The words of Docker's daemon for an unknown name: "No such container: web.service".
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "no such container") {
		return "", nil
	}
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // an image without Docker
	}
	if err != nil {
		return "", fmt.Errorf("ask Docker for the container %s: %w", name, err)
	}
	return strings.TrimSpace(out), nil
}

// oneOff runs the command in a new container like the unit's, and removes the container, also after an interrupted run.
func (e Exec) oneOff(ctx context.Context, m Machine, unit string, run Stream) (code int, err error) {
	start, err := startCommand(ctx, m, unit)
	if err == nil {
		err = literal(unit, start)
	}
	if err != nil {
		return 0, err
	}
	text, err := m.readFile(unitsDirectory + "/" + unit)
	if err != nil {
		return 0, err
	}
	container, err := readDockerRun(unit, start, entrypointWords(string(text)))
	if err != nil {
		return 0, err
	}
	name := strings.TrimSuffix(unit, ".service") + "-one-off-" + strings.ToLower(rand.Text()[:8])
	argv := container.oneOff(name, e.interactive(), e.Command)
	code, err = run(ctx, nil, argv[0], argv[1:]...)
	// An interrupted run has an ended context, with which no program could be started.
	// --rm removes the container when it ends. A killed client leaves it running.
	_, _ = m.Run(context.WithoutCancel(ctx), docker, "rm", "--force", name)
	return code, err
}
