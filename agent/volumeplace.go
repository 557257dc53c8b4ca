package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// place returns the EBS volume to use. It is the slot's own if that is in this zone, since an EBS volume cannot leave
// its zone. Else place makes one here, from a snapshot of the slot's own or empty.
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

// unknownVolume is how long EC2 may take to know of a new volume.
const unknownVolume = time.Minute

// existing returns the slot's own volume. A volume unknown to EC2 is an error in the end, never a reason to make an
// empty one: the data may be recoverable from a snapshot.
func (m volumeManager) existing(ctx context.Context, s *slot) (v ec2types.Volume, err error) {
	ctx, cancel := context.WithTimeout(ctx, unknownVolume)
	defer cancel()
	return v, until(ctx, m.log, func(ctx context.Context) (string, error) {
		found, err := m.ebs().volume(ctx, s.volume)
		if err != nil {
			return "", err
		}
		if found == nil {
			return fmt.Sprintf("EC2 knows no volume %s, which slot %s of table %s names: "+
				"write there the id of a volume made from a snapshot of it, "+
				"or delete the item to begin with an empty volume", s.volume, s, m.slots.table), nil
		}
		v = *found
		return "", nil
	})
}

// differs warns of a volume smaller than the app asks for. The agent changes the size of a volume only when it moves to
// another zone.
func (m volumeManager) differs(v ec2types.Volume, s *slot) {
	if size := int(aws.ToInt32(v.Size)); size < m.volume.Size {
		m.log.Warn("volume keeps its size until it moves to another zone", "slot", s, "volume", s.volume, "GiB", size, "wanted",
			m.volume.Size)
	}
}

// unfinished returns the volume of an unfinished attempt, if it is in this zone. A volume in another zone is left for
// sweep to delete.
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

// attempt begins an attempt to make a volume, or goes on with the one of an earlier holder of the slot. The mark is
// written into the slot before anything is made.
func (m volumeManager) attempt(ctx context.Context, s *slot) error {
	if s.attempt != "" {
		return nil
	}
	if err := m.sweep(ctx, s); err != nil {
		return err
	}
	return m.slots.save(ctx, s, func(next *slot) { next.attempt = rand.Text() })
}
