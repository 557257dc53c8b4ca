package destroy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
)

// left describes things that stay because no stack holds them: volumes created by instances, the apps' keys, and uploads. When a
// look-up fails, as without permission, the text says so, and the plan goes on.
func (s *survey) left(ctx context.Context, p *Plan) []string {
	// Volumes and keys belong to apps. The orbit's own stacks have none.
	apps := map[string][]string{} // region → apps that go
	for _, stack := range p.Stacks {
		if stack.App != "" && !slices.Contains(apps[stack.Region], stack.App) {
			apps[stack.Region] = append(apps[stack.Region], stack.App)
		}
	}
	regions := slices.Sorted(maps.Keys(apps))
	found := make([][]string, len(regions))
	var work errgroup.Group
	for i, region := range regions {
		work.Go(func() error {
			found[i] = append(s.volumes(ctx, region, apps[region]), s.keys(ctx, region, apps[region])...)
			return nil
		})
	}
	_ = work.Wait() // the functions fail in words
	return append(slices.Concat(found...), s.uploads(p)...)
}

// filterValues is the number of values for one filter of EC2. AWS documents no limit. Users saw more than 200 refused:
// https://github.com/apache/druid/pull/1954
const filterValues = 200

// volumes returns the EBS volumes created and tagged by the apps' instances.
func (s *survey) volumes(ctx context.Context, region string, apps []string) []string {
	var ids []string
	for some := range slices.Chunk(apps, filterValues) {
		found, err := s.volumesOf(ctx, region, some)
		if err != nil {
			return []string{fmt.Sprintf("%s: EBS volumes of %s, if there are any (looking them up failed: %v)",
				region, strings.Join(apps, ", "), cloud.Explain(err))}
		}
		ids = append(ids, found...)
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	return []string{fmt.Sprintf("%s: EBS volumes %s, with their data", region, strings.Join(ids, ", "))}
}

// volumesOf returns the ids of the volumes of at most filterValues apps.
func (s *survey) volumesOf(ctx context.Context, region string, apps []string) ([]string, error) {
	var ids []string
	pages := ec2.NewDescribeVolumesPaginator(s.cloud.Region(region).EC2(), &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: aws.String("tag:" + document.TagOrbit), Values: []string{s.scope.Orbit}},
		{Name: aws.String("tag:" + document.TagApp), Values: apps},
		// Several filters must all match. This one leaves out volumes tagged for the orbit by hand.
		{Name: aws.String("tag-key"), Values: []string{document.TagVolume}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, volume := range page.Volumes {
			ids = append(ids, aws.ToString(volume.VolumeId))
		}
	}
	return ids, nil
}

// keys returns the KMS keys of the apps' secrets. Manifests may still hold secrets encrypted with them.
func (s *survey) keys(ctx context.Context, region string, apps []string) []string {
	var found []string
	// KMS cannot filter aliases by a prefix, so all of the region are read.
	pages := kms.NewListAliasesPaginator(s.cloud.Region(region).KMS(), &kms.ListAliasesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return []string{fmt.Sprintf("%s: KMS keys %s, if there are any (looking them up failed: %v)",
				region, document.KeyAlias(s.scope.Orbit, "<app>"), cloud.Explain(err))}
		}
		for _, alias := range page.Aliases {
			app, ours := document.CutKeyAlias(s.scope.Orbit, aws.ToString(alias.AliasName))
			if ours && slices.Contains(apps, app) {
				found = append(found, fmt.Sprintf("%s: the KMS key %s, with which secrets in manifests can be read",
					region, aws.ToString(alias.AliasName)))
			}
		}
	}
	return found
}

// uploads returns the buckets with uploads for these stacks.
func (s *survey) uploads(p *Plan) []string {
	buckets := map[string]bool{}
	for _, stack := range p.Stacks {
		// The deployed parameters name the buckets. The settings of today's command line may name others.
		for name, value := range s.find(stack.StackRef).Parameters {
			if strings.HasSuffix(name, document.BucketParameter) && value != "" {
				buckets[value] = true
			}
		}
	}
	if len(buckets) == 0 {
		return nil
	}
	return []string{"what deploy uploaded to the S3 bucket " + strings.Join(slices.Sorted(maps.Keys(buckets)), ", ")}
}
