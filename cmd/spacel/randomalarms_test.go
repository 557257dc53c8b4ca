package main

import (
	"fmt"
	"maps"
	"slices"
)

// Metrics that an alarm can watch: on any group, on either kind of balancer, with cw_stats. Those after a > have no default
// threshold.
var (
	groupMetrics = []string{
		"EC2/CPUCreditUsage", "cpucredits", "CPU", "EC2/DiskReadOps", "EC2/DiskWriteOps", "EC2/DiskReadBytes", "EC2/DiskWriteBytes",
		"EC2/NetworkIn", "networkout", "EC2/NetworkPacketsIn", "EC2/NetworkPacketsOut", "ec2/cpu",
	}
	balancerMetrics = []string{"healthy", "unhealthyhosts", "spillover", "surgequeue", "ELB/RejectedConnectionCount", ">ELB/ProcessedBytes"}
	webMetrics      = []string{"connectionerrors", "latency", "requests", "backend2xx", "backend3XX", "backend4xx", "backend5xx", "elb4xx",
		"status5XX"}
	flowMetrics   = []string{">ELB/NewFlowCount", ">ELB/ActiveFlowCount"}
	systemMetrics = []string{"disk", "RAM", "System/MemoryUtilization"}
)

// endpoints are those that every app with alarms has.
func (a *randomApp) endpoints() object {
	return object{
		"ops":   object{"type": "email", "addresses": pick[any](a.random, "a@example.com, b@example.com", []string{"a@example.com"})},
		"slack": object{"type": "slack", "url": a.webhook("hooks.slack.com")},
		"pager": pick(a.random, object{"type": "pagerduty", "url": a.webhook("events.pagerduty.com")},
			object{"type": "pagerduty", "service": "PABC123"},
			object{"type": "pagerduty", "escalation_policy": "PXYZ"}, object{"type": "pagerduty"}),
		"more": object{"type": "scaleup", "adjustment": pick[any](a.random, 2, "50%"), "cooldown": a.between(0, 600)},
		"less": object{"type": pick(a.random, "scaledown", "scale"), "adjustment": "-1"},
	}
}

func (a *randomApp) webhook(host string) any {
	return pick[any](a.random, "https://"+host+"/"+unspoken, "ssm:/a/b", "secret:a/b", a.payload())
}

func (a *randomApp) alarms() {
	if a.chance(40) {
		return
	}
	endpoints, triggers := a.endpoints(), object{}
	for i, metric := range some(a.random, 0, a.metrics()...) {
		triggers[fmt.Sprintf("%s %d", metric, i)] = a.trigger(metric)
	}
	a.maybe(triggers, 30, "own", func() any {
		t := a.alarm(object{"metric": "Depth", "namespace": "AWS/SQS", "dimensions": object{"QueueName": "q"}, "statistic": "p99.9"})
		t["threshold"] = "< -1.5"
		return t
	})
	a.all["alarms"] = object{"endpoints": endpoints, "triggers": triggers}
	a.storeAlarms()
}

func (a *randomApp) metrics() []string {
	metrics := slices.Clone(groupMetrics)
	if a.plan.kind != "" {
		metrics = append(metrics, balancerMetrics...)
	}
	switch a.plan.kind {
	case "alb":
		metrics = append(metrics, webMetrics...)
	case "nlb":
		metrics = append(metrics, flowMetrics...)
	}
	if yes(a.all["cw_stats"]) {
		metrics = append(metrics, systemMetrics...)
	}
	return metrics
}

func (a *randomApp) trigger(metric string) object {
	if metric[0] != '>' {
		return a.alarm(object{"metric": metric})
	}
	t := a.alarm(object{"metric": metric[1:]})
	t["threshold"] = ">=1000"
	return t
}

