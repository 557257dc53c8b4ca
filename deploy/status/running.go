package status

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/alarms"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/temporary"
)

// Running is what an app's stack runs now. CloudFormation's status is that of the last operation: a stack stays UPDATE_COMPLETE while
// its instances fail one after the other. So status asks the group, and CloudWatch for the alarms of the orbit that are on. The
// version is the deployed parameter, which every instance of the group gets at its next launch.
type Running struct {
	Version   string   `json:"version,omitempty"` // as deployed; empty for an app without one
	Healthy   int      `json:"healthy"`           // instances in service that the group takes for healthy
	Instances int      `json:"instances"`         // all of the group
	Desired   int      `json:"desired"`
	Alarms    []string `json:"alarms,omitempty"` // the ones that are on, as their descriptions say it
}

// readRunning adds what runs to the stacks of apps. It makes a few calls in each region: groups are read a hundred at a time, and the
// alarms that are on all together. A missing permission is a note, since CloudFormation's states are known without it.
func readRunning(ctx context.Context, c *cloud.Cloud, r *Report) error {
	byRegion := map[string][]*Stack{}
	for i := range r.Stacks {
		if stack := &r.Stacks[i]; stack.Outputs[document.OutputGroup] != "" && stack.App != "" {
			byRegion[stack.Region] = append(byRegion[stack.Region], stack)
		}
	}
	regions := slices.Sorted(maps.Keys(byRegion))
	notes := make([][]string, len(regions))
	work, ctx := errgroup.WithContext(ctx)
	for i, region := range regions {
		work.Go(func() (err error) {
			if notes[i], err = runningIn(ctx, c.Region(region), r.Orbit, byRegion[region]); err != nil {
				return err
			}
			more, err := recordsIn(ctx, c, region, r.Orbit, byRegion[region])
			notes[i] = append(notes[i], more...)
			return err
		})
	}
	err := work.Wait()
	r.Notes = append(r.Notes, slices.Concat(notes...)...)
	return err
}

// recordsIn adds the facts of the orbit's table of releases: the changes by hand in force, and the last releases. An orbit of an older
// release of spacel has no such table.
func recordsIn(ctx context.Context, c *cloud.Cloud, region, orbit string, stacks []*Stack) (notes []string, err error) {
	kept := temporary.Kept(ctx, live.New(c), orbit, region)
	if kept {
		note, err := addTemporary(ctx, c, region, orbit, stacks)
		if err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	note, err := addReleases(ctx, c, region, orbit, kept, stacks)
	return slices.DeleteFunc(append(notes, note), func(n string) bool { return n == "" }), err
}

// runningIn adds what runs to the stacks of one region. It returns what could not be read.
func runningIn(ctx context.Context, region *cloud.Region, orbit string, stacks []*Stack) (notes []string, err error) {
	found, err := readGroups(ctx, region, stacks)
	switch {
	case cloud.IsDenied(err):
		notes = append(notes, fmt.Sprintf("%s: the health of instances is not known: %v", region.Name, err))
	case err != nil:
		return nil, err
	default:
		for _, stack := range stacks {
			stack.addGroup(found)
		}
	}
	// CloudFormation names alarms <stack>-<logical id>-<suffix>, and each stack of the orbit begins with its name.
	on, err := alarms.On(ctx, region, document.StackName(orbit, ""))
	switch {
	case cloud.IsDenied(err):
		notes = append(notes, fmt.Sprintf("%s: the states of alarms are not known: %v", region.Name, err))
	case err != nil:
		return nil, err
	}
	for _, alarm := range on {
		addAlarm(stacks, alarm)
	}
	return notes, nil
}

// readGroups returns the stacks' groups by name.
func readGroups(ctx context.Context, region *cloud.Region, stacks []*Stack) (map[string]types.AutoScalingGroup, error) {
	var names []string
	for _, stack := range stacks {
		names = append(names, stack.Outputs[document.OutputGroup])
	}
	found, err := groups.Read(ctx, region, names...)
	if err != nil {
		return nil, fmt.Errorf("describe the auto scaling groups in %s: %w", region.Name, err)
	}
	return found, nil
}

// Instances that boot are Pending. They count among the group's instances, and not among the healthy ones.

// addGroup counts the group's instances. A stack whose group should have instances and has no healthy one is down, whatever
// CloudFormation says: its state is that of the last operation.
func (s *Stack) addGroup(all map[string]types.AutoScalingGroup) {
	name := s.Outputs[document.OutputGroup]
	group, exists := all[name]
	if !exists {
		s.need(Down, fmt.Sprintf("the auto scaling group %s does not exist: somebody deleted it outside of CloudFormation", name))
		return
	}
	s.running().Desired, s.Running.Instances = int(aws.ToInt32(group.DesiredCapacity)), len(group.Instances)
	s.Running.Healthy = groups.Healthy(group)
	if s.Running.Healthy == 0 && s.Running.Desired > 0 {
		s.need(Down, fmt.Sprintf("no healthy instance: the group wants %d; spacel instances %s and spacel events show more",
			s.Running.Desired, s.App))
	}
}

// running returns the stack's Running, which it makes on first use.
func (s *Stack) running() *Running {
	if s.Running == nil {
		s.Running = &Running{Version: s.version}
	}
	return s.Running
}

// need puts a stack into a state with a reason. A failed operation or one in progress stays the state: it explains the rest.
func (s *Stack) need(state State, why string) {
	if s.State.OK() || s.State == Differs {
		s.State = state
	}
	s.Why = append(s.Why, why)
}

// addAlarm adds an alarm to the stack that its name begins with. The longest name counts: an alarm of test-web-admin is none of
// test-web.
func addAlarm(stacks []*Stack, alarm alarms.Alarm) {
	var owner *Stack
	for _, stack := range stacks {
		if strings.HasPrefix(alarm.Name, stack.Name+"-") && (owner == nil || len(stack.Name) > len(owner.Name)) {
			owner = stack
		}
	}
	if owner == nil {
		return
	}
	text := alarm.Name
	if alarm.Description != "" {
		text = strings.TrimSuffix(alarm.Description, ".")
	}
	owner.running().Alarms = append(owner.running().Alarms, text)
}
