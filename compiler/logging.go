package compiler

import (
	"maps"
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// logging makes the app's own log groups and the metrics of log lines. These groups are deleted with the stack. The boot
// log is not: it belongs to the orbit, so the log of a failed boot outlives the rolled-back stack.
func logging(a appContext) *part {
	p := &part{}
	written := a.region.Logging
	var to document.Logging[cfn.Value]
	if written.Written("deploy") {
		to.Deploy = logGroup(a, p, written.Deploy.Pos, document.DeployLogGroup, written.Deploy.Retention)
	}
	if written.Docker != nil {
		to.Docker = logGroup(a, p, written.Docker.Pos, document.DockerLogGroup, written.Docker.Retention)
		metricFilters(a, p, to.Docker)
	}
	if to.Deploy != nil || to.Docker != nil {
		p.document = func(d *document.Document[cfn.Value]) { d.Logging = &to }
	}
	return p
}

// logGroup makes a log group. The instances may create and write streams in it, but read none.
func logGroup(a appContext, p *part, at report.Pos, id string, retention int) cfn.Value {
	group := add(p, at, id, &cfn.LogGroup{RetentionInDays: retention, Tags: a.nameTag()})
	p.statements = append(p.statements, cfn.Allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, group.Arn()))
	return group.Ref()
}

// logMetrics are the metrics of the containers' log lines.
func logMetrics(a appContext) []schema.LogMetric {
	if a.region.Logging.Docker == nil {
		return nil
	}
	return a.region.Logging.Docker.Metrics
}

// logNamespace is the namespace of an app's metrics of log lines, as in the 2016 tool.
func logNamespace(a appContext) string { return "LogMetrics/" + a.app.Name + "/" + a.net.orbit.Name }

// metricFilters makes a filter for each pattern, since one filter has one pattern. Filters with the same metric add up.
func metricFilters(a appContext, p *part, group cfn.Value) {
	for _, m := range logMetrics(a) {
		for _, pattern := range slices.Sorted(maps.Keys(m.Patterns)) {
			add(p, m.Pos, "MetricFilter"+idPart(m.Name+"/"+pattern), &cfn.MetricFilter{
				LogGroupName:  group,
				FilterPattern: pattern,
				MetricTransformations: []cfn.MetricTransformation{{
					MetricNamespace: logNamespace(a),
					MetricName:      m.Name,
					MetricValue:     m.Patterns[pattern],
				}},
			})
		}
	}
}
