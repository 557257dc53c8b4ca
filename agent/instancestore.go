package agent

import (
	"context"
	"fmt"
)

// instanceStore mounts the instance's own disks. They are empty after a launch, and after a stop and a start.
func instanceStore(ctx context.Context, b *Boot) error {
	for _, v := range b.Document.Volumes {
		// A volume without Disk is an EBS volume, which volumes.go mounts.
		if v.Disk == nil {
			continue
		}
		// Disk counts the instance's own disks from 0. Most instance types have none.
		device := b.Machine.ownDisk(*v.Disk)
		if device == "" {
			return fmt.Errorf("volume %s: the instance, a %s, has no disk %d of its own", v.Label, b.Instance.Type, *v.Disk)
		}
		if err := newMounter(b).mount(ctx, device, v.MountPoint); err != nil {
			return fmt.Errorf("volume %s: %w", v.Label, err)
		}
		if err := newMounter(b).writeMarkers(v.MountPoint, map[string]string{labelMark: v.Label}); err != nil {
			return fmt.Errorf("volume %s: %w", v.Label, err)
		}
		b.Log.Info("instance store mounted", "volume", v.Label, "device", device, "at", v.MountPoint)
	}
	return nil
}
