package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// place returns the EBS volume to use: the slot's own when it is in this zone, else one that is made here, empty or from a
// snapshot of the slot's own.
func (k keeper) place(ctx context.Context, s *slot) (string, error) {
	if s.volume != "" {
		v, err := k.existing(ctx, s)
		if err != nil {
			return "", err
		}
		if aws.ToString(v.AvailabilityZone) == k.Instance.Zone {
			k.differs(v, s)
			return s.volume, k.abandon(ctx, s)
		}
	}
	if id, err := k.unfinished(ctx, s); id != "" || err != nil {
		return id, err
	}
	if err := k.attempt(ctx, s); err != nil {
		return "", err
	}
	if s.volume != "" {
		k.Log.Info("volume moves here from another zone, by a snapshot", "slot", s, "volume", s.volume, "to", k.Instance.Zone)
		if err := k.snapshot(ctx, s); err != nil {
			return "", err
		}
	}
	return k.make(ctx, s)
}

// unknownVolume is how long EC2 may take to know of a volume that it made.
const unknownVolume = time.Minute

// existing is the slot's own volume.
func (k keeper) existing(ctx context.Context, s *slot) (v ec2types.Volume, err error) {
	ctx, cancel := context.WithTimeout(ctx, unknownVolume)
	defer cancel()
	return v, k.until(ctx, func(ctx context.Context) (string, error) {
		found, err := k.describe(ctx, s.volume)
		if err != nil {
			return "", err
		}
		if found == nil {
			return fmt.Sprintf("EC2 knows no volume %s, which slot %s of table %s names: write there the id of a volume made from a snapshot of it, "+
				"or delete the item to begin with an empty volume", s.volume, s, *k.table()), nil
		}
		v = *found
		return "", nil
	})
}

// describe describes a volume; nil when EC2 does not know it, or not any more.
func (k keeper) describe(ctx context.Context, id string) (*ec2types.Volume, error) {
	found, err := k.volumes(ctx, filter("volume-id", id))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// volumes are those that the filters let through, without those that are being deleted.
func (k keeper) volumes(ctx context.Context, filters ...ec2types.Filter) ([]ec2types.Volume, error) {
	var volumes []ec2types.Volume
	pages := ec2.NewDescribeVolumesPaginator(k.AWS.EC2, &ec2.DescribeVolumesInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe volumes: %w", err)
		}
		for _, v := range page.Volumes {
			if v.State != ec2types.VolumeStateDeleting && v.State != ec2types.VolumeStateDeleted {
				volumes = append(volumes, v)
			}
		}
	}
	return volumes, nil
}

// differs says that a volume is smaller than the app asks for: volumes change when they move, not where they are.
func (k keeper) differs(v ec2types.Volume, s *slot) {
	if size := int(aws.ToInt32(v.Size)); size < k.volume.Size {
		k.Log.Warn("volume keeps its size until it moves to another zone", "slot", s, "volume", s.volume, "GiB", size, "wanted", k.volume.Size)
	}
}

// unfinished is the volume that an attempt has made here. One that was made in another zone is left to sweep.
func (k keeper) unfinished(ctx context.Context, s *slot) (string, error) {
	if s.next == "" {
		return "", nil
	}
	v, err := k.describe(ctx, s.next)
	switch {
	case err != nil:
		return "", err
	case v == nil:
		return "", k.abandon(ctx, s)
	case aws.ToString(v.AvailabilityZone) == k.Instance.Zone:
		return s.next, nil
	}
	return "", k.save(ctx, s, func(next *slot) { next.next = "" })
}

// attempt begins to make a volume, or goes on with what an earlier holder of the slot began.
func (k keeper) attempt(ctx context.Context, s *slot) error {
	if s.attempt != "" {
		return nil
	}
	if err := k.sweep(ctx, s); err != nil {
		return err
	}
	return k.save(ctx, s, func(next *slot) { next.attempt = rand.Text() })
}
