package deploy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// guarded is a stack with alarms and a topic whose name changes with each release. The alarms named in guard watch it.
func guarded(release int, minutes int, guard ...string) built {
	alarm := func(n int) string {
		return fmt.Sprintf(`{"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": %d}}`, n)
	}
	template := fmt.Sprintf(`{"Resources": {"AlarmErrors": %s, "AlarmSlow": %s,
		"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "v%d"}}}}`, alarm(1), alarm(release/10), release)
	return testStack(east, "test-web", template, func(s *assembly.Stack) {
		if guard == nil {
			return
		}
		s.Guard = &assembly.Guard{Minutes: minutes}
		for _, name := range guard {
			alarm := assembly.GuardAlarm{Name: strings.ToLower(strings.TrimPrefix(name, "Alarm")), LogicalID: name}
			if strings.HasPrefix(name, "arn:") {
				alarm = assembly.GuardAlarm{Name: name, ARN: name}
			}
			s.Guard.Alarms = append(s.Guard.Alarms, alarm)
		}
	})
}

// alarmOf is the physical name of an alarm of the stack.
func (b *deployEnv) alarmOf(logical string) string { return b.cf.Seen(east, "test-web").IDs[logical] }

// alarms are the alarms of the stack's region.
func (b *deployEnv) alarms() cloudtest.Alarms { return cloudtest.Alarms{Account: b.cf, Region: east} }

// The first deployment has no guard. The next one has its alarms, and the time of the watch passes before it is done.
func TestGuardWatches(t *testing.T) {
	b := newEnv(t)
	d := b.prepared(guarded(1, 2, "AlarmErrors", "AlarmSlow"))
	if notes := d.Plan.Stacks[0].Guard.Notes; len(notes) != 1 || !strings.Contains(notes[0], "the first deployment has no guard") {
		t.Errorf("got %v", notes)
	}
	b.expect(b.deploy(guarded(1, 2, "AlarmErrors", "AlarmSlow")), "test-web created")
	d = b.prepared(guarded(2, 2, "AlarmErrors", "AlarmSlow"))
	const want = "rolled back when an alarm goes off: errors, slow; watched for 2 min after the update"
	if got := d.Plan.Stacks[0].Guard.Text(); got != want {
		t.Errorf("got %q", got)
	}
	b.expect(b.deploy(guarded(2, 2, "AlarmErrors", "AlarmSlow")), "test-web updated")
	minutes, arns := b.alarms().Guarding("test-web")
	if minutes != 2 || len(arns) != 2 || !strings.HasSuffix(arns[0], ":alarm:"+b.alarmOf("AlarmErrors")) {
		t.Errorf("CloudFormation watches %v for %d minutes", arns, minutes)
	}
	for _, e := range b.events {
		if e.Kind == activity.Started && e.Status == "update" && e.Watch != 2 {
			t.Errorf("the watch is not told: %+v", e)
		}
	}
}

// A manifest without a guard removes the triggers of an earlier deployment, which CloudFormation would keep.
func TestGuardIsRemoved(t *testing.T) {
	b := newEnv(t)
	for i := range 2 {
		b.deploy(guarded(i+1, 1, "AlarmErrors"))
	}
	b.expect(b.deploy(guarded(3, 0)), "test-web updated")
	if minutes, arns := b.alarms().Guarding("test-web"); minutes != 0 || len(arns) != 0 {
		t.Errorf("CloudFormation still watches %v for %d minutes", arns, minutes)
	}
}

// An alarm that goes off during the update or during the watch rolls it back, and the failure names it.
func TestAlarmRollsBack(t *testing.T) {
	for name, when := range map[string]func(activity.Event) bool{
		"during the update": func(e activity.Event) bool { return e.Kind == activity.Started },
		"during the watch": func(e activity.Event) bool {
			return e.Resource == "Topic" && e.Status == "UPDATE_COMPLETE"
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			b.expect(b.deploy(guarded(1, 60, "AlarmErrors")), "test-web created")
			b.cf.Step = 3 * time.Millisecond
			alarm, off := b.alarmOf("AlarmErrors"), false
			b.listeners = append(b.listeners, func(e activity.Event) {
				if !off && e.Status != "create" && when(e) {
					off = true
					b.alarms().Set(alarm, "ALARM", "Threshold Crossed: 1 datapoint [25.0] was greater than the threshold (10.0).")
					b.alarms().Set(alarm, "OK", "over") // the history still has it
					b.alarms().Set(alarm, "ALARM", "Threshold Crossed again.")
				}
			})
			r := b.deploy(guarded(2, 60, "AlarmErrors"))
			b.expect(r, "test-web failed")
			if len(r.Failures) != 1 {
				t.Fatalf("got %+v", r.Failures)
			}
			b.says(r.Failures[0].What, "us-east-1/test-web: test-web.cue:3:11: the alarm errors went off at", "1 datapoint [25.0]",
				"so CloudFormation rolled the update back")
		})
	}
}

// An alarm that is on, or gone, is refused before anything is changed, unless it is left out on purpose.
func TestGuardIsCheckedFirst(t *testing.T) {
	b := newEnv(t)
	b.deploy(guarded(1, 1, "AlarmErrors"))
	b.alarms().Set(b.alarmOf("AlarmErrors"), "ALARM", "Threshold Crossed: 9 > 5")
	_, err := b.prepare(guarded(2, 1, "AlarmErrors"))
	b.says(fmt.Sprint(err), "the alarm errors, which guards releases, is on since", "Threshold Crossed: 9 > 5", `--ignore-alarm "errors"`)
	b.options.IgnoreAlarms = []string{"errors"}
	b.expect(b.deploy(guarded(2, 1, "AlarmErrors")), "test-web updated")
	b.options.IgnoreAlarms = []string{"erors"}
	_, err = b.prepare(guarded(2, 1, "AlarmErrors"))
	b.says(fmt.Sprint(err), "--ignore-alarm erors: the artifact directory has none of that name: choose from errors")
	b.options.IgnoreAlarms = nil
	b.alarms().Delete(b.alarmOf("AlarmErrors"))
	_, err = b.prepare(guarded(3, 1, "AlarmErrors"))
	b.says(fmt.Sprint(err), "the alarm errors, which guards releases, does not exist")
	_, err = b.prepare(guarded(3, 1, "arn:aws:cloudwatch:us-east-1:123456789012:alarm:other"))
	b.says(fmt.Sprint(err), "alarm:other, which guards releases, does not exist")
}

// A new alarm cannot guard the update that makes it, and an update of a guard is told.
func TestGuardNotes(t *testing.T) {
	b := newEnv(t)
	b.deploy(guarded(1, 1, "AlarmErrors"))
	d := b.prepared(guarded(20, 1, "AlarmErrors", "AlarmSlow", "AlarmNew"))
	notes := strings.Join(d.Plan.Stacks[0].Guard.Notes, "\n")
	b.says(notes, "the alarm new is new: it guards from the next update on", "this update changes the alarm slow, which guards it")
}
