// Package groups reads auto scaling groups.
package groups

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// perCall is the number of groups in one answer (EC2 Auto Scaling API Reference, DescribeAutoScalingGroups, MaxRecords).
const perCall = 100

// Read returns the named groups of a region by name. A group that does not exist is not in the result. The error has no context: the
// caller says why it asked.
func Read(ctx context.Context, region *cloud.Region, names ...string) (map[string]types.AutoScalingGroup, error) {
	const call = "autoscaling:DescribeAutoScalingGroups"
	found := map[string]types.AutoScalingGroup{}
	for some := range slices.Chunk(names, perCall) {
		pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(region.AutoScaling(),
			&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: some, MaxRecords: aws.Int32(perCall)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, cloud.Explain(err)
			}
			// AWS sends an empty list for unknown groups. A missing list is an answer that says nothing about them.
			if page.AutoScalingGroups == nil {
				return nil, cloud.Incomplete(call, "no AutoScalingGroups")
			}
			for _, group := range page.AutoScalingGroups {
				name := aws.ToString(group.AutoScalingGroupName)
				if !slices.Contains(some, name) {
					return nil, cloud.Incomplete(call, "another group, "+name)
				}
				found[name] = group
			}
		}
	}
	return found, nil
}

// Healthy returns the number of a group's instances that are in service and healthy by the group's view. With a load balancer that is
// the result of its health checks, since the groups have HealthCheckType ELB.
func Healthy(group types.AutoScalingGroup) int {
	healthy := 0
	for _, i := range group.Instances {
		if i.LifecycleState == types.LifecycleStateInService && aws.ToString(i.HealthStatus) == "Healthy" {
			healthy++
		}
	}
	return healthy
}
