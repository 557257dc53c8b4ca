package assembly

import (
	"fmt"
	"strings"
)

// Guard is what rolls an update of the stack back. It is no part of the template: CloudFormation takes it with each change set
// as RollbackConfiguration.
type Guard struct {
	Minutes int          `json:"minutes,omitempty"` // that the alarms are watched for after all resources are updated
	Alarms  []GuardAlarm `json:"alarms,omitempty"`  // in the manifest's order
}

// GuardAlarm is an alarm that rolls the update back: one of the stack's own resources, or another one of the region.
type GuardAlarm struct {
	Name      string `json:"name"` // as the manifest has it
	LogicalID string `json:"logicalId,omitempty"`
	ARN       string `json:"arn,omitempty"`
}

// AlarmName returns the name in an alarm's ARN, which is its seventh part and may contain colons
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html).
func AlarmName(arn string) string {
	parts := strings.SplitN(arn, ":", 7)
	return parts[len(parts)-1]
}

// Limits of CloudFormation: API Reference, RollbackConfiguration.
const (
	maxGuardAlarms  = 5
	maxGuardMinutes = 180
)

// problems checks a guard read from a directory.
func (g *Guard) problems() []string {
	if g == nil {
		return nil
	}
	var out []string
	if g.Minutes < 0 || g.Minutes > maxGuardMinutes {
		out = append(out, fmt.Sprintf("guard: %d minutes: CloudFormation allows 0 to %d", g.Minutes, maxGuardMinutes))
	}
	if len(g.Alarms) > maxGuardAlarms {
		out = append(out, fmt.Sprintf("guard: %d alarms: CloudFormation allows %d", len(g.Alarms), maxGuardAlarms))
	}
	for _, alarm := range g.Alarms {
		if (alarm.LogicalID == "") == (alarm.ARN == "") || alarm.ARN != "" && !strings.HasPrefix(alarm.ARN, "arn:") {
			out = append(out, fmt.Sprintf("guard: alarm %q: must have either a logical id or an ARN", alarm.Name))
		}
	}
	return out
}
