package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/needs"
)

// machine is a folder that the install script takes for an instance: its own paths, and only the commands put into bin.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the script is for Debian")
	}
	m := machine{t, t.TempDir()}
	m.write("var/lib/cloud/data/instance-id", "i-0123456789abcdef0\n")
	m.write("proc/uptime", "20.00 10.00\n")
	m.write("var/lib/apt/daily_lock", "")
	m.write("usr/local/bin/empty", "")
	m.write("uploaded", "#!/bin/sh\necho agent \"$@\" >>$CALLS\n")
	for _, tool := range []string{"sh", "cat", "cut", "date", "rm", "chmod", "mv", "cp", "sha256sum", "flock", "grep", "tr"} {
		path := needs.Program(t, tool)
		if err := os.MkdirAll(filepath.Join(m.root, "bin"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(m.root, "bin", tool)); err != nil {
			t.Fatal(err)
		}
	}
	m.command("dpkg", "")
	m.packages("dockerd docker") // as on Debian 12
	m.knows("")
	m.command("aws", `[ "$2" != get-object ] || { for last; do :; done; cp "$ROOT/uploaded" "$last"; }`)
	m.copy("bin/aws", "awscli")
	m.command("sleep", `echo "$(($(cut -d. -f1 "$ROOT/proc/uptime") + $1)).00" >"$ROOT/proc/uptime"`)
	return m
}

