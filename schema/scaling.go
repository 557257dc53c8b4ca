package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// desired checks how many instances there are to begin with.
func (b appBuilder) desired(a *AppRegion) {
	if a.InstanceDesired == nil || b.unknown("instance_min") || b.unknown("instance_max") {
		return
	}
	if n := *a.InstanceDesired; n < a.InstanceMin || n > a.InstanceMax {
		b.mistake("instance_desired", "must be instance_min to instance_max, which are %d and %d, got %d", a.InstanceMin, a.InstanceMax, n)
	}
}

// scaling is how the number of instances follows load and time.
func (b appBuilder) scaling(a *AppRegion) Scaling {
	r := b.child("scaling", nil)
	s := Scaling{Node: r.node()}
	for _, e := range r.entries("targets") {
		s.Targets = append(s.Targets, b.scalingTarget(e))
	}
	for _, e := range r.entries("steps") {
		s.Steps = append(s.Steps, b.stepScaling(e)...)
	}
	for _, e := range r.entries("schedules") {
		s.Schedules = append(s.Schedules, b.schedule(e, a))
	}
	b.twoTargets(r, s.Targets)
	b.idle(a, s)
	return s
}

// idle warns of what would change the size of a group whose size cannot change.
func (b appBuilder) idle(a *AppRegion, s Scaling) {
	if !a.fixedSize(s) {
		return
	}
	warn := func(at report.Pos) {
		b.report.Warnf(at, "does nothing: instance_min and instance_max are both %d", a.InstanceMax)
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

func (b appBuilder) scalingTarget(e entry) ScalingTarget {
	r := e.record(b.report, b.facts.Defaults.Lookup("scaling_target"))
	t := ScalingTarget{Node: r.node(), Name: e.key, Metric: r.text("metric"), Port: r.number("port"), ScaleIn: r.flag("scale_in")}
	t.Value, _ = strconv.ParseFloat(r.text("value"), 64)
	if t.Metric == "cpu" && t.Value > 100 {
		r.mistake("value", "must be at most 100 percent, got %s", r.text("value"))
	}
	if t.Metric != "requests" && r.has("port") && !r.unknown("metric") {
		r.mistake("port", "is of use only with metric: requests")
	}
	return t
}

// twoTargets reports a metric that is to be kept near two values: a group has one target for each predefined metric, and
// target group (EC2 Auto Scaling User Guide, "Target tracking scaling policies").
func (b appBuilder) twoTargets(r record, targets []ScalingTarget) {
	type watched struct {
		metric string
		port   int
	}
	seen := map[watched]string{}
	for _, t := range targets {
		is := watched{t.Metric, t.Port}
		if twin, ok := seen[is]; ok && t.Metric != "" {
			r.Errorf(t.Pos, "%s has a value already, in %s", t.Metric, twin)
		}
		seen[is] = t.Name
	}
}

// schedule is a size from a time on.
func (b appBuilder) schedule(e entry, a *AppRegion) Schedule {
	r := e.record(b.report, b.facts.Defaults.Lookup("schedule"))
	s := Schedule{
		Node: r.node(), Name: e.key, Cron: r.text("cron"), TimeZone: r.text("time_zone"),
		Min: r.optional("min"), Max: r.optional("max"), Desired: r.optional("desired"),
	}
	spoiled := r.unknown("min") || r.unknown("max") || r.unknown("desired")
	if s.Min == nil && s.Max == nil && s.Desired == nil && !spoiled {
		b.report.Errorf(r.at, "changes nothing: it needs min, max or desired")
	}
	if spoiled {
		return s
	}
	b.inOrder(r, "min", s.Min, "max", s.Max)
	b.inOrder(r, "min", s.Min, "desired", s.Desired)
	b.inOrder(r, "desired", s.Desired, "max", s.Max)
	if a.ElasticIPs && s.Max != nil && *s.Max > a.InstanceMax {
		r.mistake("max", "must be at most instance_max, which is %d, in an app with elastic_ips: it is how many addresses there are", a.InstanceMax)
	}
	return s
}

// inOrder checks that a number is at most another, when both are there.
func (b appBuilder) inOrder(r record, low string, lowest *int, high string, highest *int) {
	if lowest != nil && highest != nil && *lowest > *highest {
		r.mistake(low, "must be at most %s, got %d and %d", high, *lowest, *highest)
	}
}

// maxSteps is how many steps a policy may have (EC2 Auto Scaling User Guide, "Quotas").
const maxSteps = 20

// stepScaling is what is done above and what is done below.
func (b appBuilder) stepScaling(e entry) []StepScaling {
	r := e.record(b.report, nil)
	metric, defaults := b.metric(r)
	r.defaults = defaults
	all := StepScaling{Trigger: Trigger{Node: r.node(), Name: e.key, Metric: metric, Statistic: r.text("statistic")}}
	all.Periods, all.Period = b.period(r)
	above, below := b.side(r, ">", all), b.side(r, "<", all)
	if len(above.Steps)+len(below.Steps) == 0 && r.has("adjustments") && !r.unknown("adjustments") {
		r.mistake("adjustments", "must have at least one")
	}
	if len(above.Steps) > 0 && len(below.Steps) > 0 && above.Threshold <= below.Threshold {
		r.mistake("adjustments", "must leave room between what is done above %v and what is done below %v", above.Threshold, below.Threshold)
	}
	return slices.DeleteFunc([]StepScaling{above, below}, func(s StepScaling) bool { return len(s.Steps) == 0 })
}

// side are the steps above (>) or below (<).
func (b appBuilder) side(r record, sign string, s StepScaling) StepScaling {
	for i, e := range b.stepsOf(r, sign) {
		digits := strings.TrimLeft(e.key, "<>= ")
		comparison := strings.TrimSpace(strings.TrimSuffix(e.key, digits))
		by, percent := b.adjustBy(e)
		if i > 0 && comparison != s.Comparison {
			b.report.Errorf(e.pos(), "compares with %s, another with %s: write all the same", comparison, s.Comparison)
		}
		if i > 0 && percent != s.Percent {
			b.report.Errorf(e.pos(), "must be in %s, as another that begins with %s is", unit(s.Percent), sign)
		}
		if i == 0 {
			s.Comparison, s.Threshold, s.Percent = comparison, number64(digits), percent
		}
		if last := len(s.Steps) - 1; last >= 0 && s.Steps[last].From == number64(digits) {
			b.report.Errorf(e.pos(), "is there twice")
		}
		s.Steps = append(s.Steps, Step{From: number64(digits), By: by})
	}
	if len(s.Steps) > maxSteps {
		r.mistake("adjustments", "must have at most %d that begin with %s, got %d", maxSteps, sign, len(s.Steps))
	}
	s.MissingData = missingData(r, s.Trigger)
	return s
}

// stepsOf are the adjustments above or below, by distance from where the metric should be.
func (b appBuilder) stepsOf(r record, sign string) []entry {
	var steps []entry
	for _, e := range r.entries("adjustments") {
		if strings.HasPrefix(e.key, sign) {
			steps = append(steps, e)
		}
	}
	slices.SortStableFunc(steps, func(one, other entry) int {
		order := cmp.Compare(number64(strings.TrimLeft(one.key, "<>= ")), number64(strings.TrimLeft(other.key, "<>= ")))
		if sign == "<" {
			return -order
		}
		return order
	})
	return steps
}

func (b appBuilder) adjustBy(e entry) (by int, percent bool) {
	digits, percent := strings.CutSuffix(strings.TrimPrefix(e.value.Text, "+"), "%")
	by, err := strconv.Atoi(digits)
	if err != nil || by == 0 {
		b.report.Errorf(e.pos(), "must change something, got %s", e.value.Text)
	}
	return by, percent
}

func unit(percent bool) string {
	if percent {
		return "percent"
	}
	return "instances"
}

func number64(digits string) float64 {
	n, _ := strconv.ParseFloat(digits, 64)
	return n
}
