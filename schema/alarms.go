package schema

import (
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

func (b appBuilder) alarms() Alarms {
	r := b.child("alarms", nil)
	alarms := Alarms{Node: r.node()}
	for _, e := range r.entries("endpoints") {
		alarms.Endpoints = append(alarms.Endpoints, b.endpoint(e))
	}
	for _, e := range r.entries("triggers") {
		alarms.Triggers = append(alarms.Triggers, b.trigger(e))
	}
	return alarms
}

// endpointFields are the fields of each type of endpoint, beside type.
var endpointFields = map[string][]string{
	"email":     {"addresses"},
	"slack":     {"url"},
	"pagerduty": {"url", "service", "escalation_policy"},
	"scale":     {"adjustment", "cooldown"},
	"scaleup":   {"adjustment", "cooldown"},
	"scaledown": {"adjustment", "cooldown"},
}

func (b appBuilder) endpoint(e entry) Endpoint {
	r := e.record(b.report, b.facts.defaults.lookup("endpoint"))
	p := Endpoint{Node: r.node(), Name: e.key, Type: r.text("type"), Service: r.text("service"), EscalationPolicy: r.text("escalation_policy")}
	if allowed, known := endpointFields[p.Type]; known {
		for _, field := range slices.Sorted(maps.Keys(r.fields)) {
			if field != "type" && !slices.Contains(allowed, field) {
				r.mistake(field, "is of no use to an endpoint of type %s", p.Type)
			}
		}
	}
	switch p.Type {
	case "email":
		p.Addresses = b.addresses(r)
	case "slack", "pagerduty":
		b.webhook(r, &p)
	case "scale", "scaleup", "scaledown":
		p.Adjustment = b.adjustment(r, p.Type)
		p.Cooldown = r.number("cooldown")
	}
	return p
}

// addresses are those of a list, or of one string with commas between.
func (b appBuilder) addresses(r record) []string {
	var addresses []string
	for _, n := range r.list("addresses") {
		for _, address := range strings.Split(n.value.text, ",") {
			address = strings.TrimSpace(address)
			if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
				r.Errorf(n.pos(), "must be an email address, got %q", address)
				continue
			}
			addresses = append(addresses, address)
		}
	}
	if len(r.list("addresses")) == 0 && !r.unknown("addresses") {
		r.mistake("addresses", "is missing: an endpoint of type email needs an address")
	}
	return addresses
}

// webhook is where Slack or PagerDuty listen: a secret, which a manifest better doesn't hold.
func (b appBuilder) webhook(r record, p *Endpoint) {
	n, ok := r.fields["url"]
	switch {
	case !ok && p.Type == "slack" && !r.unknown("url"):
		r.mistake("url", "is missing: an endpoint of type slack needs its webhook")
	case !ok:
	case n.value.kind == object:
		p.URLPayload = b.payload(n)
	default:
		p.URL = n.value.text
		if strings.HasPrefix(p.URL, "https:") {
			r.Warnf(n.pos(), "is a secret that anyone who reads this file knows: encrypt it with spacel secret, or name an SSM parameter (ssm:NAME) or a secret (secret:NAME)")
		}
	}
	if p.Service != "" && p.EscalationPolicy != "" {
		r.mistake("escalation_policy", "is of no use beside service")
	}
}

// adjustment is how many instances, or how many percent, more or fewer. scaleup and scaledown choose the sign.
func (b appBuilder) adjustment(r record, kind string) string {
	written := strings.TrimPrefix(r.text("adjustment"), "+")
	digits := strings.TrimSuffix(strings.TrimPrefix(written, "-"), "%")
	if n, err := strconv.Atoi(digits); err != nil || n == 0 {
		r.mistake("adjustment", "must change something, got %s", written)
	}
	switch unsigned := strings.TrimPrefix(written, "-"); kind {
	case "scaleup":
		return unsigned
	case "scaledown":
		return "-" + unsigned
	}
	return written
}

