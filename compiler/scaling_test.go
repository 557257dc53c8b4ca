package compiler

import (
	"testing"

	"github.com/pebble/spacel/schema"
)

func scaled(s schema.Scaling) appChange {
	return func(app *schema.AppRegion) { app.Scaling = s }
}

func steps(comparison string, threshold float64, all ...schema.Step) schema.StepScaling {
	t := trigger("load", "EC2/CPUUtilization")
	t.Comparison, t.Threshold = comparison, threshold
	return schema.StepScaling{Trigger: t, Steps: all}
}

// The steps of a policy meet without a gap, the last one is open, and their bounds are distances from the threshold.
func TestStepsMeet(t *testing.T) {
	v := lower(t, scaled(schema.Scaling{Steps: []schema.StepScaling{
		steps(">", 0.1, schema.Step{From: 0.1, By: 1}, schema.Step{From: 0.3, By: 2}, schema.Step{From: 9, By: 4}),
		steps("<=", 0, schema.Step{From: 0, By: -1}, schema.Step{From: -2.5, By: -3}),
	}}))
	v.has("StepPolicyAboveLoad", "StepAdjustments", `[{"MetricIntervalLowerBound":0,"MetricIntervalUpperBound":0.2,"ScalingAdjustment":1},`+
		`{"MetricIntervalLowerBound":0.2,"MetricIntervalUpperBound":8.9,"ScalingAdjustment":2},{"MetricIntervalLowerBound":8.9,`+
		`"ScalingAdjustment":4}]`)
	v.has("StepPolicyBelowLoad", "StepAdjustments",
		`[{"MetricIntervalLowerBound":-2.5,"MetricIntervalUpperBound":0,"ScalingAdjustment":-1},`+
			`{"MetricIntervalUpperBound":-2.5,"ScalingAdjustment":-3}]`)
	v.has("StepAlarmAboveLoad", "AlarmActions", `[{"Ref":"StepPolicyAboveLoad"}]`)
	v.has("StepAlarmBelowLoad", "AlarmActions", `[{"Ref":"StepPolicyBelowLoad"}]`)
	v.has("StepAlarmBelowLoad", "OKActions", "")
}

func requests(port int) appChange {
	return scaled(schema.Scaling{Targets: []schema.ScalingTarget{{
		Node: at("web.json", 40, "all.scaling.targets.load"), Name: "load", Metric: "requests", Value: 100, Port: port, ScaleIn: true,
	}}})
}

// Requests are those of one target group: the only one, or that of the port that is named.
func TestWhoseRequestsCount(t *testing.T) {
	v := lower(t, requests(0))
	label := func(group string) string {
		return `{"PredefinedMetricType":"ALBRequestCountPerTarget","ResourceLabel":{"Fn::Sub":"${PublicBalancer.LoadBalancerFullName}/${` +
			group + `.TargetGroupFullName}"}}`
	}
	metric := func(v *stackView) string {
		return v.get("Resources", "TargetPolicyLoad", "Properties", "TargetTrackingConfiguration", "PredefinedMetricSpecification")
	}
	if got := metric(v); got != label("PublicTargetsHTTP80") {
		t.Error(got)
	}
	if after := v.get("Resources", "TargetPolicyLoad", "DependsOn"); after != `["PublicListener80"]` {
		t.Errorf("does not wait for the listener: %s", after)
	}
	two := ports(testPort(80, "HTTP", anyone()), testPort(81, "HTTP", anyone()))
	if got := metric(lower(t, two, requests(81))); got != label("PublicTargetsHTTP81") {
		t.Error(got)
	}
	orbit := testOrbit("us-east-1")
	build(t, orbit, testApp(orbit, "web", two, requests(0))).reported("load.port", "is missing", "2 ports")
	build(t, orbit, testApp(orbit, "web", two, requests(82))).reported("load.port", "got 82")
	build(t, orbit, testApp(orbit, "web", ports(testPort(4000, "TCP", anyone())), requests(0))).reported("load.metric", "HTTP or HTTPS")
}

// The group begins with as many instances as the manifest says, and CloudFormation waits for them.
func TestDesired(t *testing.T) {
	four, none := 4, 0
	sized := func(desired *int) *stackView {
		return lower(t, size(1, 6, schema.Rolling),
			func(app *schema.AppRegion) { app.InstanceDesired, app.InstanceWarmup = desired, desired })
	}
	v := sized(&four)
	v.has("Asg", "DesiredCapacity", `"4"`)
	v.has("Asg", "DefaultInstanceWarmup", "4")
	if got := v.get("Resources", "Asg", "CreationPolicy", "ResourceSignal", "Count"); got != "4" {
		t.Errorf("waits for %s", got)
	}
	v = sized(&none)
	v.has("Asg", "DesiredCapacity", `"0"`)
	v.has("Asg", "DefaultInstanceWarmup", "0")
	if got := v.get("Resources", "Asg", "CreationPolicy"); got != "" {
		t.Errorf("waits for %s", got)
	}
	v = sized(nil)
	v.has("Asg", "DesiredCapacity", "")
	v.has("Asg", "DefaultInstanceWarmup", "")
}
