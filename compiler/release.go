package compiler

import (
	"encoding/json"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
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

// release describes the releases of the app in this region, for deploy: nil without tasks and waves. An output of the stack has the same
// text for a redeploy, which has no artifact directory.
func release(a appContext) (*part, error) {
	p := &part{}
	waves := a.region.Release.Waves
	if len(a.region.Release.Tasks) == 0 && waves == nil {
		return p, nil
	}
	p.release = &assembly.Release{}
	if waves != nil {
		p.release.Wave, p.release.Waves, p.release.Pause = waves.Of(a.region.Region), len(waves.Regions), waves.Pause
	}
	for _, task := range a.region.Release.Tasks {
		p.release.Tasks = append(p.release.Tasks, assembly.ReleaseTask{
			Name: task.Name, Region: task.Region, Definition: definition(task),
		})
		// The new instances of other regions must not serve before the task has ended in the app's first region.
		if first := (assembly.StackRef{Region: task.Region, Name: a.stackName()}); first.Region != a.region.Region {
			p.after = append(p.after, first)
		}
	}
	text, err := json.Marshal(p.release)
	p.Output(document.OutputRelease, cfn.Output{Description: "How spacel releases the app.", Value: cfn.String(string(text))})
	return p, err
}

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
