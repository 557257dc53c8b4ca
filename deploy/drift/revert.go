package drift

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"github.com/pebble/spacel/deploy/cloud"
)

// There are three ways back. CloudFormation sends the deployed template again, with a change set of DeploymentMode REVERT_DRIFT (package
// deploy). It does not see rules and policies that somebody added beside the template's, so these are removed here, one by one. It also
// leaves the sizes of groups alone, because their update policy says IgnoreUnmodifiedGroupSizeProperties: "CloudFormation ignores
// differences in group size properties between your current Auto Scaling group and the Auto Scaling group described in the [template]
// during a stack update" (Template Reference, UpdatePolicy attribute). These are set back here.

// IsAddition reports whether somebody added something that Remove removes.
func (f Finding) IsAddition() bool { return f.remove != nil }

// IsSize reports whether the finding is about a size that Repair sets back.
func (f Finding) IsSize() bool { return f.repair != nil }

// Remove removes the rule or policy that somebody added. It removes nothing else: the call names it by its own id or name.
func (f Finding) Remove(ctx context.Context, c *cloud.Cloud) error {
	return f.remove(ctx, c.Region(f.Region))
}

// Repair sets a group's size back to the template's.
func (f Finding) Repair(ctx context.Context, c *cloud.Cloud) error {
	return f.repair(ctx, c.Region(f.Region))
}

// setSize returns a function that sets one size of a group, nil for a size without a number.
func setSize(group, property, size string) func(context.Context, *cloud.Region) error {
	n, err := strconv.ParseInt(size, 10, 32)
	if err != nil {
		return nil
	}
	number := int32(n)
	return func(ctx context.Context, region *cloud.Region) error {
		input := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: &group}
		if property == "MinSize" {
			input.MinSize = &number
		} else {
			input.MaxSize = &number
		}
		if _, err := region.AutoScaling().UpdateAutoScalingGroup(ctx, input); err != nil {
			return fmt.Errorf("set %s of the group %s to %d: %w", property, group, number, cloud.Explain(err))
		}
		return nil
	}
}
