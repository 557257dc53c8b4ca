package temporary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/live"
)

// The change must outlive this process, and end without it. So it is made of things that AWS keeps: the sizes of the group, and one
// scheduled action of the group with a start time and no recurrence, which AWS runs once (EC2 Auto Scaling User Guide, "Scheduled
// scaling"). CloudFormation knows neither, and does not touch the sizes in an update that does not change them.

// endAction is the name of the scheduled action that ends scale. AWS deletes it after it ran.
const endAction = "spacel-scale-end"

// Target is an app in one region, found and checked before anything changes.
type Target struct {
	Region string
	Orbit  string
	App    string
	Stack  *live.Stack
	State  *State // the change in force, or nil

	cloud *cloud.Region
}

// FindTargets finds an app in all regions, with the change of a kind in force there. It is an error when a region cannot be
// changed: then none is.
func FindTargets(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, orbit, app string, regions []string,
	kind Kind) ([]Target, error) {
	var found []Target
	var problems []error
	for _, region := range regions {
		stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(orbit, app)})
		if err != nil || !stack.Exists() {
			problems = append(problems, err)
			continue
		}
		t := Target{Region: region, Orbit: orbit, App: app, Stack: stack, cloud: c.Region(region)}
		// CloudFormation would write its own sizes over a change during an update.
		if stack.Busy() {
			problems = append(problems, fmt.Errorf("%s is %s: wait until the operation has ended", stack.StackRef, stack.Status))
			continue
		}
		states, err := Read(ctx, t.cloud, orbit, app)
		problems = append(problems, err)
		for _, s := range states[app] {
			if s.Kind == kind {
				t.State = &s
			}
		}
		found = append(found, t)
	}
	return found, errors.Join(problems...)
}

// End ends the change that is in force.
func (t Target) End(ctx context.Context) error {
	return End(ctx, t.cloud, t.Orbit, t.Stack.Outputs[document.OutputGroup], *t.State)
}

// Scaling is the change of a group's size in one region.
type Scaling struct {
	Target
	Group  string
	Now    Sizes // of the group
	After  Sizes
	Before Sizes // as the template says, for the end
}

// PlanScaling returns the change to n instances. Scaling policies may add instances up to the group's greatest number, and remove none
// below n: so that they do not undo the change. A number above the greatest raises it.
func (t Target) PlanScaling(ctx context.Context, n int) (Scaling, error) {
	s := Scaling{Target: t, Group: t.Stack.Outputs[document.OutputGroup]}
	if s.Group == "" {
		return s, fmt.Errorf("%s has no auto scaling group", t.Stack.StackRef)
	}
	var err error
	if s.Now, err = sizesOf(ctx, t.cloud, s.Group); err != nil {
		return s, fmt.Errorf("%s: %w", t.Region, err)
	}
	// A second change keeps the sizes from before the first one: the group has those of the first now.
	s.Before = s.Now
	if t.State != nil && !t.State.Over(time.Now()) && t.State.Before != nil {
		s.Before = *t.State.Before
	}
	s.After = Sizes{Min: n, Max: max(n, s.Before.Max), Desired: n}
	return s, nil
}

// sizesOf reads the sizes of a group.
func sizesOf(ctx context.Context, region *cloud.Region, name string) (Sizes, error) {
	found, err := groups.Read(ctx, region, name)
	if err != nil {
		return Sizes{}, fmt.Errorf("describe the auto scaling group %s: %w", name, err)
	}
	group, ok := found[name]
	if !ok {
		return Sizes{}, fmt.Errorf("the auto scaling group %s does not exist", name)
	}
	if group.MinSize == nil || group.MaxSize == nil || group.DesiredCapacity == nil {
		return Sizes{}, cloud.Incomplete("autoscaling:DescribeAutoScalingGroups", "a group without sizes")
	}
	return Sizes{int(*group.MinSize), int(*group.MaxSize), int(*group.DesiredCapacity)}, nil
}

