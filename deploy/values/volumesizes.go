package values

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// volumeSizes returns the sizes of EBS volumes in GiB, by id.
func (r zoneFinder) volumeSizes(ctx context.Context, region string, ids []string) (map[string]int, error) {
	sizes := map[string]int{}
	pages := ec2.NewDescribeVolumesPaginator(r.cloud.Region(region).EC2(),
		&ec2.DescribeVolumesInput{Filters: []ec2types.Filter{{Name: aws.String("volume-id"), Values: ids}}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the sizes of the volumes to move: %w", cloud.Explain(err))
		}
		for _, v := range page.Volumes {
			sizes[aws.ToString(v.VolumeId)] = int(aws.ToInt32(v.Size))
		}
	}
	return sizes, nil
}

// recentlyCopied returns the volumes of which a snapshot was completed in the last day.
func (r zoneFinder) recentlyCopied(ctx context.Context, region string, ids []string) (map[string]bool, error) {
	recent := map[string]bool{}
	pages := ec2.NewDescribeSnapshotsPaginator(r.cloud.Region(region).EC2(), &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, Filters: []ec2types.Filter{{Name: aws.String("volume-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("look for snapshots of the volumes to move: %w", cloud.Explain(err))
		}
		for _, s := range page.Snapshots {
			if s.State == ec2types.SnapshotStateCompleted && time.Since(aws.ToTime(s.StartTime)) < 24*time.Hour {
				recent[aws.ToString(s.VolumeId)] = true
			}
		}
	}
	return recent, nil
}
