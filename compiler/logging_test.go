package compiler

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

func dockerLogs(metrics ...schema.LogMetric) appChange {
	return func(app *schema.AppRegion) {
		app.Logging.Docker = &schema.DockerLogging{Node: at("web.json", 50, "all.logging.docker"), Retention: 7, Metrics: metrics}
	}
}

// The agent is told of the groups that are there, and may write to them alone.
func TestLogGroups(t *testing.T) {
	v := lower(t, dockerLogs(), func(app *schema.AppRegion) {
		app.Logging.Node = at("web.json", 48, "all.logging", "deploy")
		app.Logging.Deploy.Retention = 90
	})
	if to := v.document().Logging; to == nil || to.Docker != "${DockerLogGroup}" || to.Deploy != "${DeployLogGroup}" {
		t.Errorf("%+v", to)
	}
	v.has("DockerLogGroup", "RetentionInDays", "7")
	v.has("DeployLogGroup", "RetentionInDays", "90")
	policy := v.property("AgentPolicy", "PolicyDocument")
	for _, id := range []string{"DockerLogGroup", "DeployLogGroup"} {
		if !strings.Contains(policy, `"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow",`+
			`"Resource":[{"Fn::GetAtt":["`+id+`","Arn"]}]`) {
			t.Errorf("%s cannot be written to", id)
		}
	}
	v = lower(t)
	if v.document().Logging != nil || len(v.resources("AWS::Logs::LogGroup", "")) > 0 {
		t.Error("there is a log group that nobody asked for")
	}
}

// Patterns that differ only in signs, and alarms of one name, keep apart.
func TestLogMetricsStayApart(t *testing.T) {
	many := trigger("many", "errors", "ops")
	v := lower(t, alarmed(ops(), trigger("many", "EC2/CPUUtilization", "ops")), dockerLogs(
		schema.LogMetric{Name: "errors", Patterns: map[string]string{"[ms > 4]": "1", "[ms < 4]": "2", "[ms = 4]": "3"},
			Alarms: []schema.Trigger{many}},
		schema.LogMetric{Name: "errors-many", Patterns: map[string]string{"many": "1"}, Alarms: []schema.Trigger{many}},
		schema.LogMetric{Name: "err", Patterns: map[string]string{"ors": "1"}},
	))
	if filters := v.resources("AWS::Logs::MetricFilter", ""); len(filters) != 5 {
		t.Errorf("%q", filters)
	}
	alarms := v.resources("AWS::CloudWatch::Alarm", "")
	if len(alarms) != 3 || len(v.resources("AWS::CloudWatch::Alarm", "LogAlarm")) != 2 {
		t.Errorf("%q", alarms)
	}
	for _, id := range v.resources("AWS::CloudWatch::Alarm", "LogAlarm") {
		v.has(id, "Namespace", `"LogMetrics/web/test"`)
	}
}

// Long names give ids that CloudFormation takes.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("a", 254)
	orbit := testOrbit("us-east-1")
	one, other := trigger(long+"b", "EC2/CPUUtilization", long), trigger(long+"c", "EC2/CPUUtilization", long)
	build(t, orbit, testApp(orbit, "web", alarmed([]schema.Endpoint{testEndpoint(long, "pagerduty")}, one, other),
		dockerLogs(schema.LogMetric{Name: long, Patterns: map[string]string{strings.Repeat("x", 1024): "1"},
			Alarms: []schema.Trigger{one, other}}))).silent()
}
