package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// abandon gives an attempt up: nobody finishes it, and what it has made is left to sweep.
func (m volumeManager) abandon(ctx context.Context, s *slot) error {
	if s.attempt == "" {
		return nil
	}
	return m.slots.save(ctx, s, func(next *slot) {
		next.spent, next.old = s.attempt, s.next
		next.attempt, next.snapshot, next.next = "", "", ""
	})
}

// sweep deletes what a spent attempt leaves: all that carries its mark but the slot's volume, in whichever zone a holder of the
// slot made it, and the volume that was moved.
func (m volumeManager) sweep(ctx context.Context, s *slot) error {
	if s.spent == "" {
		return nil
	}
	made, err := m.ebs().volumes(ctx, filter("tag:"+tagAttempt, s.spent))
	if err != nil {
		return err
	}
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
	return m.slots.save(ctx, s, func(next *slot) { next.spent, next.old = "", "" })
}

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
