package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// dockerSwitches are the options of docker run that take no value in the next word (Docker CLI reference, "docker container run").
// Every other option does, unless it is written with =.
var dockerSwitches = []string{
	"-d", "--detach", "--disable-content-trust", "--help", "--init", "-i", "--interactive", "--no-healthcheck", "--oom-kill-disable",
	"--privileged", "-P", "--publish-all", "-q", "--quiet", "--read-only", "--rm", "--sig-proxy", "-t", "--tty", "--use-api-socket",
}

// notForOneOff are the options that belong to the one container of the unit: its name, its ports and the check that restarts it. A
// second container with its network alias would get requests of other containers.
var notForOneOff = []string{
	"--name", "--rm", "-p", "--publish", "-P", "--publish-all", "--network-alias", "--net-alias", "--ip", "--ip6", "--hostname", "-h",
	"--restart", "--cidfile", "-d", "--detach", "-i", "--interactive", "-t", "--tty", "--no-healthcheck", "--health-cmd",
	"--health-interval", "--health-retries", "--health-timeout", "--health-start-period", "--health-start-interval",
}

// The options of a unit's container stand in the unit, as systemd reads them, and in docker inspect, if there is a container. The unit is
// read, because a one-off container is wanted most when the unit's own does not start. Docker's client has no library to parse its
// command line, so the few necessary facts are listed here, and a test compares them with the client's help.

// dockerRun is the command line of a unit's container.
type dockerRun struct {
	options    [][]string // each an option, with its value if that is a word of its own
	image      string
	entrypoint []string // words of the manifest's entrypoint behind the first, which docker run takes in front of the command
}

// readDockerRun finds the parts of docker run in the command that starts a unit. Words before it belong to the agent, which starts
// jobs of one instance. Entrypoint is the number of words in the manifest's entrypoint.
func readDockerRun(unit string, words []string, entrypoint int) (dockerRun, error) {
	i := dockerRunAt(words)
	if i < 0 {
		return dockerRun{}, fmt.Errorf("%s has no container that a command could run in: its ExecStart= is not docker run", unit)
	}
	// Docker reads options until the first other word, the image.
	var found dockerRun
	rest := words[i+2:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		n := 2
		if slices.Contains(dockerSwitches, rest[0]) || strings.Contains(rest[0], "=") || clustered(rest[0]) {
			n = 1
		}
		if n > len(rest) {
			break
		}
		found.options, rest = append(found.options, rest[:n]), rest[n:]
	}
	if len(rest) == 0 {
		return dockerRun{}, fmt.Errorf("%s: its docker run names no image", unit)
	}
	found.image = rest[0]
	if extra := entrypoint - 1; extra > 0 && extra < len(rest) {
		found.entrypoint = rest[1 : 1+extra]
	}
	return found, nil
}

// dockerRunAt returns the position of docker run in the words of a command, and -1 without one.
func dockerRunAt(words []string) int {
	return slices.IndexFunc(words, func(word string) bool {
		i := slices.Index(words, word)
		return path.Base(word) == "docker" && i+1 < len(words) && words[i+1] == "run"
	})
}

// containerOf returns the name of a unit's container: that of docker run's --name, which the compiler makes the unit's own name.
func containerOf(unit string, words []string) string {
	found, err := readDockerRun(unit, words, 0)
	if err != nil {
		return unit
	}
	for _, option := range found.options {
		if name, ok := strings.CutPrefix(option[0], "--name="); ok {
			return name
		}
		if option[0] == "--name" && len(option) == 2 {
			return option[1]
		}
	}
	return unit
}

// clustered reports whether a word is a one-letter option with its value, or several one-letter switches: -p80:80, -it.
func clustered(word string) bool { return len(word) > 2 && word[0] == '-' && word[1] != '-' }

// oneOff returns a command line for a container with the same image, environment and volumes.
func (d dockerRun) oneOff(name string, interactive, command []string) []string {
	argv := slices.Concat([]string{docker, "run", "--rm", "--name", name}, interactive)
	for _, option := range d.options {
		word, _, _ := strings.Cut(option[0], "=")
		if clustered(word) && word[1] == 'p' {
			word = "-p"
		}
		if slices.Contains(notForOneOff, word) || clustered(word) && strings.Trim(word, "-ditP") == "" {
			continue
		}
		argv = append(argv, option...)
	}
	return slices.Concat(argv, []string{d.image}, d.entrypoint, command)
}

// startCommand returns the words of a unit's ExecStart=, as systemd understands its file and its drop-ins.
func startCommand(ctx context.Context, m Machine, unit string) ([]string, error) {
	out, err := m.Run(ctx, "busctl", "--json=short", "get-property", manager, unitPath(unit), manager+".Service", "ExecStart")
	if err != nil {
		return nil, fmt.Errorf("ask systemd for the command of %s: %w", unit, err)
	}
	// a(sasbttttuii): the program, the words, and details of the last run (org.freedesktop.systemd1(5), "ExecStart").
	var answer struct{ Data [][]json.RawMessage }
	var words []string
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Data) > 0 && len(answer.Data[0]) < 2 {
		return nil, fmt.Errorf("ask systemd for the command of %s: its answer is not the one of busctl", unit)
	}
	if len(answer.Data) == 0 {
		return nil, nil // a unit without a start command
	}
	if err := json.Unmarshal(answer.Data[0][1], &words); err != nil {
		return nil, fmt.Errorf("ask systemd for the command of %s: %w", unit, err)
	}
	return words, nil
}

// literal replaces $$ by a dollar sign. A single one is a variable of the unit, whose value systemd knows only when it starts the
// unit (systemd.service(5), "Command lines").
func literal(unit string, words []string) error {
	for i, word := range words {
		if strings.Contains(strings.ReplaceAll(word, "$$", ""), "$") {
			return fmt.Errorf("the command of %s has a variable that only systemd knows: %s", unit, word)
		}
		words[i] = strings.ReplaceAll(word, "$$", "$")
	}
	return nil
}

// entrypointWords returns the number of an entrypoint's words, as the compiler noted it in a unit, and 0 without a note.
func entrypointWords(unit string) int {
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), document.EntrypointWords+"="); ok {
			n, _ := strconv.Atoi(value)
			return n
		}
	}
	return 0
}
