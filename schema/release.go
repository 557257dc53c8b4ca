package schema

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Limits of CloudFormation's RollbackConfiguration: rollback triggers, and minutes of monitoring (API Reference,
// RollbackConfiguration).
const (
	maxGuards = 5
	maxWatch  = 180 // minutes
)

// release returns the guards of a release. It comes after all parts of the app with alarms.
func (b appBuilder) release(a *AppRegion) Release {
	r := b.section.Child("release", nil)
	release := Release{Node: r.Node(), Watch: watchMinutes(r)}
	known := alarmNames(a)
	for _, item := range r.List("alarms") {
		if guard, ok := b.guard(item, known); ok {
			release.Alarms = append(release.Alarms, guard)
		}
	}
	checkGuards(r, release)
	if release.Watch > 0 && len(release.Alarms) == 0 && !r.Unknown("alarms") {
		r.Notef("watch", "watches no alarm, so nothing rolls a release back: name some under alarms%s", sensibleAlarms(a, known))
	}
	release.Waves = waves(b)
	release.Tasks = tasks(b, r, a, release.Waves)
	return release
}

// watchMinutes returns the duration of the watch in minutes.
func watchMinutes(r sections.Record) int {
	return minutesOf(r, "watch", maxWatch, "3h, which is what CloudFormation allows")
}

// minutesOf returns a duration in minutes. most describes the limit.
func minutesOf(r sections.Record, field string, limit int, most string) int {
	text := r.Text(field)
	if text == "" {
		return 0
	}
	watch, err := time.ParseDuration(text)
	if minutes := int(watch.Minutes()); err == nil && minutes <= limit {
		return minutes
	}
	r.Errorf(field, "must be at most %s, got %s", most, text)
	return 0
}

// checkGuards checks the list as a whole.
func checkGuards(r sections.Record, release Release) {
	if len(release.Alarms) > maxGuards {
		r.Errorf("alarms", "must name at most %d alarms, which is what CloudFormation allows, got %d", maxGuards, len(release.Alarms))
	}
	for i, guard := range release.Alarms {
		same := func(other GuardAlarm) bool { return other.ARN == guard.ARN && other.Name == guard.Name }
		if slices.ContainsFunc(release.Alarms[:i], same) {
			r.Report.Errorf(guard.Pos, "names the alarm %s a second time", guard)
		}
	}
}

// guard returns the alarm of an item of the list. A name without a slash is that of a trigger, or the end of the only longer name
// that ends so: busy is main/busy while no other alarm is called busy. A second alarm of that name makes it a mistake, with both
// full names in the message, so a manifest never watches another alarm than before without a word.
func (b appBuilder) guard(item sections.Value, known []namedAlarm) (GuardAlarm, bool) {
	text := item.Tree.Text
	if strings.HasPrefix(text, "arn:") {
		return b.guardARN(item)
	}
	var found []namedAlarm
	for _, alarm := range known {
		if alarm.Name == text || strings.HasSuffix(alarm.Name, "/"+text) {
			found = append(found, alarm)
		}
	}
	// A trigger has no other name than its own, so it wins over a longer name that ends alike.
	exact := slices.IndexFunc(found, func(alarm namedAlarm) bool { return alarm.Name == text })
	switch {
	case exact >= 0:
		found = found[exact : exact+1]
	case len(found) == 0 && b.alarmsUnknown():
		return GuardAlarm{}, false // an alarm that was refused, and is reported
	case len(found) == 0:
		var names []string
		for _, alarm := range known {
			names = append(names, alarm.Name)
		}
		hint := report.Suggest(text, names)
		if hint == "" && len(names) > 0 {
			hint = "; it has " + strings.Join(names, ", ")
		}
		b.scope.report.Errorf(item.Pos(), "no alarm of this app is called %s%s", cmp.Or(text, `""`), hint)
		return GuardAlarm{}, false
	case len(found) > 1:
		b.scope.report.Errorf(item.Pos(), "several alarms are called %s: write %s or %s", text, found[0].Name, found[1].Name)
		return GuardAlarm{}, false
	}
	// The alarms of a global database are in its hosting region's stack, and CloudFormation watches alarms of the stack's region.
	if other := found[0].elsewhere; other != "" {
		b.scope.report.Notef(item.Pos(), "is not watched in %s: the alarm is in %s, with its database", b.scope.region.Region, other)
		return GuardAlarm{}, false
	}
	found[0].Node = sections.Node{Pos: item.Pos()}
	return found[0].GuardAlarm, true
}

// alarmsUnknown reports whether a part of the app with alarms was refused, and the list of alarms is incomplete.
func (b appBuilder) alarmsUnknown() bool {
	return b.section.Unknown("alarms") || b.section.Unknown("databases") || b.section.Unknown("logging")
}

// guardARN checks the ARN of an alarm. CloudFormation only takes alarms of the stack's region (CloudFormation User Guide,
// "Roll back your CloudFormation stack on alarm breach").
func (b appBuilder) guardARN(item sections.Value) (GuardAlarm, bool) {
	text := item.Tree.Text
	parts := strings.SplitN(text, ":", 7)
	if len(parts) < 7 || parts[2] != "cloudwatch" || parts[5] != "alarm" || parts[6] == "" {
		b.scope.report.Errorf(item.Pos(), "must be the ARN of a CloudWatch alarm, such as "+
			"arn:aws:cloudwatch:REGION:123456789012:alarm:errors, got %s", text)
		return GuardAlarm{}, false
	}
	if parts[3] != b.scope.region.Region {
		b.scope.report.Errorf(item.Pos(), "is an alarm of %s: CloudFormation watches alarms of the stack's own region, which is %s; "+
			"write it in the section of that region", parts[3], b.scope.region.Region)
		return GuardAlarm{}, false
	}
	return GuardAlarm{Node: sections.Node{Pos: item.Pos()}, ARN: text}, true
}

// namedAlarm is an alarm that release.alarms may name.
type namedAlarm struct {
	GuardAlarm
	elsewhere string // the region of a global database with this alarm, if it is another one
}

// alarmNames returns the app's alarms in a region, by their names in release.alarms.
func alarmNames(a *AppRegion) []namedAlarm {
	var names []namedAlarm
	for _, t := range a.Alarms.Triggers {
		names = append(names, namedAlarm{GuardAlarm: GuardAlarm{Kind: TriggerAlarm, Name: t.Name}})
	}
	if a.Logging.Docker != nil {
		for _, metric := range a.Logging.Docker.Metrics {
			for _, t := range metric.Alarms {
				names = append(names, namedAlarm{GuardAlarm: GuardAlarm{Kind: LogLineAlarm, Name: metric.Name + "/" + t.Name}})
			}
		}
	}
	for _, d := range a.Databases {
		for _, t := range d.Alarms {
			guard := namedAlarm{GuardAlarm: GuardAlarm{Kind: DatabaseAlarm, Name: d.Name + "/" + t.Name}}
			if d.Global != a.Region {
				guard.elsewhere = d.Global
			}
			names = append(names, guard)
		}
	}
	return names
}

// sensibleAlarms suggests alarms for a watch without any: those of the app or, without any, metrics for a first one.
func sensibleAlarms(a *AppRegion, known []namedAlarm) string {
	var names []string
	for _, alarm := range known {
		names = append(names, alarm.Name)
	}
	switch {
	case len(names) > 0:
		return ", such as " + strings.Join(names[:min(len(names), 2)], " or ")
	case a.ELBAvailability != Disabled:
		return "; alarms.triggers on the metrics backend5xx and latency are a good beginning"
	}
	return "; an alarm of alarms.triggers on errors of the app is a good beginning"
}
