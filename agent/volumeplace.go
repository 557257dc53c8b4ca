package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// place returns the EBS volume to use: the slot's own when it is in this zone, else one that is made here, empty or from a
// snapshot of the slot's own.
func (m volumeManager) place(ctx context.Context, s *slot) (string, error) {
	if s.volume != "" {
		v, err := m.existing(ctx, s)
		if err != nil {
			return "", err
		}
		if aws.ToString(v.AvailabilityZone) == m.instance.Zone {
			m.differs(v, s)
			return s.volume, m.abandon(ctx, s)
		}
	}
	if id, err := m.unfinished(ctx, s); id != "" || err != nil {
		return id, err
	}
	if err := m.attempt(ctx, s); err != nil {
		return "", err
	}
	if s.volume != "" {
		m.log.Info("volume moves here from another zone, by a snapshot", "slot", s, "volume", s.volume, "to", m.instance.Zone)
		if err := m.snapshot(ctx, s); err != nil {
			return "", err
		}
	}
	return m.make(ctx, s)
}

// unknownVolume is how long EC2 may take to know of a volume that it made.
const unknownVolume = time.Minute

// existing is the slot's own volume.
func (m volumeManager) existing(ctx context.Context, s *slot) (v ec2types.Volume, err error) {
	ctx, cancel := context.WithTimeout(ctx, unknownVolume)
	defer cancel()
	return v, until(ctx, m.log, func(ctx context.Context) (string, error) {
		found, err := m.ebs().volume(ctx, s.volume)
		if err != nil {
			return "", err
		}
		if found == nil {
			return fmt.Sprintf("EC2 knows no volume %s, which slot %s of table %s names: write there the id of a volume made from a snapshot of it, "+
				"or delete the item to begin with an empty volume", s.volume, s, m.slots.table), nil
		}
		v = *found
		return "", nil
	})
}

// differs says that a volume is smaller than the app asks for: volumes change when they move, not where they are.
func (m volumeManager) differs(v ec2types.Volume, s *slot) {
	if size := int(aws.ToInt32(v.Size)); size < m.volume.Size {
		m.log.Warn("volume keeps its size until it moves to another zone", "slot", s, "volume", s.volume, "GiB", size, "wanted", m.volume.Size)
	}
}

// unfinished is the volume that an attempt has made here. One that was made in another zone is left to sweep.
func (m volumeManager) unfinished(ctx context.Context, s *slot) (string, error) {
	if s.next == "" {
		return "", nil
	}
	v, err := m.ebs().volume(ctx, s.next)
	switch {
	case err != nil:
		return "", err
	case v == nil:
		return "", m.abandon(ctx, s)
	case aws.ToString(v.AvailabilityZone) == m.instance.Zone:
		return s.next, nil
	}
	return "", m.slots.save(ctx, s, func(next *slot) { next.next = "" })
}

// attempt begins to make a volume, or goes on with what an earlier holder of the slot began.
func (m volumeManager) attempt(ctx context.Context, s *slot) error {
	if s.attempt != "" {
		return nil
	}
	if err := m.sweep(ctx, s); err != nil {
		return err
	}
	return m.slots.save(ctx, s, func(next *slot) { next.attempt = rand.Text() })
}
