package schema

import (
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
)

// logging returns the log groups of an app. Boot logs are always kept; logs of containers are optional.
func (b appBuilder) logging() Logging {
	logging := b.section.Child("logging", b.scope.facts.Defaults.Lookup("logging"))
	deploy := logging.Child("deploy", b.scope.facts.Defaults.Lookup("deploy_logging"))
	if !logging.Has("deploy") { // the app has no log group of its own for the agent then
		deploy = deploy.Untraced()
	}
	return Logging{
		Node:   logging.Node(),
		Deploy: LogGroup{Node: deploy.Node(), Retention: deploy.Number("retention")},
		Docker: b.dockerLogging(logging),
	}
}

// dockerLogging returns nil if the output of containers stays on the instance. As in the 2016 tool, {} means off.
func (b appBuilder) dockerLogging(logging sections.Record) *DockerLogging {
	if !logging.Flag("docker") {
		return nil
	}
	n := logging.Fields["docker"]
	if n.Tree.Kind == manifest.Object && len(n.Tree.Fields)+len(n.Tree.Reported) == 0 {
		logging.Report.Warnf(n.Pos(),
			"{} turns Docker logging off (as in the 2016 tool): write docker: true to turn it on, or remove the line")
		logging.DeriveFlag("docker", false)
		return nil
	}
	r := logging.Child("docker", b.scope.facts.Defaults.Lookup("docker_logging"))
	docker := &DockerLogging{Node: r.Node(), Retention: r.Number("retention")}
	for _, e := range r.Entries("metrics") {
		docker.Metrics = append(docker.Metrics, b.alarmBuilder().logMetric(e))
	}
	// Each pattern becomes a metric filter of its own in the same log group.
	filters := 0
	for _, m := range docker.Metrics {
		filters += len(m.Patterns)
	}
	if filters > maxFilters {
		r.Errorf("metrics", "must have at most %d patterns in all, which is what CloudWatch Logs allows, got %d", maxFilters, filters)
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
func (b alarmBuilder) logMetric(e sections.Entry) LogMetric {
	r := e.Record(b.scope.report, nil)
	metric := LogMetric{Node: r.Node(), Name: e.Key, Patterns: map[string]string{}}
	for _, p := range r.Entries("patterns") {
		if len(p.Key) > maxPattern {
			b.scope.report.Errorf(p.Pos(),
				"must have at most %d characters, which is what CloudWatch Logs allows, got %d", maxPattern, len(p.Key))
		}
		metric.Patterns[p.Key] = p.Tree.Text
	}
	if r.Has("patterns") && len(metric.Patterns) == 0 && !r.Unknown("patterns") {
		r.Errorf("patterns", "must have at least one pattern")
	}
	for _, alarm := range r.Entries("alarms") {
		metric.Alarms = append(metric.Alarms, b.logAlarm(alarm, e.Key))
	}
	return metric
}
