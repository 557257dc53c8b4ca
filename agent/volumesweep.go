package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// abandon gives up an attempt. Nobody finishes it, and sweep deletes its leftovers.
func (m volumeManager) abandon(ctx context.Context, s *slot) error {
	if s.attempt == "" {
		return nil
	}
	return m.slots.save(ctx, s, func(next *slot) {
		next.spent, next.old = s.attempt, s.next
		next.attempt, next.snapshot, next.next = "", "", ""
	})
}

// sweep deletes the leftovers of an attempt: all volumes and snapshots with its mark, in any zone, except the slot's own
// volume. It also deletes the predecessor of a moved volume.
func (m volumeManager) sweep(ctx context.Context, s *slot) error {
	if s.spent == "" {
		return nil
	}
	made, err := m.ebs().volumes(ctx, filter("tag:"+tagAttempt, s.spent))
	if err != nil {
		return err
	}
	// Volumes are found by their tag, not by an id in the table: a boot that crashed may have made one and never noted its id.
	stale := map[string]bool{s.old: true}
	for _, v := range made {
		stale[aws.ToString(v.VolumeId)] = true
	}
	for _, id := range slices.Sorted(maps.Keys(stale)) {
		if id == "" || id == s.volume {
			continue
		}
		if err := m.deleteVolume(ctx, id); err != nil {
			return err
		}
	}
	taken, err := m.ebs().snapshots(ctx, filter("tag:"+tagAttempt, s.spent))
	if err != nil {
		return err
	}
	for _, t := range taken {
		if err := m.ebs().deleteSnapshot(ctx, aws.ToString(t.SnapshotId)); err != nil {
			return err
		}
	}
	// The marks go last. If the machine crashes before, the next boot repeats the deletions, which then find less to delete.
	return m.slots.save(ctx, s, func(next *slot) { next.spent, next.old = "", "" })
}

// deleteVolume detaches and deletes a volume, if it exists.
func (m volumeManager) deleteVolume(ctx context.Context, id string) error {
	if err := m.detach(ctx, id); err != nil {
		return err
	}
	_, err := m.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(id)})
	if err != nil && apiCode(err) != "InvalidVolume.NotFound" {
		return fmt.Errorf("delete volume %s: %w", id, err)
	}
	m.log.Info("volume deleted", "volume", id)
	return nil
}