// Apply changes the group. The record comes first: whatever fails after it can be ended.
func (s Scaling) Apply(ctx context.Context, until *time.Time, by string) error {
	state := State{Kind: Scale, App: s.App, Since: time.Now().UTC().Truncate(time.Second), Until: until, By: by, Group: s.Group,
		Set: &s.After, Before: &s.Before}
	if err := (table{s.cloud, s.Orbit}).put(ctx, state); err != nil {
		return err
	}
	// The end is planned before the change begins. Without a time, the end of an earlier change must not come.
	if until != nil {
		_, err := s.cloud.AutoScaling().PutScheduledUpdateGroupAction(ctx, &autoscaling.PutScheduledUpdateGroupActionInput{
			AutoScalingGroupName: &s.Group, ScheduledActionName: aws.String(endAction), StartTime: until,
			MinSize: count(s.Before.Min), MaxSize: count(s.Before.Max), DesiredCapacity: count(s.Before.Desired),
		})
		if err != nil {
			return fmt.Errorf("schedule the end in %s: %w", s.Region, cloud.Explain(err))
		}
	} else if err := deleteAction(ctx, s.cloud, s.Group); err != nil {
		return fmt.Errorf("%s: %w", s.Region, err)
	}
	if err := resize(ctx, s.cloud, s.Group, s.After); err != nil {
		return fmt.Errorf("%s: %w", s.Region, err)
	}
	return nil
}

// count converts a size for AWS.
func count(n int) *int32 { return aws.Int32(int32(n)) }

// resize sets the sizes of a group.
func resize(ctx context.Context, region *cloud.Region, group string, to Sizes) error {
	_, err := region.AutoScaling().UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &group, MinSize: count(to.Min), MaxSize: count(to.Max), DesiredCapacity: count(to.Desired),
	})
	if err != nil {
		return fmt.Errorf("change the sizes of the auto scaling group %s: %w", group, cloud.Explain(err))
	}
	return nil
}

// deleteAction deletes the scheduled end. One that is gone is no error. AWS answers ValidationError for an unknown one, so the actions
// are listed.
func deleteAction(ctx context.Context, region *cloud.Region, group string) error {
	out, err := region.AutoScaling().DescribeScheduledActions(ctx, &autoscaling.DescribeScheduledActionsInput{
		AutoScalingGroupName: &group, ScheduledActionNames: []string{endAction},
	})
	if err != nil {
		return fmt.Errorf("look for the scheduled end: %w", cloud.Explain(err))
	}
	for _, action := range out.ScheduledUpdateGroupActions {
		if aws.ToString(action.ScheduledActionName) != endAction {
			continue
		}
		_, err := region.AutoScaling().DeleteScheduledAction(ctx, &autoscaling.DeleteScheduledActionInput{
			AutoScalingGroupName: &group, ScheduledActionName: aws.String(endAction),
		})
		if err != nil {
			return fmt.Errorf("delete the scheduled end: %w", cloud.Explain(err))
		}
	}
	return nil
}

// endScale sets the sizes back. A deploy in between may have set them itself, or have replaced the group: sizes that are not those of
// the change stay.
func endScale(ctx context.Context, region *cloud.Region, group string, s State) error {
	if s.Set == nil || s.Before == nil {
		return errors.New("its record has no sizes")
	}
	if group == "" {
		group = s.Group
	}
	now, err := sizesOf(ctx, region, group)
	if err != nil {
		return err
	}
	if err := deleteAction(ctx, region, group); err != nil {
		return err
	}
	next := now
	if now.Min == s.Set.Min {
		next.Min = s.Before.Min
	}
	if now.Max == s.Set.Max {
		next.Max = s.Before.Max
	}
	if now.Desired == s.Set.Desired {
		next.Desired = s.Before.Desired
	}
	// AWS refuses a desired capacity outside of the other two.
	next.Desired = min(max(next.Desired, next.Min), next.Max)
	if next == now {
		return nil
	}
	return resize(ctx, region, group, next)
}
