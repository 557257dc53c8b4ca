package compiler

import (
	"strconv"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// storage is the app's volumes. EBS volumes are not in the template: they outlive instances and the stack, and move
// between zones, so the agent creates them. Disks are the instance store disks that the launch has to map.
type storage struct {
	*part
	disks []cfn.BlockDeviceMapping
}

// volumes tells the agent of the app's volumes and lets it make and move them.
func volumes(a appContext) storage {
	s := storage{part: &part{}}
	var described []document.Volume
	for _, v := range a.region.Volumes {
		described = append(described, describe(v))
		if v.Mapped {
			s.disks = append(s.disks, mapped(*v.Instance))
		}
	}
	if described != nil {
		s.document = func(d *document.Document[cfn.Value]) { d.Volumes = described }
	}
	if a.region.HasEBS() {
		s.statements = volumeStatements(a, s.part)
	}
	return s
}

// describe is the volume in the instance document: an instance store disk, or EBS.
func describe(v schema.Volume) document.Volume {
	if v.Instance != nil {
		return document.Volume{Label: v.Label, MountPoint: v.MountPoint, Disk: v.Instance}
	}
	return document.Volume{
		Label:      v.Label,
		MountPoint: v.MountPoint,
		Count:      v.Count,
		Size:       v.Size,
		Type:       v.Type,
		IOPS:       v.IOPS,
		Encrypted:  v.Encrypted,
	}
}

// mapped maps an instance store disk without NVMe. EC2 attaches NVMe disks by itself (EC2 User Guide, "Block device
// mappings").
func mapped(disk int) cfn.BlockDeviceMapping {
	return cfn.BlockDeviceMapping{DeviceName: document.MappedDevice(disk), VirtualName: "ephemeral" + strconv.Itoa(disk)}
}
