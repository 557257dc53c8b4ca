package agent

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/pebble/spacel/agent/document"
)

// mountVolumes gives the instance one of each of the app's EBS volumes. It claims a slot, brings the slot's volume here,
// and mounts it. Each step is written to the slot before and after, so the next holder of the slot can go on after a
// crash at any point.
func mountVolumes(ctx context.Context, b *Boot) error {
	for _, v := range b.Document.Volumes {
		if v.Disk != nil {
			continue
		}
		if err := newVolumeManager(b, v).mount(ctx); err != nil {
			return fmt.Errorf("volume %s: %w", v.Label, err)
		}
	}
	return nil
}

// volumeManager looks after one volume of the document.
//
//	volumeslots.go     which slot: the orbit's table
//	volumeholders.go   who holds the slots, and whether they stay
//	volumeplace.go     which EBS volume: the slot's own, or one made here
//	volumemake.go      made empty, or of a snapshot from another zone
//	volumeattach.go    to this instance, and from others that ended
//	ebs.go             asks EC2 about volumes and snapshots
//	volumesweep.go     deletes leftovers
//	blockdevices.go    which device it is
//	filesystems.go     made on an empty device only, mounted through systemd
type volumeManager struct {
	volume   document.Volume
	orbit    string
	app      string
	instance Instance
	ec2      *ec2.Client
	scaling  *autoscaling.Client
	slots    slotTable
	mounter  mounter
	log      *slog.Logger
}

// newVolumeManager makes the manager of one volume, with only the necessary parts of the boot.
func newVolumeManager(b *Boot, v document.Volume) volumeManager {
	d := b.Document
	return volumeManager{
		volume: v, orbit: d.Orbit, app: d.App, instance: b.Instance, ec2: b.AWS.EC2, scaling: b.AWS.AutoScaling,
		slots: slotTable{
			client: b.AWS.DynamoDB, table: document.TableName(d.Orbit, document.VolumesTable),
			key: document.VolumeKey(d.App, v.Label), count: v.Count, instance: b.Instance.ID,
		},
		mounter: newMounter(b), log: b.Log,
	}
}

func (m volumeManager) ebs() ebs { return ebs{m.ec2, m.log} }

// mount claims a slot and mounts its volume. These rules keep the data safe.
//
// Only the slot's holder uses its volume. A slot records a volume only after it was mounted once. Its predecessor is
// deleted only then. A copy made by an unfinished move is discarded as soon as the original is in use again, since it
// lacks the new writes.
func (m volumeManager) mount(ctx context.Context) error {
	s, err := m.claim(ctx)
	if err != nil {
		return err
	}
	m.log.Info("volume slot is this instance's", "slot", s, "volume", s.volume, "zone", s.zone)
	id, err := m.place(ctx, s)
	if err != nil {
		return err
	}
	if err := m.detachOthers(ctx, id); err != nil {
		return err
	}
	device, err := m.attach(ctx, s, id)
	if err != nil {
		return err
	}
	if err := m.use(ctx, s, id, device); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if err := m.settle(ctx, s, id); err != nil {
		return err
	}
	m.tidy(ctx, s)
	return nil
}

// use mounts the volume and writes its label and slot to it.
func (m volumeManager) use(ctx context.Context, s *slot, id, device string) error {
	if err := m.mounter.mount(ctx, device, m.volume.MountPoint); err != nil {
		return err
	}
	m.log.Info("volume mounted", "slot", s, "volume", id, "device", device, "at", m.volume.MountPoint)
	return m.mounter.writeMarkers(m.volume.MountPoint, map[string]string{labelMark: m.volume.Label, indexMark: strconv.Itoa(s.index)})
}

// settle makes a newly mounted volume the slot's own. It marks the predecessor for deletion in the same write.
func (m volumeManager) settle(ctx context.Context, s *slot, id string) error {
	if id == s.volume {
		return nil
	}
	return m.slots.save(ctx, s, func(next *slot) {
		next.volume, next.zone = id, m.instance.Zone
		next.spent, next.old = s.attempt, s.volume
		next.attempt, next.snapshot, next.next = "", "", ""
	})
}

// tidyTime is how long a boot may be held up by deleting what nobody uses.
const tidyTime = time.Minute

// tidy deletes leftovers. A failure is no reason to fail the boot: the slot still records the leftovers, and the next
// boot tries again.
func (m volumeManager) tidy(ctx context.Context, s *slot) {
	ctx, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	if err := m.sweep(ctx, s); err != nil {
		m.log.Warn("leftovers of a new or moved volume are deleted at the next boot", "slot", s, "error", err)
	}
}
