package agent

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// mountVolumes gives the instance one of each of the app's EBS volumes: it claims a slot, brings the slot's volume here, and
// mounts it. What it does is written to the slot before and after, so that whoever holds the slot next goes on from there.
func mountVolumes(ctx context.Context, b *Boot) error {
	for _, v := range b.Document.Volumes {
		if v.Disk != nil {
			continue
		}
		if err := (keeper{b, v}).mount(ctx); err != nil {
			return fmt.Errorf("volume %s: %w", v.Label, err)
		}
	}
	return nil
}

// keeper looks after one volume of the document.
//
//	volumeslots.go     which slot: the orbit's table
//	volumeplace.go     which EBS volume: the slot's own, or one made here
//	volumemake.go      made empty, or of a snapshot from another zone
//	volumeattach.go    to this instance, and from others that ended
//	volumesweep.go     what is left of all this is deleted
//	blockdevices.go    which device it is
//	filesystems.go     made on an empty device only, mounted through systemd
type keeper struct {
	*Boot
	volume document.Volume
}

// mount follows the rules that keep data whole: only the slot's holder uses its volume; a slot's volume is one that was mounted
// once; the volume that another stands for is deleted after that; and what an attempt has copied counts for nothing as
// soon as the volume it copied is used again.
func (k keeper) mount(ctx context.Context) error {
	s, err := k.claim(ctx)
	if err != nil {
		return err
	}
	k.Log.Info("volume slot is this instance's", "slot", s, "volume", s.volume, "zone", s.zone)
	id, err := k.place(ctx, s)
	if err != nil {
		return err
	}
	if err := k.letGo(ctx, id); err != nil {
		return err
	}
	device, err := k.attach(ctx, s, id)
	if err != nil {
		return err
	}
	if err := k.use(ctx, s, id, device); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if err := k.settle(ctx, s, id); err != nil {
		return err
	}
	k.tidy(ctx, s)
	return nil
}

// use mounts the volume, and leaves on it which of the app's volumes it is.
func (k keeper) use(ctx context.Context, s *slot, id, device string) error {
	if err := k.mountFilesystem(ctx, device, k.volume.MountPoint); err != nil {
		return err
	}
	k.Log.Info("volume mounted", "slot", s, "volume", id, "device", device, "at", k.volume.MountPoint)
	return k.leaveMarks(k.volume.MountPoint, map[string]string{labelMark: k.volume.Label, indexMark: strconv.Itoa(s.index)})
}

// settle makes a volume that was just mounted the slot's own. The one it stands for can go.
func (k keeper) settle(ctx context.Context, s *slot, id string) error {
	if id == s.volume {
		return nil
	}
	return k.save(ctx, s, func(next *slot) {
		next.volume, next.zone = id, k.Instance.Zone
		next.spent, next.old = s.attempt, s.volume
		next.attempt, next.snapshot, next.next = "", "", ""
	})
}

// tidyTime is how long a boot may be held up by deleting what nobody uses.
const tidyTime = time.Minute

// tidy sweeps; should that fail, the slot remembers what there is to do.
func (k keeper) tidy(ctx context.Context, s *slot) {
	ctx, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	if err := k.sweep(ctx, s); err != nil {
		k.Log.Warn("what is left of a volume that was made or moved is deleted at the next boot", "slot", s, "error", err)
	}
}
