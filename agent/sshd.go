package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// Files of the stage people on an instance, beside access.json.
const (
	sshdProgram    = "/usr/sbin/sshd"
	sshdDropIn     = "/etc/ssh/sshd_config.d/00-spacel.conf" // of two settings sshd takes the first: no other file comes before
	sudoersDropIn  = "/etc/sudoers.d/spacel-people"
	peopleUnitPath = "/etc/systemd/system/spacel-people.service"
	peopleTimer    = "/etc/systemd/system/spacel-people.timer"
)

// sshdEverywhere lets in the people named by the tables, with a key, and nobody else: not root, not Debian's admin, and
// nobody with a key in a home directory. Agent forwarding is off, since root on the machine could use a forwarded agent.
const sshdEverywhere = `# Made by spacel: who may log in is in the tables of the orbit.
AuthorizedKeysCommand /usr/local/bin/spacel-agent authorized-keys %u
AuthorizedKeysCommandUser ` + keysUser + `
AuthorizedKeysFile none
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
HostbasedAuthentication no
PermitRootLogin no
AllowGroups ` + peopleGroup + `
UsePAM yes
PermitUserEnvironment no
AllowAgentForwarding no
X11Forwarding no
PermitTunnel no
GatewayPorts no
`

// sshdBastion makes a bastion a way through and nothing more: connections on to port 22, no shell, no files. A shell there could
// ask the metadata service for the bastion's own rights.
const sshdBastion = `AllowTcpForwarding local
PermitOpen *:22
AllowStreamLocalForwarding no
PermitTTY no
ForceCommand echo "This is a bastion: nothing runs here. Go through it, with ssh -J $LOGNAME@BASTION $LOGNAME@INSTANCE." >&2; exit 1
`

// sudoers gives the admins of an app what Debian's admin has.
const sudoers = "# Made by spacel.\n%" + peopleGroup + " ALL=(ALL:ALL) NOPASSWD:ALL\n"

// A timer takes no memory between its runs, as a service that runs on would. LogLevelMax keeps systemd's own two lines for each
// run out of the journal.
const (
	peopleUnitText = `[Unit]
Description=spacel: users for those who may log in
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=/usr/local/bin/spacel-agent people
TimeoutStartSec=60
SyslogLevel=notice
LogLevelMax=notice
`
	peopleTimerText = `[Unit]
Description=spacel: users for those who may log in

[Timer]
OnActiveSec=30
OnUnitInactiveSec=60
RandomizedDelaySec=5
AccuracySec=5

[Install]
WantedBy=timers.target
`
)

// people sets up logins. It does not fail when DynamoDB cannot be asked yet: the timer asks again every minute.
func people(ctx context.Context, b *Boot) error {
	if _, err := os.Stat(filepath.Join(b.Machine.Root, sshdProgram)); errors.Is(err, fs.ErrNotExist) && !b.Document.Bastion {
		b.Log.Warn("nobody can log in: the image has no " + sshdProgram)
		return nil
	}
	l := logins{b.Document, b.Machine}
	for _, step := range []func(context.Context) error{l.accounts, l.files, l.sshd, l.startTimer} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, firstSync)
	defer cancel()
	if err := l.run(ctx, "systemctl", "start", filepath.Base(peopleUnitPath)); err != nil {
		b.Log.Warn("no users for people with access yet: trying again every minute", "error", err)
	}
	return nil
}

// firstSync is how long the boot waits for the first users.
const firstSync = 20 * time.Second

// logins sets a machine up so that people can log in.
type logins struct {
	document *document.Document[string]
	machine  Machine
}

// accounts makes the group of our users, and the user that sshd asks for keys as: it owns nothing.
func (l logins) accounts(ctx context.Context) error {
	if err := l.run(ctx, "groupadd", "--system", "--force", peopleGroup); err != nil {
		return err
	}
	local, err := readAccounts(l.machine)
	if err != nil {
		return err
	}
	// A later boot finds the user of the first one.
	if _, exists := local.users[keysUser]; exists {
		return nil
	}
	return l.run(ctx, "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
		"--shell", "/usr/sbin/nologin", keysUser)
}

// files writes the owner of the instance for sshd's command, the units of the timer, and the rights of sudo. On a
// bastion nobody gets root, so a sudo file from the image of another instance is removed.
func (l logins) files(context.Context) error {
	access, err := json.Marshal(Access{Orbit: l.document.Orbit, App: l.document.App, Region: l.document.Region,
		Bastion: l.document.Bastion})
	if err != nil {
		return fmt.Errorf("encode the instance's orbit and app: %w", err)
	}
	if err := l.machine.writeFile(accessPath, access, 0o644); err != nil {
		return err
	}
	if err := l.machine.writeFile(peopleUnitPath, []byte(peopleUnitText), 0o644); err != nil {
		return err
	}
	if err := l.machine.writeFile(peopleTimer, []byte(peopleTimerText), 0o644); err != nil {
		return err
	}
	if !l.document.Bastion {
		return l.machine.writeFile(sudoersDropIn, []byte(sudoers), 0o440)
	}
	return l.machine.removeFile(sudoersDropIn)
}

// startTimer starts the timer of synchronisations, now and at every later start of the machine.
func (l logins) startTimer(ctx context.Context) error {
	if err := l.run(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	return l.run(ctx, "systemctl", "enable", "--now", filepath.Base(peopleTimer))
}

// sshd changes sshd's settings, and takes the change back when sshd would not start with it.
func (l logins) sshd(ctx context.Context) error {
	settings := sshdEverywhere
	if l.document.Bastion {
		settings += sshdBastion
	}
	before, err := l.machine.readFile(sshdDropIn)
	if err == nil && string(before) == settings {
		return nil
	}
	if err := l.machine.writeFile(sshdDropIn, []byte(settings), 0o600); err != nil {
		return err
	}
	// sshd is still running with the old settings. With a broken file it would not start again after a reboot.
	if err := l.sshdTakes(ctx, settings); err != nil {
		return errors.Join(err, l.machine.removeFile(sshdDropIn))
	}
	// sshd may be started by its socket: then there is nothing to reload.
	return l.run(ctx, "systemctl", "try-reload-or-restart", "ssh.service")
}

// sshdTakes checks, with sshd -T, the settings that result from all files. Ours must be in force, and no earlier file
// may override them.
func (l logins) sshdTakes(ctx context.Context, settings string) error {
	output, err := l.machine.Run(ctx, sshdProgram, "-T")
	if err != nil {
		return fmt.Errorf("sshd refuses its settings: %w", err)
	}
	effective := map[string]bool{}
	for line := range strings.Lines(output) {
		effective[plainSetting(line)] = true
	}
	for line := range strings.Lines(settings) {
		if setting := plainSetting(line); !strings.HasPrefix(setting, "#") && !effective[setting] {
			return fmt.Errorf("sshd ignores a setting of %s: %q is not in force; "+
				"does /etc/ssh/sshd_config include its drop-ins first?",
				sshdDropIn, strings.TrimSpace(line))
		}
	}
	return nil
}

// plainSetting is a setting with its keyword as sshd -T writes it.
func plainSetting(line string) string {
	keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
	return strings.ToLower(keyword) + " " + value
}

// run runs a program and ignores its output.
func (l logins) run(ctx context.Context, name string, args ...string) error {
	_, err := l.machine.Run(ctx, name, args...)
	return err
}
