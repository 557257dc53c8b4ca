//go:build boot

package boottest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// container is a machine that systemd-nspawn boots from the image's disk: its own systemd, users and network, on this host's
// kernel. Nothing outside is reached but Debian's mirror. It needs root.
type container struct {
	space    *space
	root     string // what it sees as /
	instance string
	docker   string // Docker's directory: it takes a filesystem that is no overlay itself
	console  *console
	cmd      *exec.Cmd
	ended    chan struct{}
}

// mirrorAddress stands for Debian's mirror, whose name leads there.
const (
	mirrorAddress = "169.254.169.252:80"
	mirrorName    = "deb.debian.org"
)

// containerFiles are what only a container's disk has: there is no firmware to tell cloud-init that this is EC2, and no network
// card to configure or to wait for.
var containerFiles = map[string]string{
	"etc/cloud/cloud.cfg.d/99-nspawn.cfg": "datasource_list: [Ec2]\n" +
		"datasource: {Ec2: {strict_id: false}}\nnetwork: {config: disabled}\n",
	"etc/systemd/system/systemd-networkd-wait-online.service.d/nspawn.conf": "[Service]\nExecStart=\nExecStart=/bin/true\n",
}

func newContainer(t *testing.T, s surroundings) *container {
	t.Helper()
	m := &container{space: newSpace(t), instance: s.instance, console: newConsole(t)}
	dir := t.TempDir()
	m.root = filepath.Join(dir, "root")
	layers := map[string]string{}
	for _, name := range []string{"root", "image", "changes", "work", "docker"} {
		layers[name] = filepath.Join(dir, name)
		if err := os.Mkdir(layers[name], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{
		{"mount", "-o", "loop,ro", s.image + "/disk.raw", layers["image"]},
		{"mount", "-t", "overlay", "overlay", "-o", "lowerdir=" + layers["image"] + ",upperdir=" + layers["changes"] + ",workdir=" +
			layers["work"], m.root},
		{"ip", "link", "set", "lo", "up"},
		{"ip", "address", "add", "169.254.169.254/32", "dev", "lo"},
		{"ip", "address", "add", "169.254.169.253/32", "dev", "lo"},
		{"ip", "address", "add", "169.254.169.252/32", "dev", "lo"},
	} {
		if said, err := m.space.run(command...); err != nil {
			t.Fatalf("%v: %v: %s", command, err, said)
		}
	}
	m.docker = layers["docker"]
	m.write(t)
	if s.hasAgent {
		if said, err := m.space.run("install", "-D", programs.agent, m.root+agentPath); err != nil {
			t.Fatalf("put the agent on the disk: %v: %s", err, said)
		}
	}
	mirror := &http.Server{Handler: behind(t, "http://"+mirrorName), ReadHeaderTimeout: time.Minute}
	listener := m.space.listen(t, mirrorAddress)
	go func() { _ = mirror.Serve(listener) }()
	t.Cleanup(func() { mirror.Close() })
	s.serve(t, m.space.listen(t, metadataAddress), m.space.listen(t, cloudAddress))
	t.Cleanup(m.kill)
	return m
}

func (m *container) write(t *testing.T) {
	t.Helper()
	m.space.do(func() {
		hosts, err := os.ReadFile(filepath.Join(m.root, "etc/hosts"))
		if err != nil {
			t.Error(err)
		}
		address, _, _ := strings.Cut(mirrorAddress, ":")
		files := maps.Clone(containerFiles)
		files["etc/hosts"] = string(hosts) + address + " " + mirrorName + "\n"
		for name, text := range files {
			path := filepath.Join(m.root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
}

func (m *container) start(t *testing.T) {
	t.Helper()
	m.ended = make(chan struct{})
	m.cmd = exec.Command("systemd-nspawn", "--boot", "--quiet", "--directory="+m.root, "--machine="+m.instance, "--register=no",
		"--keep-unit",
		// For Docker inside: its rules of the network, its calls for keys and for devices of containers, a filesystem for layers.
		"--capability=CAP_NET_ADMIN", "--system-call-filter=@keyring bpf", "--bind="+m.docker+":/var/lib/docker",
		"--network-namespace-path="+m.space.network, "--console=pipe", "--link-journal=no", "systemd.show_status=true")
	m.cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", // systemd since 256 knows no other
		"SYSTEMD_NSPAWN_API_VFS_WRITABLE=network") // Docker turns on forwarding
	m.cmd.Stdout, m.cmd.Stderr = m.console, m.console
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // when the test is gone, shut down
	var err error
	m.space.do(func() { err = m.cmd.Start() })
	if err != nil {
		t.Fatalf("start systemd-nspawn: %v", err)
	}
	go wait(m.cmd, m.ended)
}

func (m *container) stop(t *testing.T) {
	t.Helper()
	if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil { // which asks its systemd to shut down
		t.Fatal(err)
	}
	select {
	case <-m.ended:
	case <-time.After(shutdownLimit):
		t.Fatal("the machine does not shut down")
	}
}

// kill ends the container at once. systemd-nspawn is asked, twice, and not killed: without it the container would live on.
func (m *container) kill() {
	if m.cmd == nil || m.cmd.Process == nil {
		return
	}
	for range 2 {
		_ = m.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-m.ended:
			return
		case <-time.After(time.Second):
		}
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", m.cmd.Process.Pid))
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	<-m.ended
}

func (m *container) running() error {
	select {
	case <-m.ended:
		return fmt.Errorf("systemd-nspawn ended: %s", m.console.tail(2000))
	default:
		return nil
	}
}

func (m *container) dial(ctx context.Context, port int) (conn net.Conn, err error) {
	m.space.do(func() {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
	})
	return conn, err
}

// screen is the journal, which has what the console shows and more.
func (m *container) screen() string {
	said, err := m.space.run("journalctl", "--directory="+filepath.Join(m.root, "var/log/journal"), "--no-pager",
		"--output=short-monotonic")
	if err != nil {
		said += err.Error()
	}
	return m.console.String() + said
}

// space is a thread with a network and mounts of its own, which end with it.
type space struct {
	network string // its path
	work    chan func()
}

func newSpace(t *testing.T) *space {
	t.Helper()
	s := &space{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS | unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		s.network = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
		made <- err
		for f := range s.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		t.Fatalf("make a network namespace: %v; systemd-nspawn needs root", err)
	}
	t.Cleanup(func() { close(s.work) })
	return s
}

// do runs f in the space.
func (s *space) do(f func()) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

func (s *space) run(command ...string) (string, error) {
	var said []byte
	var err error
	s.do(func() { said, err = exec.Command(command[0], command[1:]...).CombinedOutput() })
	return string(said), err
}

func (s *space) listen(t *testing.T, address string) (l net.Listener) {
	t.Helper()
	var err error
	s.do(func() { l, err = net.Listen("tcp", address) })
	if err != nil {
		t.Fatal(err)
	}
	return l
}