// alarm adds what all alarms may have.
func (a *randomApp) alarm(t object) object {
	names := some(a.random, 1, "ops", "slack", "pager", "more", "less")
	t["endpoints"] = names
	if len(names) == 1 {
		t["endpoints"] = names[0]
	}
	if slices.ContainsFunc(names, func(name string) bool { return name != "more" && name != "less" }) {
		a.maybe(t, 40, "notify", func() any {
			return append(some(a.random, 0, "ok", "insufficient_data"),
				"alarm")
		}) // without alarm Guard misses an action
	}
	a.maybe(t, 40, "threshold", func() any { return pick(a.random, ">85", ">= 0.5", "<1", "<=-2") })
	a.maybe(t, 40, "period", func() any { return pick(a.random, "3x60", "1x300", "24x3600", "60x3") })
	a.maybe(t, 30, "missing_data", func() any { return pick(a.random, "missing", "notBreaching", "breaching", "ignore") })
	if t["statistic"] == nil {
		a.maybe(t, 30, "statistic", func() any { return pick(a.random, "Average", "Maximum", "Minimum", "Sum") })
	}
	return t
}

// storeAlarms gives databases alarms.
func (a *randomApp) storeAlarms() {
	databases, _ := a.all["databases"].(object)
	for _, name := range slices.Sorted(maps.Keys(databases)) {
		a.maybe(databases[name].(object), 50, "alarms", func() any {
			return object{"busy": a.alarm(object{"metric": pick(a.random, "cpu", "credits", "creditusage", "read latency",
				"WriteThroughput", "readiops")})}
		})
	}
}

func (a *randomApp) scaling() {
	s := object{}
	if a.room { // without it a target does nothing, of which a build warns and cfn-lint (E3712) thinks worse
		a.maybe(s, 50, "targets", func() any { return a.targets() })
	}
	a.maybe(s, 50, "steps", func() any { return a.steps() })
	a.maybe(s, 50, "schedules", func() any {
		return object{
			"morning": object{"cron": "0 8 * * MON-FRI", "time_zone": "Europe/Berlin", "min": 1, "max": a.max,
				"desired": a.between(1, a.max)},
			"night": object{"cron": "*/15 0-6/2 1,15 JAN-MAR,12 0", "min": "0"},
		}
	})
	a.maybe(a.all, 50, "scaling", func() any { return s })
}

func (a *randomApp) targets() object {
	targets := object{
		"cpu": object{"metric": "cpu", "value": 55.5, "scale_in": a.flag(a.chance(50))},
		"in":  object{"metric": "network_in", "value": "1000000"},
	}
	if len(a.plan.counts) > 0 {
		targets["requests"] = object{"metric": "requests", "value": 1000, "port": a.quoted(pick(a.random, a.plan.counts...))}
	}
	return targets
}

func (a *randomApp) steps() object {
	return object{
		"cpu": object{"metric": "cpu", "period": "3x60", "adjustments": object{">70": 1, ">85": "3", "<20": -1, "<10.5": -2}},
		"own": object{"metric": "Used", "namespace": "Mine", "dimensions": object{"App": a.name}, "statistic": "p90",
			"missing_data": "notBreaching",
			"adjustments":  object{">= 0.1": "10%", ">=0.3": "+50%"}},
	}
}

func (a *randomApp) logging() {
	docker := object{"retention": 7, "metrics": object{
		"errors": object{"patterns": object{"ERROR": 1, "?ERROR ?FATAL": 2.5, "": "0"}},
		"slow":   object{"patterns": object{"[ip, ms > 4]": "$ms"}},
	}}
	if a.all["alarms"] != nil {
		t := a.alarm(object{})
		t["threshold"] = ">10"
		docker["metrics"].(object)["slow"].(object)["alarms"] = object{"many": t}
	}
	a.maybe(a.all, 60, "logging", func() any {
		return pick(a.random, object{"docker": docker}, object{"docker": a.flag(true)},
			object{"deploy": object{"retention": "90"}, "docker": docker}, object{})
	})
}
