package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// instanceStoreModel is what NVMe disks of the instance's own call themselves (EC2 User Guide, "SSD instance store volumes").
const instanceStoreModel = "Amazon EC2 NVMe Instance Storage"

// ebsDevice is the device of an attached volume, "" until the kernel has it. An NVMe device has the volume's id for a serial
// number, without the dash (EBS User Guide, "Map Amazon EBS volumes to NVMe device names"); a Xen one the name it was attached as.
func (m Machine) ebsDevice(volume, attachedAs string) string {
	serial := strings.ReplaceAll(volume, "-", "")
	for _, disk := range m.nvmeDisks() {
		if disk.serial == serial {
			return m.device(disk.name)
		}
	}
	return m.xenDevice(attachedAs)
}

// ownDisk is the device of the instance's nth own disk, "" when it has none. NVMe disks are counted in the order of their
// serial numbers, which, unlike their names, are the same after a reboot.
func (m Machine) ownDisk(n int) string {
	own := slices.DeleteFunc(m.nvmeDisks(), func(d nvmeDisk) bool { return d.model != instanceStoreModel })
	if len(own) == 0 {
		return m.xenDevice(document.MappedDevice(n))
	}
	if n >= len(own) {
		return ""
	}
	return m.device(own[n].name)
}

// nvmeDisk is a disk with its name in the kernel: nvme1n1.
type nvmeDisk struct{ name, model, serial string }

// nvmeDisks are all of them, by serial number.
func (m Machine) nvmeDisks() []nvmeDisk {
	var disks []nvmeDisk
	found, _ := filepath.Glob(filepath.Join(m.Root, "sys/block/nvme*")) // the pattern is right
	for _, at := range found {
		disks = append(disks, nvmeDisk{filepath.Base(at), attributeOf(at, "model"), attributeOf(at, "serial")})
	}
	slices.SortFunc(disks, func(a, b nvmeDisk) int { return strings.Compare(a.serial, b.serial) })
	return disks
}

// attributeOf is an attribute of a disk's controller, which pads it with spaces.
func attributeOf(disk, name string) string {
	value, _ := os.ReadFile(filepath.Join(disk, "device", name)) // a disk without it is none of ours
	return strings.TrimSpace(string(value))
}

// xenDevice is the device that EC2 knows as /dev/sdf, which kernels call xvdf.
func (m Machine) xenDevice(name string) string {
	letters := strings.TrimPrefix(strings.TrimPrefix(name, "/dev/xvd"), "/dev/sd")
	for _, kernel := range []string{"xvd" + letters, "sd" + letters} {
		if _, err := os.Stat(filepath.Join(m.Root, "sys/block", kernel)); err == nil && letters != "" {
			return m.device(kernel)
		}
	}
	return ""
}

// device is the path of a disk, "" until udev has made it.
func (m Machine) device(name string) string {
	if _, err := os.Stat(filepath.Join(m.Root, "dev", name)); err != nil {
		return ""
	}
	return "/dev/" + name
}
