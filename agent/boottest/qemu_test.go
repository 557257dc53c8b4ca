//go:build boot

package boottest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// qemu is a machine with a kernel of its own, on qemu's own network. What is outside is reached as from a private subnet, if
// at all.
type qemu struct {
	dir     string // of its disk and monitor
	args    []string
	ports   map[int]string // addresses here that lead to its ports
	console *console
	cmd     *exec.Cmd
	ended   chan struct{}
}

// qemuNetwork holds the guest's address and the metadata service's, for qemu forwards no other, and none of Debian's mirrors.
const qemuNetwork = "160.0.0.0/4"

func newQemu(t *testing.T, s surroundings) *qemu {
	t.Helper()
	m := &qemu{dir: t.TempDir(), ports: map[int]string{22: freeAddress(t), 8080: freeAddress(t)}, console: newConsole(t)}
	disk, base := filepath.Join(m.dir, "disk.qcow2"), s.image+"/disk.raw"
	if s.hasAgent {
		base = withAgent(t, base)
	}
	said, err := exec.Command(emulator(t, "qemu-img"), "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, disk).CombinedOutput()
	if err != nil {
		t.Fatalf("make a disk: %v: %s", err, said)
	}
	metadata, cloud := listenHere(t), listenHere(t)
	s.serve(t, metadata, cloud)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m.args = []string{
		"-machine", "q35", "-accel", acceleration(), "-cpu", processor(), "-smp", "1", "-m", "1024",
		"-display", "none", "-monitor", "none", "-no-reboot",
		"-serial", "stdio",
		"-qmp", "unix:" + filepath.Join(m.dir, "qmp") + ",server=on,wait=off",
		"-kernel", s.image + "/kernel", "-initrd", s.image + "/initrd",
		// As Debian's EC2 images have it, but for the disk's name and a timer that runs slow on a busy host.
		"-append", "root=LABEL=root ro console=ttyS0,115200 consoleblank=0 no_timer_check",
		"-drive", "file=" + disk + ",if=virtio,cache=unsafe",
		"-device", "virtio-rng-pci",
		"-netdev", strings.Join([]string{
			"user,id=net,net=" + qemuNetwork + ",host=172.31.0.2,dns=172.31.0.3,dhcpstart=" + guestAddress,
			"hostfwd=tcp:" + m.ports[22] + "-:22",
			"hostfwd=tcp:" + m.ports[8080] + "-:8080",
			"guestfwd=tcp:" + metadataAddress + "-cmd:" + self + " forward " + metadata.Addr().String(),
			"guestfwd=tcp:" + cloudAddress + "-cmd:" + self + " forward " + cloud.Addr().String(),
		}, ","),
		"-device", "virtio-net-pci,netdev=net,mac=" + guestMAC,
		// What EC2's machines say of themselves, by which cloud-init knows where it is.
		"-uuid", "ec2a9f3c-1c1b-4a3e-9d0f-0123456789ab",
		"-smbios", "type=1,manufacturer=Amazon EC2,product=" + instanceType + ",serial=ec2a9f3c-1c1b-4a3e-9d0f-0123456789ab",
		"-smbios", "type=2,manufacturer=Amazon EC2,asset=" + s.instance,
		"-smbios", "type=3,manufacturer=Amazon EC2,asset=Amazon EC2",
	}
	t.Cleanup(m.kill)
	return m
}

// withAgent returns a copy of a disk with the agent on it.
func withAgent(t *testing.T, disk string) string {
	t.Helper()
	made := filepath.Join(t.TempDir(), "disk.raw")
	commands := "write " + programs.agent + " " + agentPath + "\nset_inode_field " + agentPath + " mode 0100755\n"
	edit := exec.Command("debugfs", "-w", "-f", "-", made)
	edit.Stdin = strings.NewReader(commands)
	for _, command := range []*exec.Cmd{exec.Command("cp", "--sparse=always", disk, made), edit} {
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("put the agent on a disk: %v: %s", err, said)
		}
	}
	return made
}

// emulator returns the path of one of qemu's programs. Where qemu is not installed, it is unpacked first.
func emulator(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	said, err := exec.CommandContext(t.Context(), imageDir+"/qemu").Output()
	if err != nil {
		t.Fatalf("unpack qemu: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(said)), name)
}

// virtualized says whether the processor can run the guest itself.
func virtualized() bool {
	flags, _ := os.ReadFile("/proc/cpuinfo")
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	device.Close()
	return bytes.Contains(flags, []byte(" vmx ")) || bytes.Contains(flags, []byte(" svm "))
}

func acceleration() string {
	if virtualized() {
		return "kvm"
	}
	return "tcg"
}

// processor is an old one where it is emulated: what is newer costs more than it gives.
func processor() string {
	if virtualized() {
		return "host"
	}
	return "Westmere,+rdrand"
}

func listenHere(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func freeAddress(t *testing.T) string {
	l := listenHere(t)
	defer l.Close()
	return l.Addr().String()
}

func (m *qemu) start(t *testing.T) {
	t.Helper()
	m.cmd, m.ended = exec.Command(emulator(t, "qemu-system-x86_64"), m.args...), make(chan struct{})
	m.cmd.Stdout, m.cmd.Stderr = m.console, m.console
	if err := m.cmd.Start(); err != nil {
		t.Fatalf("start qemu: %v", err)
	}
	go wait(m.cmd, m.ended)
}

func wait(cmd *exec.Cmd, ended chan<- struct{}) {
	_ = cmd.Wait()
	close(ended)
}

// stop presses the power button, and waits until the guest has shut down.
func (m *qemu) stop(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(m.dir, "qmp"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	out := json.NewEncoder(conn)
	for _, command := range []string{"qmp_capabilities", "system_powerdown"} {
		if err := out.Encode(map[string]string{"execute": command}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-m.ended:
	case <-time.After(shutdownLimit):
		t.Fatal("the machine does not shut down")
	}
}

// shutdownLimit is how long a machine may take to shut down.
const shutdownLimit = 3 * time.Minute

func (m *qemu) kill() {
	if m.cmd == nil || m.cmd.Process == nil {
		return
	}
	_ = m.cmd.Process.Kill()
	<-m.ended
}

func (m *qemu) running() error {
	select {
	case <-m.ended:
		return fmt.Errorf("qemu ended: %s", m.console.tail(2000))
	default:
		return nil
	}
}

func (m *qemu) dial(ctx context.Context, port int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", m.ports[port])
}

func (m *qemu) screen() string { return m.console.String() }
