package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// alarm reads the fields that all kinds of alarms have: threshold, period, endpoints and notify. The caller has
// found the metric, and the defaults for an alarm on it.
func (b alarmBuilder) alarm(e entry, metric Metric, defaults *manifest.Tree) Trigger {
	r := e.record(b.scope.report, defaults)
	t := Trigger{Node: r.node(), Name: e.key, Metric: metric, Statistic: r.text("statistic")}
	t.Comparison, t.Threshold = readThreshold(r)
	t.Periods, t.Period = readPeriod(r, b.scope.facts.Metrics.Shortest(metric.Namespace, metric.Name))
	t.MissingData = missingData(r, t)
	t.Endpoints = b.endpointNames(r)
	t.Notify = b.notify(r, t.Endpoints)
	r.deriveList("endpoints", t.Endpoints)
	r.deriveText("missing_data", t.MissingData)
	return t
}

// missingData returns how CloudWatch treats a period without data. A metric that counts events, such as errors,
// has no data while nothing happens, so no data means 0 and the threshold decides: an alarm on "< 1" fires, one on
// "> 5" does not.
func missingData(r record, t Trigger) string {
	switch {
	case r.has("missing_data"):
		return r.text("missing_data")
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
func (b alarmBuilder) notify(r record, endpoints []string) []string {
	if !r.has("notify") {
		return []string{"alarm", "ok"}
	}
	scaling := func(name string) bool { return strings.HasPrefix(b.endpointType(name), "scale") }
	if len(endpoints) > 0 && !slices.ContainsFunc(endpoints, func(name string) bool { return !scaling(name) }) {
		r.errorf("notify", "has no effect on endpoints that scale: they act on the state alarm only")
	}
	if len(r.list("notify")) == 0 && !r.unknown("notify") {
		r.errorf("notify", "must name at least one of alarm, ok and insufficient_data")
	}
	var states []string
	for _, n := range r.list("notify") {
		if slices.Contains(states, n.value.Text) {
			r.report.Warnf(n.pos(), "%s is listed twice", n.value.Text)
			continue
		}
		states = append(states, n.value.Text)
	}
	return states
}

// endpointType returns the type of an endpoint of the app, "" when there is no endpoint of this name.
func (b alarmBuilder) endpointType(name string) string {
	if kind := b.section.fields["endpoints"].value.Lookup(name).Lookup("type"); kind != nil {
		return kind.Text
	}
	return ""
}

// readThreshold splits a threshold such as "> 85" into the comparison and the number.
func readThreshold(r record) (string, float64) {
	written := r.text("threshold")
	if written == "" && !r.unknown("threshold") {
		r.errorf("threshold", "is missing: write > >= < or <= and a number, such as >85")
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
func readPeriod(r record, fewest int) (periods, seconds int) {
	left, right, _ := strings.Cut(r.text("period"), "x")
	periods, _ = strconv.Atoi(left)
	seconds, _ = strconv.Atoi(right)
	const shortest = 30
	if seconds < shortest && periods >= shortest {
		periods, seconds = seconds, periods
		r.warnf("period", "is understood as %dx%d: the seconds come second", periods, seconds)
	}
	// CloudWatch also takes periods of 10 and 30 seconds for metrics of high resolution, which none of spacel's are.
	if rounded := max(60, (seconds+30)/60*60); rounded != seconds {
		if seconds < shortest {
			r.errorf("period", "must be periods x seconds, of at least %d seconds, got %s", shortest, r.text("period"))
			return periods, seconds
		}
		r.warnf("period", "is rounded to %d seconds: CloudWatch wants a multiple of 60", rounded)
		seconds = rounded
	}
	if raised := (seconds + fewest - 1) / fewest * fewest; fewest > 60 && raised != seconds {
		if r.has("period") {
			r.warnf("period", "is raised to %dx%d: the metric has a value every %d seconds", periods, raised, fewest)
		}
		seconds = raised
	}
	most, word := day, "a day"
	if seconds >= 3600 {
		most, word = week, "seven days"
	}
	if periods < 1 || periods > most/seconds {
		r.errorf("period", "must be at least one period and at most %s in all, got %s", word, r.text("period"))
	}
	return periods, seconds
}

// endpointNames returns the endpoints of an alarm. Each one must be defined in alarms.endpoints. An
// endpoint with a mistake of its own counts as defined here: one report of it is enough.
func (b alarmBuilder) endpointNames(r record) []string {
	endpoints := b.section.fields["endpoints"].value
	var known []string
	if endpoints != nil {
		for _, f := range endpoints.Fields {
			known = append(known, f.Key)
		}
	}
	var names []string
	for _, n := range r.list("endpoints") {
		name := n.value.Text
		switch {
		case slices.Contains(names, name):
			r.report.Warnf(n.pos(), "%s is listed twice", name)
		case slices.Contains(known, name):
			names = append(names, name)
		case !b.incomplete && (endpoints == nil || !endpoints.Reported[name]):
			r.report.Errorf(n.pos(), "unknown endpoint %q%s", name, report.Suggest(name, known))
		}
	}
	if len(names) > maxActions {
		r.errorf("endpoints", "must be at most %d, which is what CloudWatch allows, got %d", maxActions, len(names))
	}
	if r.has("endpoints") && len(r.list("endpoints")) == 0 {
		r.errorf("endpoints", "must name at least one endpoint")
	}
	return names
}
