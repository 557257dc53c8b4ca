// Package alarms reads CloudWatch alarms: their states, and when they went off.
//
// CloudFormation names the alarms of a stack <stack>-<logical id>-<suffix>. An alarm's ARN ends with its name, which may contain colons.
// A new alarm is in INSUFFICIENT_DATA until its metric has data, and an alarm on a metric without data stays there. Composite alarms
// combine the states of others. CloudWatch returns them in a list of their own, and only to a call that asks for them.
package alarms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// Alarm is an alarm as CloudWatch describes it.
type Alarm struct {
	Name, ARN, Description string
	State                  types.StateValue
	Reason                 string    // of the state, in CloudWatch's words
	Since                  time.Time // of the state
	Composite              bool      // made of other alarms
}

// IsOn reports whether the alarm is in the state ALARM.
func (a Alarm) IsOn() bool { return a.State == types.StateValueAlarm }

// newAlarm returns a metric alarm in our form.
func newAlarm(a types.MetricAlarm) Alarm {
	return Alarm{Name: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn), Description: aws.ToString(a.AlarmDescription),
		State: a.StateValue, Reason: aws.ToString(a.StateReason), Since: aws.ToTime(a.StateTransitionedTimestamp)}
}

// perCall is the number of names for one call (CloudWatch API Reference, DescribeAlarms).
const perCall = 100

// Read returns the named alarms of a region by name, metric alarms and composite ones. A missing alarm is not in the result.
func Read(ctx context.Context, region *cloud.Region, names []string) (map[string]Alarm, error) {
	found := map[string]Alarm{}
	for some := range slices.Chunk(names, perCall) {
		pages := cloudwatch.NewDescribeAlarmsPaginator(region.CloudWatch(), &cloudwatch.DescribeAlarmsInput{
			// Without this field CloudWatch returns metric alarms only.
			AlarmNames: some, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("read the alarms %s in %s: %w", strings.Join(some, ", "), region.Name, cloud.Explain(err))
			}
			// AWS sends empty lists when there is no such alarm. Without any list nothing is known.
			if page.MetricAlarms == nil && page.CompositeAlarms == nil {
				return nil, fmt.Errorf("read the alarms %s in %s: %w", strings.Join(some, ", "), region.Name,
					cloud.Incomplete("cloudwatch:DescribeAlarms", "no list of alarms"))
			}
			for _, a := range page.MetricAlarms {
				found[aws.ToString(a.AlarmName)] = newAlarm(a)
			}
			for _, a := range page.CompositeAlarms {
				found[aws.ToString(a.AlarmName)] = Alarm{Name: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn), Composite: true,
					State: a.StateValue, Reason: aws.ToString(a.StateReason), Since: aws.ToTime(a.StateTransitionedTimestamp)}
			}
		}
	}
	for name, alarm := range found {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("read the alarms %s in %s: %w", strings.Join(names, ", "), region.Name,
				cloud.Incomplete("cloudwatch:DescribeAlarms", "another alarm, "+name))
		}
		if !slices.Contains(alarm.State.Values(), alarm.State) {
			return nil, fmt.Errorf("read the alarm %s in %s: %w", name, region.Name,
				cloud.Incomplete("cloudwatch:DescribeAlarms", fmt.Sprintf("the state %q", alarm.State)))
		}
	}
	return found, nil
}

// On returns the metric alarms of a region that are on and whose names begin with a prefix, sorted by name.
func On(ctx context.Context, region *cloud.Region, prefix string) ([]Alarm, error) {
	var found []Alarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(region.CloudWatch(), &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: &prefix, StateValue: types.StateValueAlarm, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err == nil && page.MetricAlarms == nil {
			err = cloud.Incomplete("cloudwatch:DescribeAlarms", "no list of alarms")
		}
		if err != nil {
			return nil, fmt.Errorf("read the alarms of %s… in %s: %w", prefix, region.Name, cloud.Explain(err))
		}
		for _, a := range page.MetricAlarms {
			if alarm := newAlarm(a); alarm.IsOn() && strings.HasPrefix(alarm.Name, prefix) {
				found = append(found, alarm)
			}
		}
	}
	slices.SortFunc(found, func(a, b Alarm) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// Breach is a change of an alarm's state to ALARM.
type Breach struct {
	Name   string
	At     time.Time
	Reason string // in CloudWatch's words, with the value and the threshold
}

// Breaches returns when the named alarms went off since a time, the first one first. An alarm that is off again is in the result,
// too: CloudWatch keeps the history of 30 days.
func Breaches(ctx context.Context, region *cloud.Region, names []string, since time.Time) ([]Breach, error) {
	var found []Breach
	for _, name := range names {
		pages := cloudwatch.NewDescribeAlarmHistoryPaginator(region.CloudWatch(), &cloudwatch.DescribeAlarmHistoryInput{
			AlarmName: &name, HistoryItemType: types.HistoryItemTypeStateUpdate, StartDate: &since,
			AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("read the history of the alarm %s in %s: %w", name, region.Name, cloud.Explain(err))
			}
			for _, item := range page.AlarmHistoryItems {
				at := aws.ToTime(item.Timestamp)
				ours := aws.ToString(item.AlarmName) == name && !at.Before(since)
				if state, reason := newState(item); ours && state == types.StateValueAlarm {
					found = append(found, Breach{Name: name, At: at, Reason: reason})
				}
			}
		}
	}
	slices.Reverse(found) // CloudWatch has the newest first, which decides between equal times
	slices.SortStableFunc(found, func(a, b Breach) int { return a.At.Compare(b.At) })
	return found, nil
}

// newState reads HistoryData, a JSON document with the new state and its reason. An item in another form has no state.
func newState(item types.AlarmHistoryItem) (types.StateValue, string) {
	var data struct {
		NewState struct {
			StateValue  types.StateValue `json:"stateValue"`
			StateReason string           `json:"stateReason"`
		} `json:"newState"`
	}
	if json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &data) != nil {
		return "", ""
	}
	return data.NewState.StateValue, strings.Join(strings.Fields(data.NewState.StateReason), " ")
}
