package schema

import (
	"slices"
	"strconv"
	"strings"
)

// alarm is what alarms of every kind have.
func (b appBuilder) alarm(e entry, defaults *tree) Trigger {
	r := e.record(b.report, defaults)
	t := Trigger{Node: r.node(), Name: e.key, Statistic: r.text("statistic")}
	t.Comparison, t.Threshold = b.threshold(r)
	t.Periods, t.Period = b.period(r)
	t.Endpoints = b.endpointNames(r)
	return t
}

// threshold is the comparison and the number of > 85.
func (b appBuilder) threshold(r record) (string, float64) {
	written := r.text("threshold")
	if written == "" && !r.unknown("threshold") {
		r.mistake("threshold", "is missing: write > >= < or <= and a number, such as >85")
	}
	digits := strings.TrimLeft(written, "<>= ")
	value, _ := strconv.ParseFloat(digits, 64)
	return strings.TrimSpace(strings.TrimSuffix(written, digits)), value
}

// CloudWatch's limits for periods times seconds.
const (
	day  = 24 * 60 * 60
	week = 7 * day
)

// period is N periods of S seconds of NxS, as CloudWatch takes them: S a multiple of 60.
func (b appBuilder) period(r record) (periods, seconds int) {
	left, right, _ := strings.Cut(r.text("period"), "x")
	periods, _ = strconv.Atoi(left)
	seconds, _ = strconv.Atoi(right)
	const shortest = 30
	if seconds < shortest && periods >= shortest {
		periods, seconds = seconds, periods
		r.Warnf(r.posOf("period"), "is understood as %dx%d: the seconds come second", periods, seconds)
	}
	if rounded := max(60, (seconds+30)/60*60); rounded != seconds {
		if seconds < shortest {
			r.mistake("period", "must be periods x seconds, of at least %d seconds, got %s", shortest, r.text("period"))
			return periods, seconds
		}
		r.Warnf(r.posOf("period"), "is rounded to %d seconds: CloudWatch wants a multiple of 60", rounded)
		seconds = rounded
	}
	most, word := day, "a day"
	if seconds >= 3600 {
		most, word = week, "seven days"
	}
	if periods < 1 || periods > most/seconds {
		r.mistake("period", "must be at least one period and at most %s in all, got %s", word, r.text("period"))
	}
	return periods, seconds
}

// endpointNames are the endpoints that an alarm goes to, which must be there.
func (b appBuilder) endpointNames(r record) []string {
	endpoints := b.child("alarms", nil).fields["endpoints"].value
	var known []string
	if endpoints != nil {
		for _, f := range endpoints.fields {
			known = append(known, f.key)
		}
	}
	var names []string
	for _, n := range r.list("endpoints") {
		name := n.value.text
		switch {
		case slices.Contains(names, name):
			r.Warnf(n.pos(), "%s is listed twice", name)
		case slices.Contains(known, name):
			names = append(names, name)
		case !b.unknown("alarms") && (endpoints == nil || !endpoints.spoiled[name]):
			r.Errorf(n.pos(), "there is no endpoint %q%s", name, suggest(name, known))
		}
	}
	if r.has("endpoints") && len(r.list("endpoints")) == 0 {
		r.mistake("endpoints", "must name at least one endpoint")
	}
	return names
}
