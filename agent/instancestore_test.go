package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
)

func ownDisks(count int) (volumes []document.Volume) {
	for i := range count {
		volumes = append(volumes, document.Volume{Label: fmt.Sprint("d", i), MountPoint: fmt.Sprint("/mnt/d", i), Disk: &i})
	}
	return volumes
}

// bare is a machine without a cloud.
func bare(t *testing.T, volumes []document.Volume) *node {
	h := &node{volumeEnv: &volumeEnv{t: t, dir: t.TempDir(), mounted: map[string]bool{}}, left: -1}
	h.boot = &Boot{
		Document: &document.Document[string]{Volumes: volumes},
		Instance: Instance{Type: "m5d.large"},
		Machine:  Machine{Root: t.TempDir(), Run: h.run},
		Log:      NewLog(os.Stderr),
	}
	h.must(os.MkdirAll(h.path("etc"), 0o755))
	return h
}

func (h *node) blank(name string) string {
	h.copyDisk("", name)
	return filepath.Join(h.dir, name, "disk")
}

// Disks are numbered the same after a reboot that names them otherwise, EBS volumes aside.
func TestInstanceStore(t *testing.T) {
	h := bare(t, ownDisks(2))
	one, two := h.blank("one"), h.blank("two")
	h.plugDisk("nvme0n1", "Amazon Elastic Block Store", "vol0", h.blank("root"))
	h.plugDisk("nvme1n1", instanceStoreModel, "AWS2", two)
	h.plugDisk("nvme2n1", instanceStoreModel, "AWS1", one)
	h.must(instanceStore(t.Context(), h.boot))
	h.write("/mnt/d0", "one")
	h.write("/mnt/d1", "two")
	if text, _ := os.ReadFile(h.path("mnt/d1/.space-label")); string(text) != "d1\n" {
		t.Errorf("%q", text)
	}

	for _, name := range []string{"proc", "sys", "dev"} {
		h.must(os.RemoveAll(h.path(name)))
	}
	h.plugDisk("nvme5n1", instanceStoreModel, "AWS1", one)
	h.plugDisk("nvme6n1", instanceStoreModel, "AWS2", two)
	h.must(instanceStore(t.Context(), h.boot))
	if h.read("/mnt/d0") != "one" || h.read("/mnt/d1") != "two" {
		t.Error("the disks changed places, or were formatted")
	}
}

// On types whose disks are mapped they have the kernel's names for those of EC2's; a disk that is not there is an error.
func TestMappedDisk(t *testing.T) {
	h := bare(t, ownDisks(2))
	h.plugDisk("xvdb", "", "", h.blank("one"))
	err := instanceStore(t.Context(), h.boot)
	if err == nil || !strings.Contains(err.Error(), "volume d1: the instance, a m5d.large, has no disk 1 of its own") {
		t.Error(err)
	}
	if h.boot.Machine.mountedFrom("/mnt/d0") != "/dev/xvdb" {
		t.Error("disk 0 is not mounted")
	}
}

// A volume is found by its id, or where there is no such thing by the name it was attached as.
func TestEBSDevice(t *testing.T) {
	h := bare(t, nil)
	disk := h.blank("one")
	if got := h.boot.Machine.ebsDevice("vol-0a", "/dev/sdf"); got != "" {
		t.Errorf("%q before it is there", got)
	}
	h.plugDisk("nvme1n1", "Amazon Elastic Block Store", "vol0a", disk)
	h.plugDisk("nvme2n1", "Amazon Elastic Block Store", "vol0ab", disk)
	h.plugDisk("xvdg", "", "", disk)
	for volume, want := range map[string]string{"vol-0a": "/dev/nvme1n1", "vol-0ab": "/dev/nvme2n1", "vol-9": "/dev/xvdg"} {
		if got := h.boot.Machine.ebsDevice(volume, "/dev/sdg"); got != want {
			t.Errorf("%s is %q", volume, got)
		}
	}
	h.must(os.Remove(h.path("dev/nvme1n1")))
	if got := h.boot.Machine.ebsDevice("vol-0a", "/dev/sdf"); got != "" {
		t.Errorf("%q, which udev has not made", got)
	}
}
