//go:build docker

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machineVariable names the directory of the machine, to a process of this test that runs there.
const machineVariable = "SPACEL_DOCKER_MACHINE"

// onDockerMachine runs a test on a machine of its own: this machine's files with Docker's packages laid over them, an empty network and
// processes of its own. Writes go to a temporary directory, and everything ends with the test. It takes root. It returns whether
// this process is there; else it has run the test in another process.
func onDockerMachine(t *testing.T) bool {
	t.Helper()
	if dir := os.Getenv(machineVariable); dir != "" {
		if err := enter(dir); err != nil {
			t.Fatalf("make a machine for Docker: %v", err)
		}
		return true
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), machineVariable+"="+dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	err := cmd.Run()
	if errors.Is(err, syscall.EPERM) {
		t.Fatalf("make namespaces: %v: make docker-test takes root", err)
	}
	if err != nil {
		t.Fatalf("on the machine for Docker: %v", err)
	}
	return false
}

// enter makes the machine's root in dir and goes there.
func enter(dir string) error {
	repository, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	docker, err := exec.Command(repository+"/.ci/docker/install", "docker").Output()
	if err != nil {
		return fmt.Errorf("unpack Docker: %w", err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Mkdir(at("top"), 0o755), os.Mkdir(at("docker"), 0o755),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		// In memory: the layers of an overlay cannot lie in each other, and the lower one is all of this machine's disk.
		unix.Mount("tmpfs", at("top"), "tmpfs", 0, "")); err != nil {
		return err
	}
	for _, name := range []string{"top/root", "top/changes", "top/work"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			return err
		}
	}
	if err := exec.Command("cp", "-a", strings.TrimSpace(string(docker))+"/.", at("top/changes")).Run(); err != nil {
		return fmt.Errorf("copy Docker: %w", err)
	}
	return errors.Join(
		unix.Mount("overlay", at("top/root"), "overlay", 0, "lowerdir=/,upperdir="+at("top/changes")+",workdir="+at("top/work")),
		mountIn(at("top/root"), dir, repository),
		// Not chroot: docker exec enters a container at the root of its mounts, which has to be the container's own.
		os.MkdirAll(at("top/root/old"), 0o755),
		unix.PivotRoot(at("top/root"), at("top/root/old")),
		os.Chdir("/"),
		unix.Unmount("/old", unix.MNT_DETACH),
		os.Chdir(repository+"/agent"),
		exec.Command("ip", "link", "set", "lo", "up").Run(),
	)
}

// mountIn mounts what an overlay of / lacks: filesystems of the kernel, an empty /run, the directories of the test, and one for Docker's
// layers, which cannot be an overlay itself.
func mountIn(root, dir, repository string) error {
	bind := func(from, to string) error {
		return errors.Join(os.MkdirAll(filepath.Join(root, to), 0o755),
			unix.Mount(from, filepath.Join(root, to), "", unix.MS_BIND|unix.MS_REC, ""))
	}
	return errors.Join(
		unix.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""),
		unix.Mount("tmpfs", filepath.Join(root, "run"), "tmpfs", 0, "mode=0755"),
		bind("/dev", "/dev"), bind("/sys", "/sys"), bind(os.TempDir(), os.TempDir()), bind(repository, repository),
		bind(filepath.Join(dir, "docker"), "/var/lib/docker"),
	)
}

// dockerDaemon is dockerd, as systemd would run it.
type dockerDaemon struct {
	t   *testing.T
	cmd *exec.Cmd
	log *os.File
}

// program carries out the agent's calls of programs: those of systemctl about Docker, for want of a systemd here.
func (d *dockerDaemon) program(ctx context.Context, name string, args ...string) (string, error) {
	call := append([]string{name}, args...)
	switch {
	case slices.Contains(call, "--property=LoadState"):
		return "loaded\n", nil
	case slices.Equal(call, []string{"systemctl", "restart", "docker.service"}):
		return "", d.restart(ctx)
	}
	return "", fmt.Errorf("no program is expected to run here: %q", call)
}

// restart starts Docker with the settings of now.
func (d *dockerDaemon) restart(ctx context.Context) error {
	d.stop()
	d.cmd = exec.Command("dockerd")
	// Docker finds containerd and runc by PATH, and iptables its extensions in the unpacked packages.
	d.cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		return err
	}
	for range 300 {
		if exec.CommandContext(ctx, "/usr/bin/docker", "version").Run() == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(d.log.Name())
	return fmt.Errorf("docker does not answer: %s", said[max(0, len(said)-3000):])
}

func (d *dockerDaemon) stop() {
	if d.cmd != nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		_ = d.cmd.Wait()
	}
}
