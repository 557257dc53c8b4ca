package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
)

// tagAttempt marks every snapshot and volume of an attempt to give a slot a volume. If the instance ends before it could
// write the id down, the next holder of the slot finds them by this tag.
const tagAttempt = "spacel:attempt"

// snapshot takes a snapshot of the slot's volume and waits until it is complete. The volume is detached first and stays
// so until the attempt is over, so the snapshot misses no write.
func (m volumeManager) snapshot(ctx context.Context, s *slot) error {
	if s.snapshot == "" {
		if err := m.detach(ctx, s.volume); err != nil {
			return err
		}
		id, err := m.takeSnapshot(ctx, s)
		if err != nil {
			return err
		}
		if err := m.slots.save(ctx, s, func(next *slot) { next.snapshot = id }); err != nil {
			return err
		}
	}
	return until(ctx, m.log, func(ctx context.Context) (string, error) {
		found, err := m.ebs().snapshots(ctx, filter("snapshot-id", s.snapshot))
		switch {
		case err != nil:
			return "", err
		case len(found) == 0:
			return fmt.Sprintf("EC2 knows no snapshot %s of %s", s.snapshot, s.volume), nil
		case found[0].State == ec2types.SnapshotStateError:
			err := fmt.Errorf("EC2 could not take snapshot %s of %s; the next boot takes another", s.snapshot, s.volume)
			return "", errors.Join(err, m.abandon(ctx, s))
		case found[0].State != ec2types.SnapshotStateCompleted:
			return fmt.Sprintf("snapshot %s of %s is at %s", s.snapshot, s.volume, cmp.Or(aws.ToString(found[0].Progress), "0%")), nil
		}
		return "", nil
	})
}

// takeSnapshot returns the snapshot of this attempt. It takes one unless the attempt has one already.
func (m volumeManager) takeSnapshot(ctx context.Context, s *slot) (string, error) {
	// An earlier boot may have taken it and crashed before it wrote the id down.
	taken, err := m.ebs().snapshots(ctx, filter("tag:"+tagAttempt, s.attempt))
	if err != nil {
		return "", err
	}
	if len(taken) > 0 {
		return aws.ToString(taken[0].SnapshotId), nil
	}
	made, err := m.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId:          aws.String(s.volume),
		Description:       aws.String("Volume " + s.String() + " of " + m.orbit + ", to move it to " + m.instance.Zone),
		TagSpecifications: m.tags(s, ec2types.ResourceTypeSnapshot),
	})
	if err != nil {
		return "", fmt.Errorf("take a snapshot of %s: %w", s.volume, err)
	}
	m.log.Info("snapshot started", "slot", s, "volume", s.volume, "snapshot", *made.SnapshotId)
	return *made.SnapshotId, nil
}

// make returns the volume of this attempt in this zone, and writes its id into the slot. It creates one unless the
// attempt has one already.
func (m volumeManager) make(ctx context.Context, s *slot) (string, error) {
	made, err := m.ebs().volumes(ctx, filter("tag:"+tagAttempt, s.attempt), filter("availability-zone", m.instance.Zone))
	if err != nil {
		return "", err
	}
	id := ""
	if len(made) > 0 {
		id = aws.ToString(made[0].VolumeId)
	} else if id, err = m.create(ctx, s); err != nil {
		return "", err
	}
	return id, m.slots.save(ctx, s, func(next *slot) { next.next = id })
}

// create creates a volume, empty or from the attempt's snapshot.
func (m volumeManager) create(ctx context.Context, s *slot) (string, error) {
	input := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(m.instance.Zone),
		// Has EC2 return the same volume again when the answer was lost (EC2 API Reference, "Ensuring idempotency").
		ClientToken:       aws.String(s.attempt + "-" + m.instance.Zone),
		Size:              aws.Int32(int32(m.volume.Size)),
		VolumeType:        ec2types.VolumeType(m.volume.Type),
		TagSpecifications: m.tags(s, ec2types.ResourceTypeVolume),
	}
	if m.volume.IOPS > 0 {
		input.Iops = aws.Int32(int32(m.volume.IOPS))
	}
	if m.volume.Encrypted {
		input.Encrypted = aws.Bool(true) // left out, a volume is encrypted when its snapshot is
	}
	if err := m.from(ctx, s, input); err != nil {
		return "", err
	}
	made, err := m.ec2.CreateVolume(ctx, input)
	if err != nil {
		return "", fmt.Errorf("create a volume of %d GiB in %s: %w", *input.Size, m.instance.Zone, err)
	}
	m.log.Info("volume created", "slot", s, "volume", *made.VolumeId, "zone", m.instance.Zone, "GiB", *input.Size)
	return *made.VolumeId, nil
}

// from sets the snapshot to create a volume from, if the attempt has one. The volume is at least as large as the
// snapshot, as EC2 demands.
func (m volumeManager) from(ctx context.Context, s *slot, input *ec2.CreateVolumeInput) error {
	if s.snapshot == "" {
		return nil
	}
	input.SnapshotId = aws.String(s.snapshot)
	found, err := m.ebs().snapshots(ctx, filter("snapshot-id", s.snapshot))
	if err != nil {
		return err
	}
	for _, snapshot := range found {
		input.Size = aws.Int32(max(*input.Size, aws.ToInt32(snapshot.VolumeSize)))
	}
	return nil
}

// tags returns the tags of a volume or snapshot. The instance's IAM rights depend on the spacel tags. The name is for
// people.
func (m volumeManager) tags(s *slot, kind ec2types.ResourceType) []ec2types.TagSpecification {
	tag := func(key, value string) ec2types.Tag {
		return ec2types.Tag{Key: aws.String(key), Value: aws.String(value)}
	}
	return []ec2types.TagSpecification{{ResourceType: kind, Tags: []ec2types.Tag{
		tag("Name", document.StackName(m.orbit, m.app)+" "+m.volume.Label+" "+strconv.Itoa(s.index)),
		tag(document.TagOrbit, m.orbit),
		tag(document.TagApp, m.app),
		tag(document.TagVolume, m.volume.Label),
		tag(tagAttempt, s.attempt),
	}}}
}
