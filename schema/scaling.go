package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// checkDesired checks the initial number of instances against the limits. An auto scaling group refuses a number outside of them.
func checkDesired(s sections.Section, a *AppRegion) {
	if a.InstanceDesired == nil || s.Unknown("instance_min") || s.Unknown("instance_max") {
		return
	}
	if n := *a.InstanceDesired; n < a.InstanceMin || n > a.InstanceMax {
		s.Errorf("instance_desired", "must be instance_min to instance_max, which are %d and %d, got %d", a.InstanceMin, a.InstanceMax, n)
	}
}

// scaling returns the rules that change the number of instances with load and time.
func (b appBuilder) scaling(a *AppRegion) Scaling {
	r := b.section.Child("scaling", nil)
	s := Scaling{Node: r.Node()}
	for _, e := range r.Entries("targets") {
		target := scalingTarget(b.scope.facts, b.scope.report, e)
		if target.Metric == "memory" && !a.CWStats && !b.section.Unknown("cw_stats") {
			b.scope.report.Errorf(target.At("metric"), "memory needs cw_stats: true, which makes the agent measure it")
		}
		s.Targets = append(s.Targets, target)
	}
	for _, e := range r.Entries("steps") {
		s.Steps = append(s.Steps, b.alarmBuilder().stepScaling(e)...)
	}
	for _, e := range r.Entries("schedules") {
		s.Schedules = append(s.Schedules, schedule(b.scope.facts, b.scope.report, e, a))
	}
	checkTwoTargets(r, s.Targets)
	warnFixedSize(b.scope.report, a, s)
	return s
}

// warnFixedSize warns about rules that have no effect, because minimum and maximum are equal and no schedule
// changes them.
func warnFixedSize(found *report.Report, a *AppRegion, s Scaling) {
	if !a.fixedSize(s) {
		return
	}
	warn := func(at report.Pos) {
		found.Warnf(at, "does nothing: instance_min and instance_max are both %d", a.InstanceMax)
	}
	for _, t := range s.Targets {
		warn(t.Pos)
	}
	for _, t := range s.Steps {
		warn(t.Pos)
	}
	for _, e := range a.Alarms.Endpoints {
		if strings.HasPrefix(e.Type, "scale") {
			warn(e.Pos)
		}
	}
}

// scalingTarget reads a target: a metric that scaling keeps near a value.
func scalingTarget(facts *language.Facts, found *report.Report, e sections.Entry) ScalingTarget {
	r := e.Record(found, facts.Defaults.Lookup("scaling_target"))
	t := ScalingTarget{Node: r.Node(), Name: e.Key, Metric: r.Text("metric"), Port: r.Number("port"), ScaleIn: r.Flag("scale_in")}
	t.Value, _ = strconv.ParseFloat(r.Text("value"), 64)
	if (t.Metric == "cpu" || t.Metric == "memory") && t.Value > 100 {
		r.Errorf("value", "must be at most 100 percent, got %s", r.Text("value"))
	}
	if t.Metric != "requests" && r.Has("port") && !r.Unknown("metric") {
		r.Errorf("port", "works only with metric: requests")
	}
	return t
}

// checkTwoTargets reports two targets for the same metric. A group has at most one target per predefined metric
// and target group (EC2 Auto Scaling User Guide, "Target tracking scaling policies").
func checkTwoTargets(r sections.Record, targets []ScalingTarget) {
	// Requests are counted at each port's target group, so the port is a part of the key.
	type watched struct {
		metric string
		port   int
	}
	seen := map[watched]string{}
	for _, t := range targets {
		is := watched{t.Metric, t.Port}
		if other, ok := seen[is]; ok && t.Metric != "" {
			r.Report.Errorf(t.Pos, "%s already has the target %s", t.Metric, other)
		}
		seen[is] = t.Name
	}
}

// schedule reads a scheduled change of the group's limits or size. Each of the three numbers may be left out and then stays as it
// is. Values refused before are unknown, and no check is made on them.
func schedule(facts *language.Facts, found *report.Report, e sections.Entry, a *AppRegion) Schedule {
	r := e.Record(found, facts.Defaults.Lookup("schedule"))
	s := Schedule{
		Node: r.Node(), Name: e.Key, Cron: r.Text("cron"), TimeZone: r.Text("time_zone"),
		Min: r.Optional("min"), Max: r.Optional("max"), Desired: r.Optional("desired"),
	}
	invalid := r.Unknown("min") || r.Unknown("max") || r.Unknown("desired")
	if s.Min == nil && s.Max == nil && s.Desired == nil && !invalid {
		found.Errorf(r.At, "changes nothing: it needs min, max or desired")
	}
	if invalid {
		return s
	}
	checkOrder(r, "min", s.Min, "max", s.Max)
	checkOrder(r, "min", s.Min, "desired", s.Desired)
	checkOrder(r, "desired", s.Desired, "max", s.Max)
	// The template makes one address for each instance up to instance_max.
	if a.ElasticIPs && s.Max != nil && *s.Max > a.InstanceMax {
		r.Errorf("max",
			"must be at most instance_max, which is %d, in an app with elastic_ips: it is how many addresses there are", a.InstanceMax)
	}
	return s
}