func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) write(name, content string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(content), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// command is a program that notes how it was called and then runs a script.
func (m machine) command(name, script string) {
	m.write("bin/"+name, "#!/bin/sh\necho "+name+" \"$*\" >>$CALLS\n"+script+"\n")
}

func (m machine) copy(from, to string) {
	m.t.Helper()
	body, err := os.ReadFile(m.path(from))
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(to, string(body))
}

func (m machine) remove(name string) {
	m.t.Helper()
	if err := os.Remove(m.path(name)); err != nil {
		m.t.Fatal(err)
	}
}

// packages has docker.io bring commands, and docker-cli the one it is for.
func (m machine) packages(docker string) {
	m.command("apt-get", `made() { for name; do cp "$ROOT/bin/dpkg" "$ROOT/bin/$name"; done; }
case "$*" in *install*docker.io*) made `+docker+` ;; esac
case "$*" in *install*docker-cli*) made docker ;; esac
case "$*" in *install*awscli*) cp "$ROOT/awscli" "$ROOT/bin/aws" ;; esac`)
}

// knows is apt's answer about docker-cli. Debian 12 has no such package, and show, which knows the name from other packages, succeeds.
func (m machine) knows(versions string) {
	m.command("apt-cache", `case $1 in madison) printf "`+versions+`" ;; esac`)
}

// install runs the script and gives the calls it made, one per line.
func (m machine) install(docker bool) (calls []string, err error) {
	m.t.Helper()
	uploaded, err := os.ReadFile(m.path("uploaded"))
	if err != nil {
		m.t.Fatal(err)
	}
	sum := sha256.Sum256(uploaded)
	script := strings.ReplaceAll(installScriptOf(m.t, docker), resolved["AgentDigestAmd64"], hex.EncodeToString(sum[:]))
	return m.run(script)
}

func (m machine) run(script string) (calls []string, err error) {
	m.t.Helper()
	for _, path := range []string{"/var/lib/", "/proc/uptime", "/usr/local/bin/"} {
		script = strings.ReplaceAll(script, path, m.root+path)
	}
	m.write("install", strings.Replace(script, "#!/bin/sh", "#!"+m.path("bin/sh"), 1))
	cmd := exec.Command(m.path("install"))
	cmd.Env = []string{"PATH=" + m.path("bin"), "ROOT=" + m.root, "CALLS=" + m.path("calls")}
	out, err := cmd.CombinedOutput()
	m.t.Logf("%s", out)
	noted, _ := os.ReadFile(m.path("calls"))
	return strings.Split(strings.TrimSpace(string(noted)), "\n"), err
}

func (m machine) installed() bool {
	info, err := os.Stat(m.path("usr/local/bin/spacel-agent"))
	return err == nil && info.Mode().Perm() == 0o755
}

// called gives the calls of a program, without its name.
func called(calls []string, program string) []string {
	var out []string
	for _, call := range calls {
		if arguments, ok := strings.CutPrefix(call, program+" "); ok {
			out = append(out, arguments)
		}
	}
	return out
}

// refused holds a run to having told CloudFormation and the boot log, and to having installed nothing.
func (m machine) refused(calls []string, err error, reason string) {
	m.t.Helper()
	if err == nil {
		m.t.Error("the script says it succeeded")
	}
	aws := strings.Join(called(calls, "aws"), "\n")
	for _, want := range []string{
		"logs create-log-stream --log-group-name production-boot --log-stream-name laika/i-0123456789abcdef0\n",
		reason,
		"cloudformation signal-resource --stack-name " + resolved["AWS::StackId"] +
			" --logical-resource-id Asg --unique-id i-0123456789abcdef0 --status FAILURE",
	} {
		if !strings.Contains(aws, want) {
			m.t.Errorf("no call of aws with %q in\n%s", want, aws)
		}
	}
	if m.installed() {
		m.t.Error("the agent is installed")
	}
}

func TestInstallGetsWhatTheImageLacks(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(machine)
		docker  bool
		want    []string
	}{
		"Debian 12": {func(m machine) {}, true, []string{"docker.io apparmor"}},
		"Debian 13": {func(m machine) { m.packages("dockerd"); m.knows("docker-cli | 26.1.5 | trixie\\n") }, true,
			[]string{"docker.io apparmor docker-cli"}},
		"prebaked":       {func(m machine) { m.command("dockerd", ""); m.command("docker", "") }, true, nil},
		"without client": {func(m machine) { m.command("dockerd", "") }, true, []string{"docker-cli"}},
		"a bastion":      {func(m machine) {}, false, nil},
		"without awscli": {func(m machine) { m.remove("bin/aws") }, false, []string{"awscli"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			test.prepare(m)
			calls, err := m.install(test.docker)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, call := range called(calls, "apt-get") {
				if _, packages, ok := strings.Cut(call, "--no-install-recommends "); ok {
					got = append(got, packages)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("installed %q, want %q", got, test.want)
			}
		})
	}
}

func TestInstallFetchesTheAgent(t *testing.T) {
	m := newMachine(t)
	calls, err := m.install(true)
	if err != nil || !m.installed() {
		t.Fatalf("installed: %t, %v", m.installed(), err)
	}
	want := []string{"s3api get-object --cli-connect-timeout 10 --bucket assets.example.com --key agent/amd64/4d2f " +
		m.path("usr/local/bin/spacel-agent.new")}
	if got := called(calls, "aws"); !slices.Equal(got, want) {
		t.Errorf("aws %q, want %q", got, want)
	}
}

// The agent arrives while the packages are installed, not after them.
func TestInstallFetchesMeanwhile(t *testing.T) {
	m := newMachine(t)
	m.copy("bin/apt-get", "bin/ready")
	m.command("apt-get", `case "$*" in *install*) n=0; until [ -e "$ROOT/usr/local/bin/spacel-agent.new" ]; do n=$((n + 1))
[ $n -lt 1000000 ] || exit 1; done; ready "$@" ;; esac`)
	if _, err := m.install(true); err != nil || !m.installed() {
		t.Errorf("installed: %t, %v", m.installed(), err)
	}
}

// A later boot needs neither mirrors nor S3.
func TestInstallAgainDoesNothing(t *testing.T) {
	m := newMachine(t)
	if _, err := m.install(true); err != nil {
		t.Fatal(err)
	}
	m.write("calls", "")
	if calls, err := m.install(true); err != nil || len(calls) != 1 || calls[0] != "" || !m.installed() {
		t.Errorf("ran %q, installed: %t, %v", calls, m.installed(), err)
	}
}

// An image made of an instance holds the agent that was the right one then.
func TestInstallReplacesAnotherAgent(t *testing.T) {
	m := newMachine(t)
	m.write("usr/local/bin/spacel-agent", "#!/bin/sh\n")
	m.write(document.StatusPath, `{"instance":"i-00000000000000000"}`)
	if _, err := m.install(true); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(m.path("usr/local/bin/spacel-agent"))
	if err != nil || !strings.Contains(string(got), "$CALLS") || !m.installed() {
		t.Errorf("the agent is %q, %v", got, err)
	}
}

// A stack that waits for another instance would take this one's failure for that of the other.
func TestInstallOfABootedInstanceSignalsNothing(t *testing.T) {
	m := newMachine(t)
	m.write(document.StatusPath, `{"instance":"i-0123456789abcdef0"}`)
	calls, err := m.run(installScriptOf(t, true))
	if err == nil || slices.ContainsFunc(calls, func(c string) bool { return strings.Contains(c, "signal-resource") }) {
		t.Errorf("%v: %q", err, calls)
	}
}

func TestInstallWaitsForWhatLags(t *testing.T) {
	m := newMachine(t)
	m.copy("bin/apt-get", "bin/ready")
	m.command("apt-get", `case "$*" in *install*) [ "$(cut -d. -f1 "$ROOT/proc/uptime")" -gt 100 ] && ready "$@" ;; esac`)
	if _, err := m.install(true); err != nil || !m.installed() {
		t.Errorf("installed: %t, %v", m.installed(), err)
	}
}

func TestInstallRefusesAWrongDigest(t *testing.T) {
	m := newMachine(t)
	calls, err := m.run(installScriptOf(t, true))
	m.refused(calls, err, "not "+resolved["AgentDigestAmd64"]+": refused")
	if _, err := os.Stat(m.path("usr/local/bin/spacel-agent.new")); err == nil {
		t.Error("the refused agent is still there")
	}
}

func TestInstallGivesUp(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(machine)
		reason  string
	}{
		"no packages": {
			func(m machine) { m.command("apt-get", "exit 100") },
			"the packages docker.io apparmor could not be installed",
		},
		"no agent": {
			func(m machine) { m.command("aws", `[ "$2" != get-object ]`) },
			"the agent could not be fetched from s3://assets.example.com/agent/amd64/4d2f",
		},
		"an agent of another architecture": {
			func(m machine) { m.write("uploaded", "\x7fELF\x02\x01\x01") },
			"the agent does not run on this machine",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			test.prepare(m)
			calls, err := m.install(true)
			m.refused(calls, err, test.reason)
		})
	}
}
