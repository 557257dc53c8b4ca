package cloudtest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go/encoding/cbor"
)

const alarmType = "AWS::CloudWatch::Alarm"

// Alarm is the state of a CloudWatch alarm: OK, ALARM or INSUFFICIENT_DATA, which a new alarm has (CloudWatch API Reference,
// PutMetricAlarm).
type Alarm struct {
	State, Reason string
	Changed       time.Time
	history       []Alarm // older states, the oldest first
}

// Alarms are the CloudWatch alarms of a region.
type Alarms struct {
	Account *CloudFormation
	Region  string
}

// Set puts an alarm into a state, and makes the alarm if there is none of that name.
func (a Alarms) Set(name, state, reason string) {
	a.Account.mu.Lock()
	defer a.Account.mu.Unlock()
	a.Account.engine.advance(time.Now())
	a.Account.engine.setAlarm(a.Region, name, state, reason, time.Now())
}

// Delete deletes an alarm as somebody with the console does: its stack still has it.
func (a Alarms) Delete(name string) {
	a.Account.mu.Lock()
	defer a.Account.mu.Unlock()
	delete(a.Account.engine.alarms, a.Region+"/"+name)
}

// Guarding returns the monitoring time of a stack in minutes, and the ARNs of its rollback triggers.
func (a Alarms) Guarding(stack string) (minutes int, arns []string) {
	a.Account.mu.Lock()
	defer a.Account.mu.Unlock()
	for _, s := range a.Account.engine.stacks {
		if s.region == a.Region && s.name == stack && s.deleted.IsZero() {
			for _, trigger := range s.guard.triggers {
				arns = append(arns, aws.ToString(trigger.Arn))
			}
			minutes = s.guard.minutes
		}
	}
	return minutes, arns
}

// setAlarm remembers the state before.
func (e *engine) setAlarm(region, name, state, reason string, at time.Time) {
	next := &Alarm{State: state, Reason: reason, Changed: at}
	if old := e.alarms[region+"/"+name]; old != nil {
		next.history = append(old.history, *old)
	}
	e.alarms[region+"/"+name] = next
}

// guard is what watches a stack: RollbackConfiguration of a change set.
type guard struct {
	triggers []types.RollbackTrigger
	minutes  int
}

// nextGuard returns the guard of a change set. A change set without RollbackConfiguration keeps the stack's triggers, a list
// replaces all of them, and an empty list removes them (API Reference, RollbackConfiguration).
func nextGuard(s *stack, in *types.RollbackConfiguration) guard {
	var g guard
	if s != nil {
		g = s.guard
	}
	if in != nil && in.RollbackTriggers != nil {
		g.triggers = in.RollbackTriggers
	}
	if in != nil && in.MonitoringTimeInMinutes != nil {
		g.minutes = int(*in.MonitoringTimeInMinutes)
	}
	return g
}

// describe returns the guard as DescribeStacks and DescribeChangeSet show it.
func (g guard) describe() *types.RollbackConfiguration {
	return &types.RollbackConfiguration{RollbackTriggers: g.triggers, MonitoringTimeInMinutes: aws.Int32(int32(g.minutes))}
}

// watcher rolls a change back when an alarm of its guard goes off.
type watcher struct{ *change }

// breach returns the reason to roll back: "If a given CloudWatch alarm is missing, the entire stack operation fails and is rolled
// back", and an alarm in ALARM does the same. INSUFFICIENT_DATA does not (API Reference, RollbackConfiguration, RollbackTrigger;
// User Guide, "Roll back your CloudFormation stack on alarm breach"). AWS does not document the text of the reason.
func (g watcher) breach() string {
	for _, trigger := range g.set.guard.triggers {
		parts := strings.SplitN(aws.ToString(trigger.Arn), ":", 7)
		if len(parts) < 7 {
			return "Invalid rollback trigger"
		}
		switch alarm := g.engine.alarms[parts[3]+"/"+parts[6]]; {
		case alarm == nil:
			return fmt.Sprintf("Alarm %s does not exist", parts[6])
		case alarm.State == "ALARM":
			return fmt.Sprintf("Alarm with ARN %s breached", *trigger.Arn)
		}
	}
	return ""
}

// guarded returns a step that rolls back instead when an alarm is on. The rollback itself is not watched.
func (g watcher) guarded(do step) step {
	return func(at time.Time) []step {
		reason := g.breach()
		if reason == "" {
			return do(at)
		}
		g.cancelOngoing(at)
		g.s.operation.queue, g.s.operation.cancel = nil, nil
		g.set.execution = types.ExecutionStatusExecuteFailed
		if g.set.kind == types.ChangeSetTypeUpdate {
			return g.failUpdate(at, reason)
		}
		return g.fail(at)
	}
}

