package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// alarm reads the fields that all kinds of alarms have: threshold, period, endpoints and notify. The caller has
// found the metric, and the defaults for an alarm on it.
func (b alarmBuilder) alarm(e sections.Entry, metric Metric, defaults *manifest.Tree) Trigger {
	r := e.Record(b.scope.report, defaults)
	t := Trigger{Node: r.Node(), Name: e.Key, Metric: metric, Statistic: r.Text("statistic")}
	t.Comparison, t.Threshold = readThreshold(r)
	t.Periods, t.Period = readPeriod(r, b.scope.facts.Metrics.Shortest(metric.Namespace, metric.Name))
	t.MissingData = missingData(r, t)
	t.Endpoints = b.endpointNames(r)
	t.Notify = b.notify(r, t.Endpoints)
	r.DeriveList("endpoints", t.Endpoints)
	r.DeriveText("missing_data", t.MissingData)
	return t
}

// missingData returns how CloudWatch treats a period without data. A metric that counts events, such as errors,
// has no data while nothing happens, so no data means 0 and the threshold decides: an alarm on "< 1" fires, one on
// "> 5" does not.
func missingData(r sections.Record, t Trigger) string {
	switch {
	case r.Has("missing_data"):
		return r.Text("missing_data")
	case !t.Metric.Counts:
		return "missing"
	case holds(0, t.Comparison, t.Threshold):
		return "breaching"
	}
	return "notBreaching"
}

// holds reports whether a value meets a threshold, and so fires the alarm.
func holds(value float64, comparison string, threshold float64) bool {
	switch comparison {
	case ">":
		return value > threshold
	case ">=":
		return value >= threshold
	case "<":
		return value < threshold
	}
	return value <= threshold
}

// notify returns the states in which people are notified. Endpoints that scale act on the state alarm alone, so
// notify is a mistake when an alarm has no other endpoints.
func (b alarmBuilder) notify(r sections.Record, endpoints []string) []string {
	if !r.Has("notify") {
		return []string{"alarm", "ok"}
	}
	scaling := func(name string) bool { return strings.HasPrefix(b.endpointType(name), "scale") }
	if len(endpoints) > 0 && !slices.ContainsFunc(endpoints, func(name string) bool { return !scaling(name) }) {
		r.Errorf("notify", "has no effect on endpoints that scale: they act on the state alarm only")
	}
	if len(r.List("notify")) == 0 && !r.Unknown("notify") {
		r.Errorf("notify", "must name at least one of alarm, ok and insufficient_data")
	}
	var states []string
	for _, n := range r.List("notify") {
		if slices.Contains(states, n.Tree.Text) {
			r.Report.Warnf(n.Pos(), "%s is listed twice", n.Tree.Text)
			continue
		}
		states = append(states, n.Tree.Text)
	}
	return states
}

// endpointType returns the type of an endpoint of the app, "" when there is no endpoint of this name.
func (b alarmBuilder) endpointType(name string) string {
	if kind := b.section.Fields["endpoints"].Tree.Lookup(name).Lookup("type"); kind != nil {
		return kind.Text
	}
	return ""
}

// readThreshold splits a threshold such as "> 85" into the comparison and the number.
func readThreshold(r sections.Record) (string, float64) {
	written := r.Text("threshold")
	if written == "" && !r.Unknown("threshold") {
		r.Errorf("threshold", "is missing: write > >= < or <= and a number, such as >85")
	}
	// The definitions have checked the form, so ParseFloat cannot fail for a value that got here.
	digits := strings.TrimLeft(written, "<>= ")
	value, _ := strconv.ParseFloat(digits, 64)
	return strings.TrimSpace(strings.TrimSuffix(written, digits)), value
}

// maxActions is how many actions an alarm may have in each state (CloudWatch API Reference, PutMetricAlarm, AlarmActions).
const maxActions = 5

// CloudWatch's limits for periods times seconds.
const (
	day  = 24 * 60 * 60
	week = 7 * day
)

// readPeriod reads "NxS": N periods of S seconds. CloudWatch takes multiples of 60 seconds, so other numbers are
// rounded with a warning. "60x3" is understood as 3 periods of 60 seconds, because a period of 3 seconds cannot be
// meant. A period below the shortest one that the metric has values for is raised to it, with a warning.
func readPeriod(r sections.Record, fewest int) (periods, seconds int) {
	left, right, _ := strings.Cut(r.Text("period"), "x")
	periods, _ = strconv.Atoi(left)
	seconds, _ = strconv.Atoi(right)
	const shortest = 30
	if seconds < shortest && periods >= shortest {
		periods, seconds = seconds, periods
		r.Warnf("period", "is understood as %dx%d: the seconds come second", periods, seconds)
	}
	// CloudWatch also takes periods of 10 and 30 seconds for metrics of high resolution, which none of spacel's are.
	if rounded := max(60, (seconds+30)/60*60); rounded != seconds {
		if seconds < shortest {
			r.Errorf("period", "must be periods x seconds, of at least %d seconds, got %s", shortest, r.Text("period"))
			return periods, seconds
		}
		r.Warnf("period", "is rounded to %d seconds: CloudWatch wants a multiple of 60", rounded)
		seconds = rounded
	}
	if raised := (seconds + fewest - 1) / fewest * fewest; fewest > 60 && raised != seconds {
		if r.Has("period") {
			r.Warnf("period", "is raised to %dx%d: the metric has a value every %d seconds", periods, raised, fewest)
		}
		seconds = raised
	}
	most, word := day, "a day"
	if seconds >= 3600 {
		most, word = week, "seven days"
	}
	if periods < 1 || periods > most/seconds {
		r.Errorf("period", "must be at least one period and at most %s in all, got %s", word, r.Text("period"))
	}
	return periods, seconds
}

// endpointNames returns the endpoints of an alarm. Each one must be defined in alarms.endpoints. An
// endpoint with a mistake of its own counts as defined here: one report of it is enough.
func (b alarmBuilder) endpointNames(r sections.Record) []string {
	endpoints := b.section.Fields["endpoints"].Tree
	var known []string
	if endpoints != nil {
		for _, f := range endpoints.Fields {
			known = append(known, f.Key)
		}
	}
	var names []string
	for _, n := range r.List("endpoints") {
		name := n.Tree.Text
		switch {
		case slices.Contains(names, name):
			r.Report.Warnf(n.Pos(), "%s is listed twice", name)
		case slices.Contains(known, name):
			names = append(names, name)
		case !b.incomplete && (endpoints == nil || !endpoints.Reported[name]):
			r.Report.Errorf(n.Pos(), "unknown endpoint %q%s", name, report.Suggest(name, known))
		}
	}
	if len(names) > maxActions {
		r.Errorf("endpoints", "must be at most %d, which is what CloudWatch allows, got %d", maxActions, len(names))
	}
	if r.Has("endpoints") && len(r.List("endpoints")) == 0 {
		r.Errorf("endpoints", "must name at least one endpoint")
	}
	return names
}
