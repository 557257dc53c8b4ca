package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/alarms"
	"github.com/pebble/spacel/deploy/live"
)

// Guard is what rolls a stack's update back: CloudFormation watches the alarms during the update and for some minutes after all
// resources are updated.
type Guard struct {
	Minutes int          `json:"minutes"`
	Alarms  []GuardAlarm `json:"alarms,omitempty"`
	Notes   []string     `json:"notes,omitempty"` // the limits of the guard in this update
}

// GuardAlarm is an alarm of a guard.
type GuardAlarm struct {
	Name      string `json:"name"` // as the manifest has it
	ARN       string `json:"arn"`
	Origin    string `json:"origin,omitempty"` // file:line:col in the manifests, of the app's own alarms
	composite bool
	physical  string
}

// guardian finds the guard of a stack's next update.
//
// CloudFormation takes the guard with a change set (RollbackConfiguration) and keeps it with the stack. An alarm that does not exist, or
// is in ALARM, rolls the update back at once, which looks like a failed release. So both are refused before anything begins. An alarm in
// INSUFFICIENT_DATA is accepted: it rolls nothing back, and every new alarm begins in that state. The alarms of the first deployment are
// made by it, so there is nothing to watch yet. OnStackFailure DELETE would also delete the new stack with its logs.
type guardian struct{ *stack }

// guard returns the guard for a plan, nil for a stack without one. It refuses alarms in ALARM, and missing ones: with
// either of them CloudFormation would roll the update back as soon as it begins.
func (g guardian) guard(ctx context.Context, deployed *live.Stack, creates bool) (*Guard, error) {
	spec := g.spec.Guard
	if spec == nil {
		return nil, nil
	}
	if creates {
		return &Guard{Notes: []string{"the first deployment has no guard: the alarms do not exist before it"}}, nil
	}
	guard := &Guard{Minutes: spec.Minutes}
	own, err := g.ownAlarms(ctx, deployed)
	if err != nil {
		return nil, err
	}
	for _, alarm := range spec.Alarms {
		found := GuardAlarm{Name: alarm.Name, ARN: alarm.ARN, Origin: g.origin(alarm.LogicalID)}
		switch {
		case slices.Contains(g.options.IgnoreAlarms, alarm.Name):
			guard.Notes = append(guard.Notes, fmt.Sprintf("the alarm %s does not guard this update (--ignore-alarm)", alarm.Name))
			continue
		case alarm.ARN == "" && own[alarm.LogicalID] == "":
			guard.Notes = append(guard.Notes, fmt.Sprintf("the alarm %s is new: it guards from the next update on", alarm.Name))
			continue
		case alarm.ARN == "":
			found.physical = own[alarm.LogicalID]
			found.ARN = alarmARN(deployed.ID, found.physical)
		default:
			found.physical = assembly.AlarmName(alarm.ARN)
		}
		guard.Alarms = append(guard.Alarms, found)
	}
	return guard, g.check(ctx, guard)
}

// ownAlarms returns the physical names of the stack's alarms by logical id. It makes no call for a guard of other stacks' alarms.
func (g guardian) ownAlarms(ctx context.Context, deployed *live.Stack) (map[string]string, error) {
	if !slices.ContainsFunc(g.spec.Guard.Alarms, func(a assembly.GuardAlarm) bool { return a.ARN == "" }) {
		return nil, nil
	}
	resources, err := g.live.Resources(ctx, deployed)
	if err != nil {
		return nil, err
	}
	own := map[string]string{}
	for _, r := range resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			own[r.LogicalID] = r.PhysicalID
		}
	}
	return own, nil
}

