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
)

// What the stage people leaves on an instance, beside access.json.
const (
	sshdProgram    = "/usr/sbin/sshd"
	sshdDropIn     = "/etc/ssh/sshd_config.d/00-spacel.conf" // of two settings sshd takes the first: no other file comes before
	sudoersDropIn  = "/etc/sudoers.d/spacel-people"
	peopleUnitPath = "/etc/systemd/system/spacel-people.service"
	peopleTimer    = "/etc/systemd/system/spacel-people.timer"
)

// sshdEverywhere lets in who the tables name, with a key, and nobody else: not root, not Debian's admin, not with a key that
// somebody left on the machine. Agents are not forwarded: who is root here could use them.
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

// The timer is not a service that runs on: it takes no memory between its runs. Only what it has to say reaches the journal, not
// that it ran.
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

// people lets people log in. That nobody can be asked about yet fails no boot: the timer goes on asking.
func people(ctx context.Context, b *Boot) error {
	if _, err := os.Stat(filepath.Join(b.Machine.Root, sshdProgram)); errors.Is(err, fs.ErrNotExist) && !b.Document.Bastion {
		b.Log.Warn("nobody can log in: the image has no " + sshdProgram)
		return nil
	}
	for _, step := range []func(context.Context) error{b.peopleAccounts, b.peopleFiles, b.sshd, b.startPeopleTimer} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, firstSync)
	defer cancel()
	if err := b.run(ctx, "systemctl", "start", filepath.Base(peopleUnitPath)); err != nil {
		b.Log.Warn("users for those who may log in are not made yet: tried again each minute", "error", err)
	}
	return nil
}

// firstSync is how long the boot waits for the first users.
const firstSync = 20 * time.Second

// peopleAccounts makes the group of our users, and the user that sshd asks for keys as: it owns nothing.
func (b *Boot) peopleAccounts(ctx context.Context) error {
	if err := b.run(ctx, "groupadd", "--system", "--force", peopleGroup); err != nil {
		return err
	}
	local, err := readAccounts(b.Machine)
	if err != nil {
		return err
	}
	if _, exists := local.users[keysUser]; exists {
		return nil
	}
	return b.run(ctx, "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
		"--shell", "/usr/sbin/nologin", keysUser)
}

func (b *Boot) peopleFiles(context.Context) error {
	access, err := json.Marshal(Access{Orbit: b.Document.Orbit, App: b.Document.App, Region: b.Document.Region, Bastion: b.Document.Bastion})
	if err != nil {
		return fmt.Errorf("encode whose instance this is: %w", err)
	}
	if err := b.writeFile(accessPath, access, 0o644); err != nil {
		return err
	}
	if err := b.writeFile(peopleUnitPath, []byte(peopleUnitText), 0o644); err != nil {
		return err
	}
	if err := b.writeFile(peopleTimer, []byte(peopleTimerText), 0o644); err != nil {
		return err
	}
	if !b.Document.Bastion {
		return b.writeFile(sudoersDropIn, []byte(sudoers), 0o440)
	}
	return b.removeFile(sudoersDropIn)
}

func (b *Boot) startPeopleTimer(ctx context.Context) error {
	if err := b.run(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	return b.run(ctx, "systemctl", "enable", "--now", filepath.Base(peopleTimer))
}

// sshd changes sshd's settings, and takes the change back when sshd would not start with it.
func (b *Boot) sshd(ctx context.Context) error {
	settings := sshdEverywhere
	if b.Document.Bastion {
		settings += sshdBastion
	}
	before, err := b.readFile(sshdDropIn)
	if err == nil && string(before) == settings {
		return nil
	}
	if err := b.writeFile(sshdDropIn, []byte(settings), 0o600); err != nil {
		return err
	}
	if err := b.sshdTakes(ctx, settings); err != nil {
		return errors.Join(err, b.removeFile(sshdDropIn))
	}
	// sshd may be started by its socket: then there is nothing to reload.
	return b.run(ctx, "systemctl", "try-reload-or-restart", "ssh.service")
}

// sshdTakes asks sshd what it makes of its files: that our settings stand, and that no others come before them.
func (b *Boot) sshdTakes(ctx context.Context, settings string) error {
	output, err := b.Machine.Run(ctx, sshdProgram, "-T")
	if err != nil {
		return fmt.Errorf("sshd refuses its settings: %w", err)
	}
	effective := map[string]bool{}
	for line := range strings.Lines(output) {
		effective[plainSetting(line)] = true
	}
	for line := range strings.Lines(settings) {
		if setting := plainSetting(line); !strings.HasPrefix(setting, "#") && !effective[setting] {
			return fmt.Errorf("sshd goes by other settings than %s: %q does not stand; does /etc/ssh/sshd_config include its drop-ins first?",
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

// run runs a program whose output is of no interest.
func (b *Boot) run(ctx context.Context, name string, args ...string) error {
	_, err := b.Machine.Run(ctx, name, args...)
	return err
}

// removeFile removes a file of the agent's own, if it is there.
func (b *Boot) removeFile(name string) error {
	err := os.Remove(filepath.Join(b.Machine.Root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
