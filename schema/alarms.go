package schema

import (
	"fmt"
	"regexp"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// alarmBuilder makes the alarms of an app in one region: the app's own, its databases', and those on metrics of
// log lines.
type alarmBuilder struct {
	scope      appScope
	section    sections.Record // the app's field alarms
	incomplete bool            // something in that field was refused, and is reported
	types      []string        // of the instances
	measured   bool            // the agent sends metrics: cw_stats is on, or was refused
}

// withoutVolumeMetrics are the types without disks of their own for which CloudWatch has no metrics of EBS volumes either: they are not
// built on the Nitro System (EC2 User Guide, "Amazon EBS metrics for Nitro-based instances").
var withoutVolumeMetrics = regexp.MustCompile(`^(t[12]|[mcr]4|p2|p3|g3s?)\.`)

// watchesVolumes reports whether a metric of disks means the EBS volumes. EC2/Disk* counts the disks of the instance's own, which most
// types
// do not have, and never moves there.
func (b alarmBuilder) watchesVolumes(r sections.Record, name string) bool {
	if !strings.HasPrefix(name, "EC2/Disk") {
		return false
	}
	for _, kind := range b.types {
		if b.scope.facts.Catalog.InstanceStore.MatchString(kind) {
			continue
		}
		if withoutVolumeMetrics.MatchString(kind) {
			r.Warnf("metric", "has no values on %s, which has no disks of its own, and no metrics of its EBS volumes", kind)
		}
		return true
	}
	return false
}

// alarmBuilder returns the builder of the app's alarms.
func (b appBuilder) alarmBuilder() alarmBuilder {
	return alarmBuilder{
		scope:      b.scope,
		section:    b.section.Child("alarms", nil),
		incomplete: b.section.Unknown("alarms"),
		types:      b.types,
		measured:   b.section.Flag("cw_stats") || b.section.Unknown("cw_stats"),
	}
}

// alarms makes the field alarms: endpoints, and the triggers that notify them.
func (b alarmBuilder) alarms() Alarms {
	alarms := Alarms{Node: b.section.Node()}
	for _, e := range b.section.Entries("endpoints") {
		alarms.Endpoints = append(alarms.Endpoints, b.endpoint(e))
	}
	for _, e := range b.section.Entries("triggers") {
		alarms.Triggers = append(alarms.Triggers, b.trigger(e))
	}
	return alarms
}

// trigger makes an alarm on a built-in metric, or on any metric if the trigger names its namespace. The metric also supplies the
// defaults for threshold, period and statistic.
func (b alarmBuilder) trigger(e sections.Entry) Trigger {
	r := e.Record(b.scope.report, nil)
	metric, defaults := b.metric(r)
	return b.alarm(e, metric, defaults)
}

// maxMetricName is the longest name of a metric, in characters (CloudWatch API Reference, Metric).
const maxMetricName = 255

// metric finds the metric of an alarm and the defaults for an alarm on it. The name of a built-in metric means
// the built-in metric, unless a different namespace stands beside it.
func (b alarmBuilder) metric(r sections.Record) (Metric, *manifest.Tree) {
	name, known := b.scope.facts.Metrics.Find(r.Text("metric"))
	// A name with two meanings is the built-in metric's. Only a foreign namespace makes it another one.
	if known && !r.Has("namespace") || hasBuiltinNamespace(r, name) {
		return b.builtinMetric(r, name)
	}
	if known {
		r.Notef("metric", "is understood as a metric of %s; without namespace it would be %s", r.Text("namespace"), name)
	}
	if n := len(r.Text("metric")); n > maxMetricName {
		r.Errorf("metric", "must have at most %d characters, got %d", maxMetricName, n)
	}
	m := Metric{Name: r.Text("metric"), Namespace: r.Text("namespace"), Dimensions: map[string]string{}}
	for _, d := range r.Entries("dimensions") {
		m.Dimensions[d.Key] = d.Tree.Text
	}
	return m, b.customDefaults(r)
}

// builtinMetric returns a built-in metric. spacel sets the dimensions of these itself, so written ones are ignored
// with a warning.
func (b alarmBuilder) builtinMetric(r sections.Record, name string) (Metric, *manifest.Tree) {
	for _, field := range []string{"namespace", "dimensions"} {
		if r.Has(field) {
			r.Warnf(field, "does nothing: %s is a metric that spacel knows, with dimensions of its own", name)
		}
	}
	if strings.HasPrefix(name, "System/") && !b.measured {
		r.Errorf("metric", "%s needs cw_stats: true, which makes the agent measure it", name)
	}
	usual := b.scope.facts.Metrics.Builtin[name]
	return Metric{Name: name, Counts: usual.Absent == "zero", OfVolumes: b.watchesVolumes(r, name)}, alarmDefaults(usual.Threshold,
		usual.Period, usual.Statistic)
}

// hasBuiltinNamespace reports whether a built-in metric is written with the namespace that AWS has it in. The
// namespace is redundant then, as long as no dimensions are written.
func hasBuiltinNamespace(r sections.Record, name string) bool {
	group, _, _ := strings.Cut(name, "/")
	own := map[string]string{"EC2": "AWS/EC2", "ELB": "AWS/ELB", "System": names.StatsNamespaces}[group]
	return own != "" && r.Text("namespace") == own && !r.Has("dimensions")
}

// customDefaults returns the defaults of an alarm on a custom metric: only a period, because spacel cannot know a
// sensible threshold. If the metric itself is a mistake, the defaults are complete, so that no follow-up mistakes
// are reported.
func (b alarmBuilder) customDefaults(r sections.Record) *manifest.Tree {
	period := b.scope.facts.Defaults.Lookup("trigger").Lookup("period").Text
	if !r.Has("metric") || r.Unknown("namespace") {
		return anyAlarm
	}
	if !r.Has("namespace") {
		r.Errorf("metric",
			"unknown metric %q; any other metric needs a namespace%s",
			r.Text("metric"), report.Suggest(r.Text("metric"), b.scope.facts.Metrics.Names()))
		return anyAlarm
	}
	if !r.Has("statistic") && !r.Unknown("statistic") {
		r.Errorf("statistic", "is missing: a metric with a namespace has no default")
	}
	return alarmDefaults("", period, "")
}

// anyAlarm holds defaults for every field. It silences follow-up mistakes about an alarm whose metric is invalid.
var anyAlarm = alarmDefaults(">0", "3x60", "Average")

// alarmDefaults returns the defaults of an alarm as a tree. An empty string means no default.
func alarmDefaults(threshold, period, statistic string) *manifest.Tree {
	defaults := &manifest.Tree{Kind: manifest.Object}
	for key, value := range map[string]string{"threshold": threshold, "period": period, "statistic": statistic} {
		if value != "" {
			defaults.Set(key, manifest.Place{}, &manifest.Tree{Kind: manifest.Text, Text: value})
		}
	}
	return defaults
}

// databaseAlarms makes a database's alarms. The words in an alarm's metric select the metric of RDS: "write
// latency" is WriteLatency.
func (b alarmBuilder) databaseAlarms(db sections.Record) []Trigger {
	var triggers []Trigger
	for _, e := range db.Entries("alarms") {
		r := e.Record(b.scope.report, nil)
		metric, known := language.DatabaseMetric(r.Text("metric"))
		if !known && r.Has("metric") {
			r.Errorf("metric",
				"must name a metric: cpu, credits, creditusage, or read or write with latency, throughput or iops, got %q",
				r.Text("metric"))
		}
		defaults := anyAlarm
		if known {
			usual := b.scope.facts.Defaults.Lookup("database_alarm")
			period := usual.Lookup("period").Text
			if b.scope.facts.Metrics.Shortest("AWS/RDS", metric) == language.SlowPeriod {
				period = fmt.Sprintf("3x%d", language.SlowPeriod)
			}
			defaults = alarmDefaults(b.scope.facts.Metrics.Database[metric], period, usual.Lookup("statistic").Text)
		}
		triggers = append(triggers, b.alarm(e, Metric{Name: "RDS/" + metric}, defaults))
	}
	return triggers
}

// logAlarm makes an alarm on a metric of log lines. With the statistics Sum and SampleCount the metric counts
// lines, so no data means 0.
func (b alarmBuilder) logAlarm(e sections.Entry, metric string) Trigger {
	defaults := b.scope.facts.Defaults.Lookup("log_alarm")
	statistic := e.Record(b.scope.report, defaults).Text("statistic")
	return b.alarm(e, Metric{Name: metric, Counts: statistic == "Sum" || statistic == "SampleCount"}, defaults)
}
