package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/needs"
)

// sshdEnv is a machine that people are to be let in to.
type sshdEnv struct {
	*Boot
	t         *testing.T
	says      *bytes.Buffer
	calls     []string
	effective string // what sshd -T says after the drop-in
	fail      string // a program that fails
}

func newSSHDEnv(t *testing.T, d document.Document[string]) *sshdEnv {
	t.Helper()
	g := &sshdEnv{t: t, says: &bytes.Buffer{}}
	g.Boot = &Boot{Document: &d, Machine: Machine{Root: t.TempDir(), Run: g.run}, Log: slog.New(slog.NewTextHandler(g.says, nil))}
	g.put(sshdProgram, "")
	g.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
	g.put("/etc/group", "root:x:0:\n")
	return g
}

func (g *sshdEnv) put(name, text string) {
	g.t.Helper()
	if err := g.Machine.writeFile(name, []byte(text), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

func (g *sshdEnv) run(_ context.Context, program string, args ...string) (string, error) {
	g.calls = append(g.calls, program+" "+strings.Join(args, " "))
	if g.fail != "" && strings.HasPrefix(program+" "+strings.Join(args, " "), g.fail) {
		return "", errors.New(program + ": exit status 1")
	}
	if program != sshdProgram {
		return "", nil
	}
	settings, err := g.Machine.readFile(sshdDropIn)
	if err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(string(settings)) {
		keyword, value, _ := strings.Cut(line, " ")
		lines = append(lines, strings.ToLower(keyword)+" "+value)
	}
	return g.effective + strings.Join(lines, ""), nil
}

func (g *sshdEnv) stage() {
	g.t.Helper()
	if err := people(g.t.Context(), g.Boot); err != nil {
		g.t.Fatal(err)
	}
}

func (g *sshdEnv) text(name string) string {
	g.t.Helper()
	body, err := g.Machine.readFile(name)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(body)
}

var appDocument = document.Document[string]{Orbit: "production", App: "laika", Region: "us-east-1"}

func TestPeopleAreLetIn(t *testing.T) {
	g := newSSHDEnv(t, appDocument)
	g.stage()
	want := []string{
		"groupadd --system --force spacel-people",
		"useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin spacel-keys",
		"/usr/sbin/sshd -T",
		"systemctl try-reload-or-restart ssh.service",
		"systemctl daemon-reload",
		"systemctl enable --now spacel-people.timer",
		"systemctl start spacel-people.service",
	}
	if !slices.Equal(g.calls, want) {
		t.Errorf("ran\n%s\nwant\n%s", strings.Join(g.calls, "\n"), strings.Join(want, "\n"))
	}
	if access := g.text(accessPath); access != `{"orbit":"production","app":"laika","region":"us-east-1"}` {
		t.Errorf("the instance is %s", access)
	}
	p, err := OpenPeople(g.Machine, Endpoints{}, g.Log)
	if err != nil || p.Access != laika {
		t.Errorf("read back %+v, %v", p, err)
	}
	if settings := g.text(sshdDropIn); strings.Contains(settings, "ForceCommand") {
		t.Errorf("an instance gives no shell:\n%s", settings)
	}
	info, err := os.Stat(filepath.Join(g.Machine.Root, sudoersDropIn))
	if err != nil || info.Mode().Perm() != 0o440 {
		t.Errorf("sudoers: %v, %v", info, err)
	}
}

func TestSecondBootReloadsNothing(t *testing.T) {
	g := newSSHDEnv(t, appDocument)
	g.stage()
	g.put("/etc/passwd", g.text("/etc/passwd")+"spacel-keys:x:999:999::/nonexistent:/usr/sbin/nologin\n")
	g.calls = nil
	g.stage()
	for _, call := range g.calls {
		if strings.HasPrefix(call, "useradd") || strings.Contains(call, "reload-or-restart") {
			t.Errorf("ran %q again", call)
		}
	}
}

func TestBastionsGiveNoShell(t *testing.T) {
	g := newSSHDEnv(t, document.Document[string]{Orbit: "production", Region: "us-east-1", Bastion: true})
	g.put(sudoersDropIn, "left by an image")
	g.stage()
	settings := g.text(sshdDropIn)
	for _, want := range []string{"PermitOpen *:22\n", "PermitTTY no\n", "ForceCommand echo", "AllowTcpForwarding local\n"} {
		if !strings.Contains(settings, want) {
			t.Errorf("no %q in\n%s", want, settings)
		}
	}
	if _, err := g.Machine.readFile(sudoersDropIn); err == nil {
		t.Error("people are root on a bastion")
	}
}

func TestSettingsThatDoNotStand(t *testing.T) {
	g := newSSHDEnv(t, appDocument)
	run := g.Machine.Run
	g.Machine.Run = func(ctx context.Context, program string, args ...string) (string, error) {
		output, err := run(ctx, program, args...)
		return strings.Replace(output, "passwordauthentication no", "passwordauthentication yes", 1), err
	}
	err := people(t.Context(), g.Boot)
	if err == nil || !strings.Contains(err.Error(), `"PasswordAuthentication no" is not in force`) {
		t.Errorf("got %v", err)
	}
}

func TestSettingsThatSSHDRefuses(t *testing.T) {
	g := newSSHDEnv(t, appDocument)
	g.fail = sshdProgram
	if err := people(t.Context(), g.Boot); err == nil || !strings.Contains(err.Error(), "sshd refuses its settings") {
		t.Errorf("got %v", err)
	}
	if _, err := g.Machine.readFile(sshdDropIn); err == nil {
		t.Error("settings that sshd would not start with are still there")
	}
	if slices.ContainsFunc(g.calls, func(c string) bool { return strings.Contains(c, "reload-or-restart") }) {
		t.Error("sshd was reloaded")
	}
}

func TestNobodyToAskFailsNoBoot(t *testing.T) {
	g := newSSHDEnv(t, appDocument)
	g.fail = "systemctl start"
	g.stage()
	if !strings.Contains(g.says.String(), "trying again every minute") {
		t.Errorf("it says\n%s", g.says)
	}
}

func TestImageWithoutSSHD(t *testing.T) {
	g := newSSHDEnv(t, appDocument)
	if err := os.Remove(filepath.Join(g.Machine.Root, sshdProgram)); err != nil {
		t.Fatal(err)
	}
	g.stage()
	if len(g.calls) > 0 || !strings.Contains(g.says.String(), "nobody can log in") {
		t.Errorf("ran %q and says\n%s", g.calls, g.says)
	}
	g.Document.Bastion, g.fail = true, sshdProgram
	if err := people(t.Context(), g.Boot); err == nil {
		t.Error("a bastion without sshd boots")
	}
}

// TestSSHDTakesTheSettings has this machine's sshd check the settings.
func TestSSHDTakesTheSettings(t *testing.T) {
	sshd, keygen := needs.Program(t, "sshd"), needs.Program(t, "ssh-keygen")
	key := filepath.Join(t.TempDir(), "host")
	if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("make a host key: %v %s", err, out)
	}
	privilegeSeparation(t)
	for _, settings := range []string{sshdEverywhere, sshdEverywhere + sshdBastion} {
		g := newSSHDEnv(t, appDocument)
		file := filepath.Join(t.TempDir(), "sshd_config")
		if err := os.WriteFile(file, []byte("HostKey "+key+"\n"+settings), 0o600); err != nil {
			t.Fatal(err)
		}
		g.Machine.Run = func(ctx context.Context, _ string, args ...string) (string, error) {
			out, err := exec.CommandContext(ctx, sshd, append(args, "-f", file)...).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			return string(out), err
		}
		if err := (logins{g.Document, g.Machine}).sshdTakes(t.Context(), settings); err != nil {
			t.Error(err)
		}
	}
}

// privilegeSeparation makes the directory without which Debian's sshd refuses to run as root. On an instance its unit makes it.
func privilegeSeparation(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const dir = "/run/sshd"
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
}
