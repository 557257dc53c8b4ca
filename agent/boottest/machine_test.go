//go:build boot

package boottest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The guest's network is qemu's own. The metadata service has its address in EC2, and AWS's endpoints the one next to it,
// which /etc/hosts of the image names. What is outside is reached as from a private subnet, if at all.
const (
	guestNetwork    = "169.254.169.0/24"
	guestAddress    = "169.254.169.15"
	guestMAC        = "02:00:00:00:00:01"
	metadataAddress = "169.254.169.254:80"
	cloudAddress    = "169.254.169.253:443"
)

// machine is a guest of qemu. It has a disk of its own, over the image's.
type machine struct {
	dir      string // of its disk, console and monitor
	args     []string
	ssh, app string // addresses here that lead to its ports 22 and 8080
	console  *console
	cmd      *exec.Cmd
	ended    chan struct{}
}

// newMachine makes a machine of an image, with its metadata service and AWS at addresses of loopback.
func newMachine(t *testing.T, image, id, metadata, cloud string) *machine {
	t.Helper()
	image, err := filepath.Abs(image)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{dir: t.TempDir(), ssh: freeAddress(t), app: freeAddress(t), console: newConsole(t)}
	disk := filepath.Join(m.dir, "disk.qcow2")
	said, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image+"/disk.qcow2", disk).CombinedOutput()
	if err != nil {
		t.Fatalf("make a disk: %v: %s", err, said)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m.args = []string{
		"-machine", "q35", "-accel", acceleration(), "-cpu", "max,-svm,-vmx", "-smp", "2", "-m", "1024",
		"-display", "none", "-monitor", "none", "-no-reboot",
		"-serial", "stdio",
		"-qmp", "unix:" + filepath.Join(m.dir, "qmp") + ",server=on,wait=off",
		"-kernel", image + "/kernel", "-initrd", image + "/initrd",
		// As Debian's EC2 images have it, but for the disk's name.
		"-append", "root=LABEL=root ro console=ttyS0,115200 consoleblank=0",
		"-drive", "file=" + disk + ",if=virtio,cache=unsafe",
		"-device", "virtio-rng-pci",
		"-netdev", strings.Join([]string{
			"user,id=net,net=" + guestNetwork + ",dhcpstart=" + guestAddress,
			"hostfwd=tcp:" + m.ssh + "-:22",
			"hostfwd=tcp:" + m.app + "-:8080",
			"guestfwd=tcp:" + metadataAddress + "-cmd:" + self + " forward " + metadata,
			"guestfwd=tcp:" + cloudAddress + "-cmd:" + self + " forward " + cloud,
		}, ","),
		"-device", "virtio-net-pci,netdev=net,mac=" + guestMAC,
		// What EC2's machines say of themselves, by which cloud-init knows where it is.
		"-uuid", "ec2a9f3c-1c1b-4a3e-9d0f-0123456789ab",
		"-smbios", "type=1,manufacturer=Amazon EC2,product=" + instanceType + ",serial=ec2a9f3c-1c1b-4a3e-9d0f-0123456789ab",
		"-smbios", "type=2,manufacturer=Amazon EC2,asset=" + id,
		"-smbios", "type=3,manufacturer=Amazon EC2,asset=Amazon EC2",
	}
	t.Cleanup(m.kill)
	return m
}

// acceleration is hardware virtualization where the processor has it, and emulation else.
func acceleration() string {
	flags, _ := os.ReadFile("/proc/cpuinfo")
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return "tcg,thread=multi"
	}
	device.Close()
	for _, flag := range []string{" vmx ", " svm "} {
		if bytes.Contains(flags, []byte(flag)) {
			return "kvm"
		}
	}
	return "tcg,thread=multi"
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start switches the machine on.
func (m *machine) start(t *testing.T) {
	t.Helper()
	m.cmd, m.ended = exec.Command("qemu-system-x86_64", m.args...), make(chan struct{})
	m.cmd.Stdout, m.cmd.Stderr = m.console, m.console
	if err := m.cmd.Start(); err != nil {
		t.Fatalf("start qemu: %v", err)
	}
	go func() {
		_ = m.cmd.Wait()
		close(m.ended)
	}()
}

// stop presses the power button, and waits until the guest has shut down.
func (m *machine) stop(t *testing.T) {
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
	case <-time.After(3 * time.Minute):
		t.Fatal("the machine does not shut down")
	}
}

func (m *machine) kill() {
	if m.cmd == nil || m.cmd.Process == nil {
		return
	}
	_ = m.cmd.Process.Kill()
	<-m.ended
}

// running says whether the machine is on.
func (m *machine) running() error {
	select {
	case <-m.ended:
		return fmt.Errorf("qemu ended: %s", m.console.tail(2000))
	default:
		return nil
	}
}

// console is what the machine wrote to its serial console, over all its boots.
type console struct {
	also io.Writer // who looks on, if anybody

	mu   sync.Mutex
	text []byte
}

// newConsole writes to a file, too, when somebody wants to see it.
func newConsole(t *testing.T) *console {
	t.Helper()
	if *keep == "" {
		return &console{}
	}
	file, err := os.Create(filepath.Join(*keep, filepath.Base(t.Name())+"-"+*release+".console"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &console{also: file}
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p...)
	if c.also != nil {
		_, _ = c.also.Write(p)
	}
	return len(p), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}

func (c *console) tail(n int) string {
	text := c.String()
	return text[max(0, len(text)-n):]
}
