package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// mounter makes filesystems and mounts them. Its rule: never format a device unless both blkid and a look at its bytes
// find it empty.
type mounter struct {
	machine Machine
	log     *slog.Logger
	journal unitJournal
}

func newMounter(b *Boot) mounter { return mounter{b.Machine, b.Log, b.journal()} }

// mount mounts a device, now and at every later start of the machine. It makes a filesystem on an empty device first,
// and refuses a device with anything but one filesystem on it. systemd does the mounting and the check of the
// filesystem, since at a reboot systemd may be at work on the same device already.
func (m mounter) mount(ctx context.Context, device, point string) error {
	point = path.Clean(point)
	if point == "/" {
		return errors.New("a volume cannot be mounted at /")
	}
	found, err := m.prepare(ctx, device)
	if err != nil {
		return err
	}
	if from := m.machine.mountedFrom(point); from != "" && from != device {
		m.log.Warn(point + " is mounted from " + from + ": unmounting that")
		if err := m.unmount(ctx, point); err != nil {
			return err
		}
	}
	if err := m.mountAtBoot(ctx, found, point); err != nil {
		return err
	}
	if err := m.mountNow(ctx, device, point); err != nil {
		return err
	}
	m.grow(ctx, found, device)
	return nil
}

// filesystem is what blkid finds on a device.
type filesystem struct{ kind, uuid string }

// prepare returns the filesystem on a device. It makes one when the device is empty.
func (m mounter) prepare(ctx context.Context, device string) (filesystem, error) {
	found, err := m.probe(ctx, device)
	if err != nil || found.kind != "" {
		return found, err
	}
	if err := m.machine.mustBeBlank(device); err != nil {
		return found, err
	}
	m.log.Info("making a filesystem on an empty device", "device", device)
	if _, err := m.machine.Run(ctx, "mkfs.ext4", "-q", device); err != nil {
		return found, fmt.Errorf("make a filesystem on %s: %w", device, err)
	}
	if found, err = m.probe(ctx, device); err == nil && found.kind == "" {
		err = fmt.Errorf("%s has no filesystem that blkid knows after mkfs.ext4", device)
	}
	return found, err
}

// probe asks blkid about the content of a device. The answer is empty for an empty device, and an error for anything but
// one filesystem.
func (m mounter) probe(ctx context.Context, device string) (filesystem, error) {
	out, err := m.machine.Run(ctx, "blkid", "-p", "-o", "export", device)
	if exitCode(err) == nothingFound && out == "" {
		return filesystem{}, nil
	}
	if err != nil {
		return filesystem{}, fmt.Errorf("probe %s, which is left unchanged: %w", device, err)
	}
	found := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		found[name] = value
	}
	if found["USAGE"] != "filesystem" || found["TYPE"] == "" || found["UUID"] == "" {
		return filesystem{}, fmt.Errorf("%s has other content than a filesystem, and is left unchanged: blkid says %s", device,
			oneLine(out))
	}
	return filesystem{found["TYPE"], found["UUID"]}, nil
}

// nothingFound is blkid's exit code when it recognises nothing, and when it cannot read the device.
const nothingFound = 2

// exitCode is a program's exit code, 0 if it did not fail by itself.
func exitCode(err error) int {
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// edge is how much of a device's beginning and end must be zeros. All that marks a disk as used is there; EBS volumes and
// instance store disks begin as zeros.
const edge = 1 << 20

// mustBeBlank is the second opinion before a device is formatted: not a byte of data at its edges.
func (m Machine) mustBeBlank(device string) error {
	f, err := os.Open(filepath.Join(m.Root, device))
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("find the size of %s: %w", device, err)
	}
	if size == 0 {
		return fmt.Errorf("%s has no size", device)
	}
	for _, at := range []int64{0, max(0, size-edge)} {
		data := make([]byte, min(edge, size))
		if _, err := f.ReadAt(data, at); err != nil {
			return fmt.Errorf("read %s: %w", device, err)
		}
		if len(bytes.Trim(data, "\x00")) > 0 {
			return fmt.Errorf("%s is not empty, although blkid finds nothing on it: it is not formatted. "+
				"To use it, erase it or make a filesystem on it", device)
		}
	}
	return nil
}

const fstab = "/etc/fstab"

