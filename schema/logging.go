package schema

import (
	"github.com/pebble/spacel/schema/manifest"
)

// logging returns the log groups of an app. Boot logs are always kept; logs of containers are optional.
func (b appBuilder) logging() Logging {
	logging := b.section.child("logging", b.scope.facts.Defaults.Lookup("logging"))
	deploy := logging.child("deploy", b.scope.facts.Defaults.Lookup("deploy_logging"))
	if !logging.has("deploy") { // the app has no log group of its own for the agent then
		deploy = deploy.untraced()
	}
	return Logging{
		Node:   logging.node(),
		Deploy: LogGroup{Node: deploy.node(), Retention: deploy.number("retention")},
		Docker: b.dockerLogging(logging),
	}
}

// dockerLogging returns nil if the output of containers stays on the instance. As in the 2016 tool, {} means off.
func (b appBuilder) dockerLogging(logging record) *DockerLogging {
	if !logging.flag("docker") {
		return nil
	}
	n := logging.fields["docker"]
	if n.value.Kind == manifest.Object && len(n.value.Fields)+len(n.value.Reported) == 0 {
		logging.report.Warnf(n.pos(),
			"{} turns Docker logging off (as in the 2016 tool): write docker: true to turn it on, or remove the line")
		logging.deriveFlag("docker", false)
		return nil
	}
	r := logging.child("docker", b.scope.facts.Defaults.Lookup("docker_logging"))
	docker := &DockerLogging{Node: r.node(), Retention: r.number("retention")}
	for _, e := range r.entries("metrics") {
		docker.Metrics = append(docker.Metrics, b.alarmBuilder().logMetric(e))
	}
	// Each pattern becomes a metric filter of its own in the same log group.
	filters := 0
	for _, m := range docker.Metrics {
		filters += len(m.Patterns)
	}
	if filters > maxFilters {
		r.errorf("metrics", "must have at most %d patterns in all, which is what CloudWatch Logs allows, got %d", maxFilters, filters)
	}
	return docker
}

// Limits of CloudWatch Logs: characters of a filter's pattern, and filters of a log group (CloudWatch Logs API Reference,
// PutMetricFilter).
const (
	maxPattern = 1024
	maxFilters = 100
)

// logMetric returns a metric made of log lines, and the alarms on it.
func (b alarmBuilder) logMetric(e entry) LogMetric {
	r := e.record(b.scope.report, nil)
	metric := LogMetric{Node: r.node(), Name: e.key, Patterns: map[string]string{}}
	for _, p := range r.entries("patterns") {
		if len(p.key) > maxPattern {
			b.scope.report.Errorf(p.pos(),
				"must have at most %d characters, which is what CloudWatch Logs allows, got %d", maxPattern, len(p.key))
		}
		metric.Patterns[p.key] = p.value.Text
	}
	if r.has("patterns") && len(metric.Patterns) == 0 && !r.unknown("patterns") {
		r.errorf("patterns", "must have at least one pattern")
	}
	for _, alarm := range r.entries("alarms") {
		metric.Alarms = append(metric.Alarms, b.logAlarm(alarm, e.key))
	}
	return metric
}