// trigger is an alarm on a metric that spacel knows, or with a namespace on any.
func (b appBuilder) trigger(e entry) Trigger {
	r := e.record(b.report, nil)
	name, known := b.facts.metrics.find(r.text("metric"))
	if known && !r.has("namespace") || b.builtinNamespace(r, name) {
		usual := b.facts.metrics.Builtin[name]
		t := b.alarm(e, alarmDefaults(usual.Threshold, usual.Period, usual.Statistic))
		t.Metric = name
		for _, field := range []string{"namespace", "dimensions"} {
			if r.has(field) {
				r.Warnf(r.posOf(field), "does nothing: %s is a metric that spacel knows, with dimensions of its own", name)
			}
		}
		return t
	}
	t := b.alarm(e, b.customDefaults(r))
	t.Metric, t.Namespace, t.Dimensions = r.text("metric"), r.text("namespace"), map[string]string{}
	for _, d := range r.entries("dimensions") {
		t.Dimensions[d.key] = d.value.text
	}
	return t
}

// builtinNamespace says whether a built-in metric is written with the namespace that it has anyway.
func (b appBuilder) builtinNamespace(r record, name string) bool {
	group, _, _ := strings.Cut(name, "/")
	own := map[string]string{"EC2": "AWS/EC2", "ELB": "AWS/ELB", "System": "System/Linux"}[group]
	return own != "" && r.text("namespace") == own && !r.has("dimensions")
}

// customDefaults are the defaults of an alarm on any metric: a period. Where it isn't known what is measured, nothing more
// is said of the alarm.
func (b appBuilder) customDefaults(r record) *tree {
	period := b.facts.defaults.lookup("trigger").lookup("period").text
	if !r.has("metric") || r.unknown("namespace") {
		return anyAlarm
	}
	if !r.has("namespace") {
		r.mistake("metric", "spacel knows no metric %q, and any other needs a namespace%s", r.text("metric"), suggest(r.text("metric"), b.facts.metrics.names()))
		return anyAlarm
	}
	if !r.has("statistic") && !r.unknown("statistic") {
		r.mistake("statistic", "is missing: a metric with a namespace has no default")
	}
	return alarmDefaults("", period, "")
}

// anyAlarm is complete, to keep quiet about an alarm whose metric is a mistake.
var anyAlarm = alarmDefaults(">0", "3x60", "Average")

// alarmDefaults are what an alarm has that says no more. Empty strings are none.
func alarmDefaults(threshold, period, statistic string) *tree {
	defaults := &tree{kind: object}
	for key, value := range map[string]string{"threshold": threshold, "period": period, "statistic": statistic} {
		if value != "" {
			defaults.set(key, place{}, &tree{kind: text, text: value})
		}
	}
	return defaults
}

// databaseAlarms are a database's, on the metric that the words in metric mean.
func (b appBuilder) databaseAlarms(db record) []Trigger {
	var triggers []Trigger
	for _, e := range db.entries("alarms") {
		r := e.record(b.report, nil)
		metric, known := databaseMetric(r.text("metric"))
		if !known && r.has("metric") {
			r.mistake("metric", "must name a metric: cpu, credits, creditusage, or read or write with latency, throughput or iops, got %q", r.text("metric"))
		}
		defaults := anyAlarm
		if known {
			usual := b.facts.defaults.lookup("database_alarm")
			defaults = alarmDefaults(b.facts.metrics.Database[metric], usual.lookup("period").text, usual.lookup("statistic").text)
		}
		t := b.alarm(e, defaults)
		t.Metric = "RDS/" + metric
		triggers = append(triggers, t)
	}
	return triggers
}

// logAlarm is an alarm on a metric of log lines.
func (b appBuilder) logAlarm(e entry, metric string) Trigger {
	t := b.alarm(e, b.facts.defaults.lookup("log_alarm"))
	t.Metric = metric
	return t
}

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
