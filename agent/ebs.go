package agent

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ebs asks EC2 about volumes and snapshots.
// It hides two habits of EC2: answers come in pages, and a deleted volume is still listed for a while.
type ebs struct {
	client *ec2.Client
	log    *slog.Logger
}

// volume describes a volume. It returns nil when EC2 does not know the volume, or not any more.
func (e ebs) volume(ctx context.Context, id string) (*ec2types.Volume, error) {
	found, err := e.volumes(ctx, filter("volume-id", id))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// volumes returns the volumes that match the filters, except those in deletion.
func (e ebs) volumes(ctx context.Context, filters ...ec2types.Filter) ([]ec2types.Volume, error) {
	var volumes []ec2types.Volume
	pages := ec2.NewDescribeVolumesPaginator(e.client, &ec2.DescribeVolumesInput{Filters: filters})
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

// snapshots returns this account's snapshots that match the filters.
func (e ebs) snapshots(ctx context.Context, filters ...ec2types.Filter) ([]ec2types.Snapshot, error) {
	var snapshots []ec2types.Snapshot
	pages := ec2.NewDescribeSnapshotsPaginator(e.client, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe snapshots: %w", err)
		}
		snapshots = append(snapshots, page.Snapshots...)
	}
	return snapshots, nil
}

// deleteSnapshot deletes a snapshot, if it exists.
func (e ebs) deleteSnapshot(ctx context.Context, id string) error {
	_, err := e.client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
	if err != nil && apiCode(err) != "InvalidSnapshot.NotFound" {
		return fmt.Errorf("delete snapshot %s: %w", id, err)
	}
	e.log.Info("snapshot deleted", "snapshot", id)
	return nil
}
