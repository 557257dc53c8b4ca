package document

// Volume is a volume that each instance has one of: an EBS volume out of Count, or when Disk is set a disk of the instance's
// own.
//
// The orbit's table of volumes holds an item per slot: `label` is VolumeKey, `index` the slot from 0 to Count-1. Volumes
// and snapshots carry the three tags below, by which IAM lets instances near them.
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

// The tags of what belongs to an orbit and an app; the third has a volume's label as its value, and only volumes that
// instances share and their snapshots have it.
const (
	TagOrbit  = "spacel:orbit"
	TagApp    = "spacel:app"
	TagVolume = "spacel:volume"
)

// VolumeKey is the partition key of a volume's slots. Neither name holds a slash.
func VolumeKey(app, label string) string { return app + "/" + label }

// MappedDevice is the device that the launch maps an instance's nth own disk to, on types that need it: /dev/sdb for the
// first. The kernel calls it xvdb.
func MappedDevice(disk int) string { return "/dev/sd" + string(rune('b'+disk)) }
