package compiler

import (
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
)

// guardIDs are the beginnings of the logical ids of alarms, as alarms and databaseAlarms make them.
var guardIDs = map[schema.AlarmKind]string{
	schema.TriggerAlarm: "Alarm", schema.LogLineAlarm: "LogAlarm", schema.DatabaseAlarm: "DatabaseAlarm",
}

// A guard is in manifest.json and not in the template for two reasons. A template cannot name a RollbackConfiguration, which belongs to
// an operation and not to a stack. And a change of the guard alone then changes no template, so nothing is updated by it: the next
// update has the new guard. Alarms are named by logical id, since CloudFormation chooses their names. Deploy looks the names up in the
// stack's resources, and finds none for an alarm that this very update makes.

// guard returns the alarms that roll an update of the app's stack back, and how long they are watched. Nothing of it is in the
// template: see assembly.Guard.
func guard(a appContext) *part {
	release := a.region.Release
	if release.Watch == 0 && len(release.Alarms) == 0 {
		return &part{}
	}
	g := &assembly.Guard{Minutes: release.Watch}
	for _, alarm := range release.Alarms {
		named := assembly.GuardAlarm{Name: alarm.String(), ARN: alarm.ARN}
		if alarm.ARN == "" {
			named.LogicalID = guardIDs[alarm.Kind] + idPart(alarm.Name)
		}
		g.Alarms = append(g.Alarms, named)
	}
	return &part{guard: g}
}