// mountAtBoot gives the mount point a line in fstab and removes any other line for it. The option nofail lets the
// machine start without the volume. The agent then reports the missing volume, which systemd in its emergency mode could
// not.
func (m mounter) mountAtBoot(ctx context.Context, found filesystem, point string) error {
	before, err := m.machine.readFile(fstab)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	line := fmt.Sprintf("UUID=%s %s %s defaults,nofail,x-systemd.device-timeout=30s 0 2\n", found.uuid, point, found.kind)
	after := withMount(string(before), point, line)
	if after == string(before) {
		return nil
	}
	if err := m.machine.writeFile(fstab, []byte(after), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", fstab, err)
	}
	// Without a reload systemd keeps the old line, and may unmount a volume without a line.
	if _, err := m.machine.Run(ctx, "systemctl", "daemon-reload"); err != nil {
		return fmt.Errorf("have systemd read %s: %w", fstab, err)
	}
	return nil
}

// withMount is fstab with this line for the mount point.
func withMount(table, point, line string) string {
	var out strings.Builder
	for old := range strings.Lines(table) {
		if fields := strings.Fields(old); len(fields) > 1 && !strings.HasPrefix(fields[0], "#") && path.Clean(fields[1]) == point {
			continue
		}
		out.WriteString(strings.TrimSuffix(old, "\n") + "\n")
	}
	return out.String() + line
}

// mountNow mounts a device through its systemd unit and checks the result. When the unit fails, the error has its last
// lines in the journal, such as those of fsck.
func (m mounter) mountNow(ctx context.Context, device, point string) error {
	name := mountUnit(point)
	if _, err := m.machine.Run(ctx, "systemctl", "start", name); err != nil {
		return m.journal.because(ctx, name, fmt.Errorf("cannot mount %s: %w", device, err))
	}
	if from := m.machine.mountedFrom(point); from != device {
		return fmt.Errorf("%s is mounted from %q, not from %s", point, from, device)
	}
	return nil
}

// unmount unmounts a mount point through its systemd unit, if anything is mounted there.
func (m mounter) unmount(ctx context.Context, point string) error {
	point = path.Clean(point)
	if m.machine.mountedFrom(point) == "" {
		return nil
	}
	if _, err := m.machine.Run(ctx, "systemctl", "stop", mountUnit(point)); err != nil {
		return fmt.Errorf("unmount %s: %w", point, err)
	}
	return nil
}

// mountUnit is the unit that systemd makes of a line of fstab.
func mountUnit(point string) string { return unit.UnitNamePathEscape(point) + ".mount" }

// mountedFrom returns the device mounted at a point, or "". Of several on top of each other it returns the last.
func (m Machine) mountedFrom(point string) string {
	table, _ := os.ReadFile(filepath.Join(m.Root, "proc/self/mounts")) // where there is none, nothing is mounted
	from := ""
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == point {
			from = fields[0]
		}
	}
	return from
}

// grow enlarges a filesystem to the size of its device: a move to another zone may have made the volume larger.
func (m mounter) grow(ctx context.Context, found filesystem, device string) {
	if !strings.HasPrefix(found.kind, "ext") {
		return
	}
	if _, err := m.machine.Run(ctx, "resize2fs", device); err != nil {
		m.log.Warn("the filesystem keeps its size", "device", device, "error", err)
	}
}

// Files at the top of a volume with its label and its slot. Apps read them.
const (
	labelMark = ".space-label"
	indexMark = ".space-index"
)

// writeMarkers writes the two files above. A volume without them is new: every user may then write to its top directory,
// because containers run as any user.
func (m mounter) writeMarkers(point string, marks map[string]string) error {
	if _, err := m.machine.readFile(path.Join(point, labelMark)); errors.Is(err, fs.ErrNotExist) {
		if err := os.Chmod(filepath.Join(m.machine.Root, point), 0o777); err != nil {
			return err
		}
	}
	for _, name := range []string{indexMark, labelMark} { // the label last: it says that all is done
		text, wanted := marks[name]
		if was, err := m.machine.readFile(path.Join(point, name)); !wanted || err == nil && string(was) == text+"\n" {
			continue
		}
		if err := m.machine.writeBelow(point, name, []byte(text+"\n"), 0o644, unchanged); err != nil {
			return fmt.Errorf("write %s: %w", path.Join(point, name), err)
		}
	}
	return nil
}