// alarmARN returns the ARN of an alarm in the partition, region and account of a stack.
func alarmARN(stackID, name string) string {
	parts := strings.SplitN(stackID, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return strings.Join([]string{parts[0], parts[1], "cloudwatch", parts[3], parts[4], "alarm", name}, ":")
}

// check reads the states of the alarms.
func (g guardian) check(ctx context.Context, guard *Guard) error {
	var names []string
	for _, alarm := range guard.Alarms {
		names = append(names, alarm.physical)
	}
	found, err := alarms.Read(ctx, g.cloud.Region(g.spec.Region), names)
	if err != nil {
		return fmt.Errorf("%s: %w", g.ref(), err)
	}
	for i, alarm := range guard.Alarms {
		now, exists := found[alarm.physical]
		switch {
		case !exists:
			return refuse("%s: %sthe alarm %s, which guards releases, does not exist in %s (%s): CloudFormation would roll the update "+
				"back: make it again, or deploy with --ignore-alarm %q", g.ref(), place(alarm.Origin), alarm.Name, g.spec.Region,
				alarm.physical, alarm.Name)
		case now.IsOn():
			return refuse("%s: %sthe alarm %s, which guards releases, is on since %s: %s: CloudFormation would roll the update back: "+
				"wait until it is off, or deploy with --ignore-alarm %q", g.ref(), place(alarm.Origin), alarm.Name,
				now.Since.UTC().Format(time.RFC3339), g.mask(now.Reason), alarm.Name)
		}
		guard.Alarms[i].composite = now.Composite
	}
	return nil
}

// configuration returns a guard for CloudFormation. Without a guard it is an empty list, which removes the triggers of an earlier
// deployment: a change set without a list would keep them (API Reference, RollbackConfiguration).
func (guard *Guard) configuration() *types.RollbackConfiguration {
	out := &types.RollbackConfiguration{RollbackTriggers: []types.RollbackTrigger{}, MonitoringTimeInMinutes: aws.Int32(0)}
	if guard == nil || len(guard.Alarms) == 0 {
		return out // CloudFormation waits for the monitoring time even without triggers
	}
	out.MonitoringTimeInMinutes = aws.Int32(int32(guard.Minutes))
	for _, alarm := range guard.Alarms {
		kind := "AWS::CloudWatch::Alarm"
		if alarm.composite {
			kind = "AWS::CloudWatch::CompositeAlarm"
		}
		out.RollbackTriggers = append(out.RollbackTriggers, types.RollbackTrigger{Arn: &alarm.ARN, Type: &kind})
	}
	return out
}

// noteChanges adds the limits of a guard that follow from the changes of the update.
func (guard *Guard) noteChanges(changes []Change, spec *assembly.Guard) {
	if guard == nil || len(guard.Alarms) == 0 {
		return
	}
	for _, change := range changes {
		own := slices.IndexFunc(spec.Alarms, func(a assembly.GuardAlarm) bool { return a.LogicalID == change.LogicalID && a.ARN == "" })
		if own >= 0 && change.Action != string(types.ChangeActionAdd) {
			guard.Notes = append(guard.Notes, fmt.Sprintf("this update changes the alarm %s, which guards it", spec.Alarms[own].Name))
		}
		if change.Type == live.GroupType && change.Replacement == string(types.ReplacementTrue) && guard.Minutes > 0 {
			guard.Notes = append(guard.Notes, "the old and the new instances both serve during the watch")
		}
	}
}

// Text describes a guard in one line.
func (guard *Guard) Text() string {
	if len(guard.Alarms) == 0 {
		return "no alarm guards this deployment"
	}
	var names []string
	for _, alarm := range guard.Alarms {
		names = append(names, alarm.Name)
	}
	text := "rolled back when an alarm goes off: " + strings.Join(names, ", ")
	if guard.Minutes > 0 {
		text += fmt.Sprintf("; watched for %d min after the update", guard.Minutes)
	}
	return text
}

// breached returns the first alarm of the guard that went off since a time, "" if none did. A failed look-up is no cause: it says so.
func (g guardian) breached(ctx context.Context, guard *Guard, since time.Time) (text, origin string) {
	if guard == nil || len(guard.Alarms) == 0 {
		return "", ""
	}
	var names []string
	for _, alarm := range guard.Alarms {
		names = append(names, alarm.physical)
	}
	// The clock of this machine may be ahead of AWS's.
	found, err := alarms.Breaches(ctx, g.cloud.Region(g.spec.Region), names, since.Add(-time.Minute))
	if err != nil {
		return g.mask(err.Error()), ""
	}
	if len(found) == 0 {
		return "", ""
	}
	i := slices.Index(names, found[0].Name)
	return fmt.Sprintf("the alarm %s went off at %s: %s", guard.Alarms[i].Name, found[0].At.UTC().Format("15:04:05Z"),
		g.mask(found[0].Reason)), guard.Alarms[i].Origin
}
