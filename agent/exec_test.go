package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/internal/needs"
)

// execHost is an instance with units: what systemd and Docker say of each.
type execHost struct {
	machine    Machine
	start      map[string][]string // ExecStart= by unit
	containers map[string]string   // states by name
	removed    []string
	ran        []string
	code       int
}

func newExecHost(t *testing.T) *execHost {
	h := &execHost{start: map[string][]string{}, containers: map[string]string{}}
	h.machine = Machine{Root: t.TempDir(), Run: h.run}
	dir := filepath.Join(h.machine.Root, unitsDirectory)
	for _, name := range []string{"web.service", "tidy.service", "tidy.timer", "host.service", "spacel-agent.service", "job@.service"} {
		if err := h.machine.writeFile(unitsDirectory+"/"+name, []byte("[Service]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/lib/systemd/system/ssh.service", filepath.Join(dir, "sshd.service")); err != nil {
		t.Fatal(err)
	}
	h.start["web.service"] = strings.Fields("/usr/bin/docker run --rm --name web.service --env-file /files/web.env --network spacel " +
		"--network-alias web --publish 80:8080 --volume /data:/data --init --health-cmd true -e A=b -it -p443:443 -eX=y " +
		"--label=a=b --stop-timeout 10 example/web:v1 serve --port 80")
	h.start["tidy.service"] = append([]string{"/usr/local/bin/spacel-agent", "exclusive", "tidy.service", "daily"},
		strings.Fields("/usr/bin/docker run --rm --name tidy.service --env $$HOME/$$1 --entrypoint tini example/tidy -- sh -c sweep")...)
	h.start["host.service"] = []string{"/usr/bin/python3", "-m", "http.server"}
	return h
}

func (h *execHost) run(_ context.Context, name string, args ...string) (string, error) {
	switch {
	case name == "busctl":
		unit := strings.ReplaceAll(filepath.Base(args[3]), "_2e", ".")
		body, err := json.Marshal(map[string]any{"type": "a(sasbttttuii)", "data": [][]any{{"/x", h.start[unit], false, 0}}})
		return string(body), err
	case args[0] == "container":
		if state := h.containers[args[len(args)-1]]; state != "" {
			return state + "\n", nil
		}
		return "", errors.New("exit status 1: Error response from daemon: No such container: " + args[len(args)-1])
	case args[0] == "rm":
		h.removed = append(h.removed, args[len(args)-1])
	}
	return "", nil
}

func (h *execHost) stream(_ context.Context, _ []string, name string, args ...string) (int, error) {
	h.ran = append([]string{name}, args...)
	return h.code, nil
}

func TestExecRunsInTheContainer(t *testing.T) {
	odd := []string{"sh", "-c", "echo \"$1\"", "", "a b", "it's", "--rm", "\n", "\xff", "$$"}
	for name, c := range map[string]struct {
		exec       Exec
		containers map[string]string
		want       []string
	}{
		"a container": {Exec{Unit: "web", Command: odd}, map[string]string{"web.service": "running"},
			append([]string{docker, "exec", "--interactive", "web.service"}, odd...)},
		"by its whole name": {Exec{Unit: "web.service", Command: []string{"id"}}, map[string]string{"web.service": "running"},
			[]string{docker, "exec", "--interactive", "web.service", "id"}},
		"a terminal": {Exec{Unit: "web", Command: []string{"bash"}, Terminal: true}, map[string]string{"web.service": "running"},
			[]string{docker, "exec", "--interactive", "--tty", "web.service", "bash"}},
		"no container, as the user": {Exec{Unit: "host", Command: []string{"id"}, Caller: "ada"}, nil,
			[]string{"sudo", "-H", "-u", "ada", "--", "id"}},
		"no container, as root": {Exec{Unit: "host", Command: []string{"id"}}, nil, []string{"id"}},
	} {
		h := newExecHost(t)
		h.containers, h.code = c.containers, 7
		code, err := c.exec.Run(t.Context(), h.machine, h.stream)
		if err != nil || code != 7 {
			t.Errorf("%s: %d, %v", name, code, err)
		}
		if diff := cmp.Diff(c.want, h.ran); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestExecRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		exec  Exec
		state string
		want  string
	}{
		"an unknown unit": {Exec{Unit: "wbe"}, "running", "there is no unit wbe: the units are host, tidy, web"},
		"a system's unit": {Exec{Unit: "sshd"}, "running", "there is no unit sshd: "},
		"the agent":       {Exec{Unit: "spacel-agent"}, "running", "there is no unit spacel-agent: "},
		"a timer":         {Exec{Unit: "tidy.timer"}, "running", "there is no unit tidy.timer: "},
		"no container now": {Exec{Unit: "web"}, "", "the container of web.service is not running (absent): " +
			"see systemctl status web.service, or run a container of its own with --one-off"},
		"a stopped container":      {Exec{Unit: "web"}, "exited", "is not running (exited)"},
		"one-off of no container":  {Exec{Unit: "host", OneOff: true}, "", "host.service has no container that a command could run in"},
		"a directory up the files": {Exec{Unit: "../../../etc/passwd"}, "", "there is no unit"},
	} {
		h := newExecHost(t)
		h.containers["web.service"] = c.state
		c.exec.Command = []string{"id"}
		_, err := c.exec.Run(t.Context(), h.machine, h.stream)
		if err == nil || !strings.Contains(err.Error(), c.want) || h.ran != nil {
			t.Errorf("%s: ran %q: %v", name, h.ran, err)
		}
	}
}

// A container of its own has everything but the name, the ports, the alias and the health check.
func TestOneOff(t *testing.T) {
	h := newExecHost(t)
	h.code = 3
	code, err := Exec{Unit: "web", OneOff: true, Terminal: true, Command: []string{"rake", "db:migrate"}}.Run(t.Context(), h.machine,
		h.stream)
	if err != nil || code != 3 {
		t.Fatalf("%d, %v", code, err)
	}
	name := h.ran[4]
	if !regexp.MustCompile(`^web-one-off-[a-z2-7]{8}$`).MatchString(name) || !slices.Equal(h.removed, []string{name}) {
		t.Errorf("the container %s, and removed are %q", name, h.removed)
	}
	h.ran[4] = "NAME"
	want := "/usr/bin/docker run --rm --name NAME --interactive --tty --env-file /files/web.env --network spacel " +
		"--volume /data:/data --init -e A=b -eX=y --label=a=b --stop-timeout 10 example/web:v1 rake db:migrate"
	if got := strings.Join(h.ran, " "); got != want {
		t.Errorf("ran\n%s\nwant\n%s", got, want)
	}
}

// A job keeps its entrypoint, of several words, too, and systemd's $$ is one dollar sign again.
func TestOneOffOfAJob(t *testing.T) {
	h := newExecHost(t)
	if err := h.machine.writeFile(unitsDirectory+"/tidy.service", []byte("[Service]\nX-SpacelEntrypointWords=2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (Exec{Unit: "tidy", OneOff: true, Command: []string{"ls"}}).Run(t.Context(), h.machine, h.stream); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(h.ran[6:], " "); got != "--env $HOME/$1 --entrypoint tini example/tidy -- ls" {
		t.Errorf("ran %s", got)
	}
	h.start["tidy.service"] = append(h.start["tidy.service"], "$VERSION")
	_, err := Exec{Unit: "tidy", OneOff: true, Command: []string{"ls"}}.Run(t.Context(), h.machine, h.stream)
	if err == nil || err.Error() != "the command of tidy.service has a variable that only systemd knows: $VERSION" {
		t.Errorf("got %v", err)
	}
}

// The options without a value are those that Docker's own help shows without one.
func TestDockerSwitches(t *testing.T) {
	out, err := exec.Command(needs.Program(t, "docker"), "run", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{"string", "strings", "list", "int", "uint", "uint16", "bytes", "decimal", "duration", "ulimit", "mount", "map",
		"network", "gpu-request", "stringArray"}
	var switches []string
	option := regexp.MustCompile(`(?m)^ +(?:(-\w), )?(--[a-z0-9-]+) +(\S+)`)
	for _, m := range option.FindAllStringSubmatch(string(out), -1) {
		if !slices.Contains(kinds, m[3]) {
			switches = append(switches, m[1], m[2])
		}
	}
	for _, name := range switches {
		if name != "" && !slices.Contains(dockerSwitches, name) {
			t.Errorf("docker run %s takes no value", name)
		}
	}
	if len(switches) < 20 {
		t.Errorf("only %d options were found", len(switches))
	}
}
