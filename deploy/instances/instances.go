// Package instances tells which instances an app has, and how they are.
package instances

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	compute "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Instance is one of an app's.
type Instance struct {
	ID        string    `json:"id"`
	Region    string    `json:"region"`
	Zone      string    `json:"zone"`
	Type      string    `json:"type"`
	PrivateIP string    `json:"privateIp,omitempty"`
	PublicIP  string    `json:"publicIp,omitempty"`
	State     string    `json:"state"`  // in the auto scaling group: InService, Pending …
	Health    string    `json:"health"` // healthy, or what the group or a load balancer says
	Version   string    `json:"version,omitempty"`
	Current   bool      `json:"current"` // made from the group's launch template as it is now
	Launched  time.Time `json:"launched"`
}

// List gives an app's instances, sorted by region, age (the oldest first) and id. The error names every region that failed;
// the instances of the others are given all the same.
func List(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, orbit, app string, regions []string) ([]Instance, error) {
	found := make([][]Instance, len(regions))
	var wait sync.WaitGroup
	errs := make([]error, len(regions))
	for i, region := range regions {
		wait.Go(func() {
			var err error
			if found[i], err = inRegion(ctx, c.Region(region), stacks, assembly.StackRef{Region: region, Name: document.StackName(orbit, app)}); err != nil {
				errs[i] = fmt.Errorf("%s: %w", region, err)
			}
		})
	}
	wait.Wait()
	all := slices.Concat(found...)
	slices.SortStableFunc(all, func(a, b Instance) int {
		return cmp.Or(strings.Compare(a.Region, b.Region), a.Launched.Compare(b.Launched), strings.Compare(a.ID, b.ID))
	})
	return all, errors.Join(errs...)
}

// inRegion gives none where the app is not deployed.
func inRegion(ctx context.Context, region *cloud.Region, stacks *live.Stacks, ref assembly.StackRef) ([]Instance, error) {
	stack, err := stacks.Get(ctx, ref)
	if err != nil || stack == nil || stack.Outputs[document.OutputGroup] == "" {
		return nil, err
	}
	name := stack.Outputs[document.OutputGroup]
	out, err := region.AutoScaling().DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil {
		return nil, fmt.Errorf("describe the auto scaling group %s: %w", name, cloud.Explain(err))
	}
	if len(out.AutoScalingGroups) == 0 || len(out.AutoScalingGroups[0].Instances) == 0 {
		return nil, nil
	}
	group := out.AutoScalingGroups[0]
	machines, err := describe(ctx, region, group.Instances)
	if err != nil {
		return nil, err
	}
	targets, err := targetHealth(ctx, region, group.TargetGroupARNs)
	if err != nil {
		return nil, err
	}
	var all []Instance
	for _, member := range group.Instances {
		all = append(all, newInstance(stack, group, member, machines[aws.ToString(member.InstanceId)], targets[aws.ToString(member.InstanceId)]))
	}
	return all, nil
}

func newInstance(stack *live.Stack, group scaling.AutoScalingGroup, member scaling.Instance, machine compute.Instance, target string) Instance {
	i := Instance{
		ID:        aws.ToString(member.InstanceId),
		Region:    stack.Region,
		Zone:      aws.ToString(member.AvailabilityZone),
		Type:      cmp.Or(string(machine.InstanceType), aws.ToString(member.InstanceType)),
		PrivateIP: aws.ToString(machine.PrivateIpAddress),
		PublicIP:  aws.ToString(machine.PublicIpAddress),
		State:     string(member.LifecycleState),
		Health:    cmp.Or(target, strings.ToLower(aws.ToString(member.HealthStatus))),
		Current:   templateVersion(group) == versionOf(member.LaunchTemplate),
		Launched:  aws.ToTime(machine.LaunchTime).UTC(),
	}
	if i.Current { // what an older template held is not known any more
		i.Version = stack.Parameters[document.ParameterVersion]
	}
	return i
}

func templateVersion(group scaling.AutoScalingGroup) string {
	if policy := group.MixedInstancesPolicy; policy != nil && policy.LaunchTemplate != nil {
		return versionOf(policy.LaunchTemplate.LaunchTemplateSpecification)
	}
	return versionOf(group.LaunchTemplate)
}

func versionOf(template *scaling.LaunchTemplateSpecification) string {
	if template == nil {
		return ""
	}
	return aws.ToString(template.Version)
}

func describe(ctx context.Context, region *cloud.Region, members []scaling.Instance) (map[string]compute.Instance, error) {
	found := map[string]compute.Instance{}
	for some := range slices.Chunk(members, maxFilterValues) {
		if err := describeSome(ctx, region, some, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// maxFilterValues is EC2's limit of the values of a filter (Amazon EC2 User Guide, "List and filter your resources").
const maxFilterValues = 200

func describeSome(ctx context.Context, region *cloud.Region, members []scaling.Instance, found map[string]compute.Instance) error {
	var ids []string
	for _, member := range members {
		ids = append(ids, aws.ToString(member.InstanceId))
	}
	// A filter and not ids: one that has just gone is no error.
	input := &ec2.DescribeInstancesInput{Filters: []compute.Filter{{Name: aws.String("instance-id"), Values: ids}}}
	pages := ec2.NewDescribeInstancesPaginator(region.EC2(), input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("describe the instances: %w", cloud.Explain(err))
		}
		for _, reservation := range page.Reservations {
			for _, machine := range reservation.Instances {
				found[aws.ToString(machine.InstanceId)] = machine
			}
		}
	}
	return nil
}