// checkOrder checks the order of two numbers, if both are set.
func checkOrder(r sections.Record, low string, lowest *int, high string, highest *int) {
	if lowest != nil && highest != nil && *lowest > *highest {
		r.Errorf(low, "must be at most %s, got %d and %d", high, *lowest, *highest)
	}
}

// maxSteps is the largest number of steps in a policy (EC2 Auto Scaling User Guide, "Quotas").
const maxSteps = 20

// stepScaling reads steps. The ones above and the ones below become two alarms with one policy each, because an
// alarm compares in one direction.
func (b alarmBuilder) stepScaling(e sections.Entry) []StepScaling {
	r := e.Record(b.scope.report, nil)
	metric, defaults := b.metric(r)
	r.Defaults = defaults
	all := StepScaling{Trigger: Trigger{Node: r.Node(), Name: e.Key, Metric: metric, Statistic: r.Text("statistic")}}
	all.Periods, all.Period = readPeriod(r, b.scope.facts.Metrics.Shortest(metric.Namespace, metric.Name))
	above, below := stepsOnSide(r, ">", all), stepsOnSide(r, "<", all)
	if len(above.Steps)+len(below.Steps) == 0 && r.Has("adjustments") && !r.Unknown("adjustments") {
		r.Errorf("adjustments", "must have at least one")
	}
	if len(above.Steps) > 0 && len(below.Steps) > 0 && above.Threshold <= below.Threshold {
		r.Errorf("adjustments", "must leave a gap between the steps above %v and the steps below %v", above.Threshold, below.Threshold)
	}
	return slices.DeleteFunc([]StepScaling{above, below}, func(s StepScaling) bool { return len(s.Steps) == 0 })
}

// stepsOnSide returns the steps above (>) or below (<). The first one is nearest to the normal range, so it sets
// the alarm's threshold.
func stepsOnSide(r sections.Record, sign string, s StepScaling) StepScaling {
	for i, e := range sortedSteps(r, sign) {
		digits := strings.TrimLeft(e.Key, "<>= ")
		comparison := strings.TrimSpace(strings.TrimSuffix(e.Key, digits))
		by, percent := parseAdjustment(r.Report, e)
		if i > 0 && comparison != s.Comparison {
			r.Report.Errorf(e.Pos(), "compares with %s, but another step with %s: use one of the two", comparison, s.Comparison)
		}
		if i > 0 && percent != s.Percent {
			r.Report.Errorf(e.Pos(), "must be in %s, like the other steps that begin with %s", unit(s.Percent), sign)
		}
		if i == 0 {
			s.Comparison, s.Threshold, s.Percent = comparison, number64(digits), percent
		}
		if last := len(s.Steps) - 1; last >= 0 && s.Steps[last].From == number64(digits) {
			r.Report.Errorf(e.Pos(), "is there twice")
		}
		s.Steps = append(s.Steps, Step{From: number64(digits), By: by})
	}
	if len(s.Steps) > maxSteps {
		r.Errorf("adjustments", "must have at most %d that begin with %s, got %d", maxSteps, sign, len(s.Steps))
	}
	s.MissingData = missingData(r, s.Trigger)
	return s
}

// sortedSteps returns the adjustments above or below, ordered by distance from the normal range.
func sortedSteps(r sections.Record, sign string) []sections.Entry {
	var steps []sections.Entry
	for _, e := range r.Entries("adjustments") {
		if strings.HasPrefix(e.Key, sign) {
			steps = append(steps, e)
		}
	}
	// The step nearest to the normal range comes first: the lowest of those above, the highest of those below.
	slices.SortStableFunc(steps, func(one, other sections.Entry) int {
		order := cmp.Compare(number64(strings.TrimLeft(one.Key, "<>= ")), number64(strings.TrimLeft(other.Key, "<>= ")))
		if sign == "<" {
			return -order
		}
		return order
	})
	return steps
}

// parseAdjustment reads a signed number or percentage. A plus sign is allowed for readers, and Atoi does not need it.
func parseAdjustment(found *report.Report, e sections.Entry) (by int, percent bool) {
	digits, percent := strings.CutSuffix(strings.TrimPrefix(e.Tree.Text, "+"), "%")
	by, err := strconv.Atoi(digits)
	if err != nil || by == 0 {
		found.Errorf(e.Pos(), "must not be 0, got %s", e.Tree.Text)
	}
	return by, percent
}

// unit names the unit of an adjustment, for a message.
func unit(percent bool) string {
	if percent {
		return "percent"
	}
	return "instances"
}

// number64 parses a number. The definitions have checked its form, so an error cannot occur.
func number64(digits string) float64 {
	n, _ := strconv.ParseFloat(digits, 64)
	return n
}
