package deploy

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Instances is what an update does to the number of an app's instances.
type Instances struct {
	Before    int    `json:"before"`              // the desired capacity of the live group
	After     int    `json:"after"`               // of the group after the update
	Policy    string `json:"policy"`              // rolling or redblack
	InService int    `json:"inService,omitempty"` // of rolling: how many stay in service
	Batch     int    `json:"batch,omitempty"`     // of rolling: how many are replaced at a time

}

// withLiveSizes returns the inputs of a change set that replaces a group's instances, with the sizes of the live group in place of the
// deployed ones. Without such a change the inputs stay, so that scaling alone makes no difference. The result says what happens to
// the number of instances, nil when the stack leaves that to constants.
func withLiveSizes(ctx context.Context, s *stack, plan stackPlan, d *cloudformation.DescribeChangeSetOutput) (inputs, *Instances, error) {
	if !replacesInstances(d, plan.deployed) {
		return plan.inputs, nil, nil
	}
	found, sizes, err := s.resolver.Sizes(ctx, s.spec, plan.deployed)
	if err != nil || sizes == nil {
		return plan.inputs, nil, s.asFailure(err)
	}
	in := inputs{}
	for name, v := range plan.inputs {
		in[name] = v
	}
	n := &Instances{Before: sizes.Desired, After: sizes.Desired}
	for name, v := range found {
		in[name] = v
		size, _ := strconv.Atoi(v.Text)
		switch source := s.spec.Parameters[name].GroupSize; source.Of {
		case assembly.SizeDesired:
			n.Policy, n.After = "redblack", size
		case assembly.SizeInService:
			n.Policy, n.InService, n.Batch = "rolling", size, source.Batch
		}
	}
	return in, n, nil
}

// sameSizes reports whether two sets of inputs have the same sizes of groups.
func sameSizes(of assembly.Stack, a, b inputs) bool {
	for name, source := range of.Parameters {
		if source.GroupSize != nil && a[name].Text != b[name].Text {
			return false
		}
	}
	return true
}

// replacesInstances reports whether a change set replaces the instances of the stack's group.
func replacesInstances(d *cloudformation.DescribeChangeSetOutput, deployed *live.Stack) bool {
	if deployed == nil || deployed.Outputs[document.OutputGroup] == "" {
		return false
	}
	group := deployed.Outputs[document.OutputGroup]
	return slices.ContainsFunc(d.Changes, func(c types.Change) bool {
		r := c.ResourceChange
		if r == nil || r.Action != types.ChangeActionModify || aws.ToString(r.PhysicalResourceId) != group {
			return false
		}
		return r.Replacement == types.ReplacementTrue || slices.ContainsFunc(r.Details, func(detail types.ResourceChangeDetail) bool {
			return detail.Target != nil && isInstanceProperty(detail.Target)
		})
	})
}

// isInstanceProperty reports whether a changed property, or a part of one, replaces instances.
func isInstanceProperty(t *types.ResourceTargetDefinition) bool {
	return diff.ReplacesInstances(live.GroupType, aws.ToString(t.Name)) ||
		diff.ReplacesInstances(live.GroupType, propertyPath(aws.ToString(t.Path)))
}

// resized reports whether the group was scaled since the plan was made.
func resized(ctx context.Context, s *stack, plan stackPlan) (bool, error) {
	if plan.Instances == nil {
		return false, nil
	}
	_, sizes, err := s.resolver.Sizes(ctx, s.spec, plan.deployed)
	if err != nil {
		return false, s.asFailure(err)
	}
	return sizes != nil && sizes.Desired != plan.Instances.Before, nil
}

// resetCapacity sets the desired capacity back after a rolling update that was rolled back. CloudFormation enlarges a group for the
// update, and does not undo that in a rollback (github.com/guardian/testing-asg-rolling-update, observations/healthy-to-unhealthy.md).
// Scaling is suspended during the update, so the difference is CloudFormation's. A refusal is only told: the failure of the update is
// the more important error.
func resetCapacity(ctx context.Context, s *stack, plan stackPlan) {
	before := plan.Instances
	if before == nil || before.Policy != "rolling" || plan.deployed == nil ||
		plan.deployed.Status != types.StackStatusUpdateRollbackComplete {
		return
	}
	_, sizes, err := s.resolver.Sizes(ctx, s.spec, plan.deployed)
	if err == nil && (sizes == nil || sizes.Desired == before.Before) {
		return
	}
	name := plan.deployed.Outputs[document.OutputGroup]
	if err == nil {
		_, err = s.cloud.Region(s.spec.Region).AutoScaling().SetDesiredCapacity(ctx, &autoscaling.SetDesiredCapacityInput{
			AutoScalingGroupName: &name, DesiredCapacity: aws.Int32(int32(before.Before)),
		})
	}
	if err != nil {
		s.tell(activity.Event{Kind: activity.Warning, Reason: fmt.Sprintf("the group had %d instances before the update, and may have "+
			"more now: set them back with aws autoscaling set-desired-capacity --region %s --auto-scaling-group-name %s "+
			"--desired-capacity %d: %v", before.Before, s.spec.Region, name, before.Before, cloud.Explain(err))})
		return
	}
	s.tell(activity.Event{Kind: activity.Note, Reason: fmt.Sprintf("the desired capacity is %d again, as before the update; it was %d",
		before.Before, sizes.Desired)})
}
