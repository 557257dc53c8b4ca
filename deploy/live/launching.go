package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/launches"
)

// GroupType is the resource type of an auto scaling group.
const GroupType = "AWS::AutoScaling::AutoScalingGroup"

// launching watches the groups of one operation, and tells why their instances do not launch.
type launching struct {
	groups  map[string]string // physical id → logical id, of the groups in progress
	told    map[string]bool   // by group and message: a group tries again every few minutes, and fails with the same words
	next    time.Time         // when to ask again
	refused bool              // these credentials may not ask
}

// note remembers a group while it is in progress. CloudFormation names a new group in its second event, "Resource creation Initiated".
func (l *launching) note(e Event) {
	if e.Type != GroupType || e.PhysicalID == "" {
		return
	}
	if l.groups == nil {
		l.groups, l.told = map[string]string{}, map[string]bool{}
	}
	if strings.HasSuffix(e.Status, "_IN_PROGRESS") && !strings.HasPrefix(e.Status, "DELETE") {
		l.groups[e.PhysicalID] = e.Resource
		return
	}
	delete(l.groups, e.PhysicalID)
}

// launchEvery is the time between two looks at the activities of groups in progress: 15 s on AWS.
func (f *Follower) launchEvery() time.Duration { return f.patience() / 20 }

// tellOfLaunches tells about new failures of groups in progress. That the activities cannot be read is no failure of the operation.
func (w *watch) tellOfLaunches(ctx context.Context, now time.Time) {
	l := &w.launching
	if len(l.groups) == 0 || l.refused || now.Before(l.next) {
		return
	}
	l.next = now.Add(w.launchEvery())
	for group, resource := range l.groups {
		failed, err := launches.Read(ctx, w.Stacks.cloud.Region(w.Ref.Region), group, w.events[0].Time)
		if err != nil {
			l.refused = IsRefusal(err)
			// A call without an answer has cost time already, so the next one comes later.
			l.next = now.Add(4 * w.launchEvery())
			w.tell(activity.Event{Kind: activity.Note, Resource: resource, Type: GroupType, Reason: err.Error()})
			return
		}
		for _, f := range failed {
			if key := group + " " + f.Message; !l.told[key] {
				l.told[key] = true
				w.tell(activity.Event{Kind: activity.LaunchFailed, Time: f.Time, Resource: resource, Type: GroupType,
					Reason: describeLaunch(f.Message), Origin: w.Origins[resource]})
			}
		}
	}
}

// describeLaunch adds advice to AWS's words.
func describeLaunch(message string) string {
	if hint := launches.Hint(message); hint != "" {
		return message + " → " + hint
	}
	return message
}

// FailedLaunch is the status of an event made from a failed launch. CloudFormation has no such status.
const FailedLaunch = "LAUNCH_FAILED"

// FailedLaunches returns an event for each launch of the stack's groups that failed since a time, oldest first.
func (s *Stacks) FailedLaunches(ctx context.Context, stack *Stack, since time.Time) ([]Event, error) {
	if !stack.Exists() {
		return nil, nil
	}
	resources, err := s.Resources(ctx, stack)
	if err != nil {
		return nil, err
	}
	var events []Event
	for _, r := range resources {
		if r.Type != GroupType || r.PhysicalID == "" {
			continue
		}
		failed, err := launches.Read(ctx, s.cloud.Region(stack.Region), r.PhysicalID, since)
		if err != nil {
			return events, fmt.Errorf("%s: %w", stack.StackRef, cloud.Explain(err))
		}
		for _, f := range failed {
			events = append(events, Event{ID: f.ID, Time: f.Time, Region: stack.Region, Stack: stack.Name, Resource: r.LogicalID,
				PhysicalID: r.PhysicalID, Type: GroupType, Status: FailedLaunch, Reason: describeLaunch(f.Message)})
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return events, nil
}

// Groups returns the names of the auto scaling groups that events are about.
func Groups(events []Event) []string {
	var names []string
	for _, e := range events {
		if e.Type == GroupType && e.PhysicalID != "" && !slices.Contains(names, e.PhysicalID) {
			names = append(names, e.PhysicalID)
		}
	}
	return names
}
