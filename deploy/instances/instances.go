// Package instances lists the instances of an app and their state. It joins three answers: Auto Scaling knows the
// members of the app's group, EC2 their addresses, and Elastic Load Balancing their health.
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
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	compute "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/live"
)

// Instance is one instance of an app.
type Instance struct {
	ID        string    `json:"id"`
	Region    string    `json:"region"`
	Zone      string    `json:"zone"`
	Type      string    `json:"type"`
	PrivateIP string    `json:"privateIp,omitempty"`
	PublicIP  string    `json:"publicIp,omitempty"`
	State     string    `json:"state"`  // lifecycle state in the auto scaling group: InService, Pending …
	Health    string    `json:"health"` // healthy, or the state that a load balancer or the group gives
	Version   string    `json:"version,omitempty"`
	Current   bool      `json:"current"` // was launched from the group's current launch template
	Launched  time.Time `json:"launched"`
	HostKey   string    `json:"hostKey,omitempty"` // of SSH, as the instance recorded it at its boot
}

// List returns an app's instances, sorted by region, age (the oldest first) and id. The error names every region that
// failed; the instances of the other regions are returned nevertheless.
func List(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, orbit, app string, regions []string) ([]Instance, error) {
	found := make([][]Instance, len(regions))
	var wait sync.WaitGroup
	errs := make([]error, len(regions))
	for i, region := range regions {
		wait.Go(func() {
			var err error
			if found[i], err = inRegion(ctx, c.Region(region), stacks,
				assembly.StackRef{Region: region, Name: document.StackName(orbit, app)}); err != nil {
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

// inRegion returns the instances in one region, none where the app is not deployed. The stack's output
// AutoScalingGroup names the group.
func inRegion(ctx context.Context, region *cloud.Region, stacks *live.Stacks, ref assembly.StackRef) ([]Instance, error) {
	stack, err := stacks.Get(ctx, ref)
	// Without the output the stack is still being created. The app then has no group and no instances.
	if err != nil || stack == nil || stack.Outputs[document.OutputGroup] == "" {
		return nil, err
	}
	name := stack.Outputs[document.OutputGroup]
	found, err := groups.Read(ctx, region, name)
	if err != nil {
		return nil, fmt.Errorf("describe the auto scaling group %s: %w", name, err)
	}
	group, exists := found[name]
	if !exists {
		return nil,
			fmt.Errorf("the auto scaling group %s, which the outputs of stack %s name, does not exist: somebody deleted it outside of "+
				"CloudFormation; look at the stack's drift in the console, and deploy again", name, ref)
	}
	if len(group.Instances) == 0 {
		return nil, nil
	}
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
		all = append(all, newInstance(stack, group, member, machines[aws.ToString(member.InstanceId)],
			targets[aws.ToString(member.InstanceId)]))
	}
	return all, nil
}

// newInstance joins the answers about one instance. EC2 may not know an instance which is just starting or gone, so
// its fields may be empty.
func newInstance(stack *live.Stack, group scaling.AutoScalingGroup, member scaling.Instance, machine compute.Instance,
	target string) Instance {
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
		HostKey:   hostKey(machine),
	}
	if i.Current { // the stack's parameters no longer say the version of an older template
		i.Version = stack.Parameters[document.ParameterVersion]
	}
	return i
}

// templateVersion returns the version of the launch template which the group starts instances from, also when the
// group mixes instance types.
func templateVersion(group scaling.AutoScalingGroup) string {
	if policy := group.MixedInstancesPolicy; policy != nil && policy.LaunchTemplate != nil {
		return versionOf(policy.LaunchTemplate.LaunchTemplateSpecification)
	}
	return versionOf(group.LaunchTemplate)
}

// versionOf returns a launch template's version, "" if the group has another kind of launch description.
func versionOf(template *scaling.LaunchTemplateSpecification) string {
	if template == nil {
		return ""
	}
	return aws.ToString(template.Version)
}

// describe asks EC2 about instances, in as many calls as its limit demands. The result is by instance id; an instance that
// EC2 does not know is missing.
func describe(ctx context.Context, region *cloud.Region, members []scaling.Instance) (map[string]compute.Instance, error) {
	found := map[string]compute.Instance{}
	for some := range slices.Chunk(members, maxFilterValues) {
		if err := describeSome(ctx, region, some, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// maxFilterValues is EC2's limit of values in one filter (Amazon EC2 User Guide, "List and filter your resources").
const maxFilterValues = 200

// describeSome asks about at most maxFilterValues instances and adds the answers to found.
func describeSome(ctx context.Context, region *cloud.Region, members []scaling.Instance, found map[string]compute.Instance) error {
	var ids []string
	for _, member := range members {
		ids = append(ids, aws.ToString(member.InstanceId))
	}
	// DescribeInstances fails for an id that does not exist any more. A filter leaves it out.
	input := &ec2.DescribeInstancesInput{Filters: []compute.Filter{{Name: aws.String("instance-id"), Values: ids}}}
	pages := ec2.NewDescribeInstancesPaginator(region.EC2(), input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("describe the instances: %w", cloud.Explain(err))
		}
		if page.Reservations == nil {
			return fmt.Errorf("describe the instances: %w", cloud.Incomplete("ec2:DescribeInstances", "no reservationSet"))
		}
		// EC2 groups instances by the call that launched them (a reservation), which has no meaning here.
		for _, reservation := range page.Reservations {
			for _, machine := range reservation.Instances {
				found[aws.ToString(machine.InstanceId)] = machine
			}
		}
	}
	return nil
}
