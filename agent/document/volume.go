package document

// Volume is a volume that each instance has one of: an EBS volume out of Count, or when Disk is set a disk of the instance's
// own.
//
// The orbit's table of volumes holds an item per slot, with VolumeKey and the slot's number as its key. Volumes and snapshots
// carry the three tags of names.go, by which IAM lets instances use them.
type Volume struct {
	Label      string `json:"label"`
	MountPoint string `json:"mountPoint"`
	Disk       *int   `json:"disk,omitempty"` // number of the disk, from 0
	Count      int    `json:"count,omitempty"`
	Size       int    `json:"size,omitempty"` // GiB
	Type       string `json:"type,omitempty"` // gp3 …
	IOPS       int    `json:"iops,omitempty"` // the type's own when 0
	Encrypted  bool   `json:"encrypted,omitempty"`
}

// Attributes of an item in the table of volumes: its key.
const (
	SlotLabel = "label" // S: VolumeKey
	SlotIndex = "index" // N: the slot, from 0 to Count-1
)

// Further attributes of an item, which deploy reads, too.
const (
	SlotInstance = "instance" // S: the id of the instance that claimed the slot
	SlotClaimed  = "claimed"  // N: when, in seconds since 1970
	SlotVolume   = "volume"   // S: the id of the EBS volume
	SlotZone     = "zone"     // S: the name of the volume's zone, such as us-east-1a
)

// VolumeKey is the partition key of a volume's slots. Neither name holds a slash.
func VolumeKey(app, label string) string { return app + "/" + label }

// MappedDevice is the device to which the launch maps an instance's nth own disk to, on types that need it: /dev/sdb for the
// first. The kernel calls it xvdb.
func MappedDevice(disk int) string { return "/dev/sd" + string(rune('b'+disk)) }