// watch returns the steps of the monitoring time. It begins when all resources are deployed, and ends before the old ones are
// disposed of (User Guide, as above). It also passes without any trigger. One Minute of the model is a number of steps.
func (g watcher) watch() []step {
	var all []step
	for range g.set.guard.minutes * minuteSteps {
		all = append(all, g.guarded(func(time.Time) []step { return nil }))
	}
	return all
}

// minuteSteps is the number of steps in a minute of monitoring time.
const minuteSteps = 2

// serve answers DescribeAlarms and DescribeAlarmHistory. CloudWatch speaks Smithy RPC v2 with CBOR, and the path names the
// operation (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
func (a Alarms) serve(w http.ResponseWriter, r *http.Request) {
	c, region := a.Account, a.Region
	operation := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	c.count("monitoring", operation)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	in := cbor.Map{}
	if decoded, err := cbor.Decode(body); err == nil {
		in, _ = decoded.(cbor.Map)
	}
	c.mu.Lock()
	c.engine.advance(time.Now())
	var out cbor.Map
	switch operation {
	case "DescribeAlarms":
		out = c.engine.describeAlarms(region, in)
	case "DescribeAlarmHistory":
		out = c.engine.describeAlarmHistory(region, in)
	}
	c.mu.Unlock()
	w.Header().Set("smithy-protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	if out == nil {
		w.WriteHeader(http.StatusBadRequest)
		out = cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#InvalidAction"), "message": cbor.String("not in this model")}
	}
	_, _ = w.Write(cbor.Encode(out))
}

// describeAlarms returns the existing ones of the named alarms, or all that begin with a prefix, in one state if the call names it.
// Unknown names are no error.
func (e *engine) describeAlarms(region string, in cbor.Map) cbor.Map {
	found := cbor.List{}
	names, _ := in["AlarmNames"].(cbor.List)
	prefix, _ := in["AlarmNamePrefix"].(cbor.String)
	wanted, _ := in["StateValue"].(cbor.String)
	if names == nil {
		for _, key := range slices.Sorted(maps.Keys(e.alarms)) {
			if name, here := strings.CutPrefix(key, region+"/"); here && strings.HasPrefix(name, string(prefix)) {
				names = append(names, cbor.String(name))
			}
		}
	}
	for _, name := range names {
		name, _ := name.(cbor.String)
		if alarm := e.alarms[region+"/"+string(name)]; alarm != nil && (wanted == "" || alarm.State == string(wanted)) {
			found = append(found, cbor.Map{
				"AlarmName":  name,
				"AlarmArn":   cbor.String(fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", region, e.account, name)),
				"StateValue": cbor.String(alarm.State), "StateReason": cbor.String(alarm.Reason),
				"StateTransitionedTimestamp": cborTime(alarm.Changed), "StateUpdatedTimestamp": cborTime(alarm.Changed),
			})
		}
	}
	return cbor.Map{"MetricAlarms": found, "CompositeAlarms": cbor.List{}}
}

// describeAlarmHistory returns the changes of an alarm's state, the newest first.
func (e *engine) describeAlarmHistory(region string, in cbor.Map) cbor.Map {
	items := cbor.List{}
	name, _ := in["AlarmName"].(cbor.String)
	if alarm := e.alarms[region+"/"+string(name)]; alarm != nil {
		states := append(alarm.history, *alarm)
		for i := len(states) - 1; i > 0; i-- {
			old, now := states[i-1], states[i]
			data := fmt.Sprintf(`{"version":"1.0","oldState":{"stateValue":%q},"newState":{"stateValue":%q,"stateReason":%q}}`,
				old.State, now.State, now.Reason)
			items = append(items, cbor.Map{
				"AlarmName": name, "Timestamp": cborTime(now.Changed), "HistoryItemType": cbor.String("StateUpdate"),
				"HistorySummary": cbor.String(fmt.Sprintf("Alarm updated from %s to %s", old.State, now.State)),
				"HistoryData":    cbor.String(data),
			})
		}
	}
	return cbor.Map{"AlarmHistoryItems": items}
}

// cborTime is a timestamp: the seconds since 1970, with tag 1 (RFC 8949, 3.4.2).
func cborTime(t time.Time) *cbor.Tag {
	return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(t.UnixMilli()) / 1000)}
}
