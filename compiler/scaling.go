package compiler

import (
	"math"
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// firstSize returns the number of instances of a new group.
func firstSize(app *schema.AppRegion) int {
	if app.InstanceDesired != nil {
		return *app.InstanceDesired
	}
	return app.InstanceMin
}

// scaling makes the policies and schedules that change the group's size. Endpoints of alarms make others, see simpleScaling.
func scaling(a appContext, w watched, r *report.Report) *part {
	p := &part{}
	if !a.region.FixedSize() { // with a fixed size they do nothing, and schema has warned
		for _, t := range a.region.Scaling.Targets {
			targetTracking(p, w, t, r)
		}
		for _, s := range a.region.Scaling.Steps {
			stepScaling(a, p, w, s, r)
		}
	}
	for _, s := range a.region.Scaling.Schedules {
		add(p, s.Pos, "Schedule"+idPart(s.Name), &cfn.ScheduledAction{
			AutoScalingGroupName: w.group.Ref(),
			Recurrence:           s.Cron,
			TimeZone:             s.TimeZone,
			MinSize:              s.Min,
			MaxSize:              s.Max,
			DesiredCapacity:      s.Desired,
		})
	}
	return p
}

// simpleScaling makes the policy of an alarm's endpoint. It changes the group once, then ignores alarms until the
// cooldown is over.
func simpleScaling(p *part, e schema.Endpoint, group *cfn.AutoScalingGroup) *cfn.ScalingPolicy {
	digits, percent := strings.CutSuffix(e.Adjustment, "%")
	by, _ := strconv.Atoi(digits)
	policy := adjusting(group, "SimpleScaling", percent)
	policy.ScalingAdjustment = by
	policy.Cooldown = strconv.Itoa(e.Cooldown)
	return add(p, e.Pos, "ScalingPolicy"+idPart(e.Name), policy)
}

// adjusting is a policy that changes the number of instances by a number or by percent, then by one at least.
func adjusting(group *cfn.AutoScalingGroup, kind string, percent bool) *cfn.ScalingPolicy {
	policy := &cfn.ScalingPolicy{AutoScalingGroupName: group.Ref(), PolicyType: kind, AdjustmentType: "ChangeInCapacity"}
	if percent {
		policy.AdjustmentType, policy.MinAdjustmentMagnitude = "PercentChangeInCapacity", 1
	}
	return policy
}

// stepScaling makes an alarm and a policy. The policy's steps depend on the distance of the metric from the alarm's threshold.
func stepScaling(a appContext, p *part, w watched, s schema.StepScaling, r *report.Report) {
	watch, ok := w.series(s.Trigger, r)
	if !ok {
		return
	}
	id := "Above" + idPart(s.Name)
	if s.Comparison[0] == '<' {
		id = "Below" + idPart(s.Name)
	}
	policy := adjusting(w.group, "StepScaling", s.Percent)
	policy.StepAdjustments = stepAdjustments(s)
	add(p, s.Pos, "StepPolicy"+id, policy)
	to := alarmTargets{policies: map[string]*cfn.ScalingPolicy{s.Name: policy}}
	t := s.Trigger
	t.Endpoints = []string{s.Name}
	alarm := to.alarm(a, t, watch)
	add(p, s.Pos, "StepAlarm"+id, alarm)
}

// stepAdjustments are a policy's steps, each until the next one begins. Bounds are distances from the threshold: positive
// above and negative below it.
func stepAdjustments(s schema.StepScaling) []cfn.StepAdjustment {
	var steps []cfn.StepAdjustment
	for i, step := range s.Steps {
		// A nil bound is open: the last step has no end.
		near, far := distance(step, s), (*float64)(nil)
		if i+1 < len(s.Steps) {
			far = distance(s.Steps[i+1], s)
		}
		adjustment := cfn.StepAdjustment{MetricIntervalLowerBound: near, MetricIntervalUpperBound: far, ScalingAdjustment: step.By}
		if s.Comparison[0] == '<' {
			adjustment.MetricIntervalLowerBound, adjustment.MetricIntervalUpperBound = far, near
		}
		steps = append(steps, adjustment)
	}
	return steps
}

// distance rounds away binary fractions: 0.3 - 0.1 would give 0.19999999999999998.
func distance(step schema.Step, s schema.StepScaling) *float64 {
	const precision = 1e9
	d := math.Round((step.From-s.Threshold)*precision) / precision
	return &d
}

// predefined maps the manifest's words to AWS's metrics for target tracking.
var predefined = map[string]string{
	"cpu":         "ASGAverageCPUUtilization",
	"network_in":  "ASGAverageNetworkIn",
	"network_out": "ASGAverageNetworkOut",
	"requests":    "ALBRequestCountPerTarget",
}

// targetTracking makes a policy for which AWS itself creates and deletes the alarms. They are not in the template, so diff and plan
// do not show them.
func targetTracking(p *part, w watched, t schema.ScalingTarget, r *report.Report) {
	tracking := &cfn.TargetTracking{TargetValue: t.Value, DisableScaleIn: !t.ScaleIn}
	var after []cfn.Resource
	switch t.Metric {
	case "memory":
		tracking.CustomizedMetricSpecification = w.memory()
	case "requests":
		label := w.requestLabel(t, r)
		if label == nil {
			return
		}
		tracking.PredefinedMetricSpecification = &cfn.PredefinedMetric{PredefinedMetricType: predefined[t.Metric], ResourceLabel: label}
		after = w.balancer.listeners // only they tie the target group to the balancer
	default:
		tracking.PredefinedMetricSpecification = &cfn.PredefinedMetric{PredefinedMetricType: predefined[t.Metric]}
	}
	add(p, t.Pos, "TargetPolicy"+idPart(t.Name), &cfn.ScalingPolicy{
		Attributes:           cfn.Attributes{DependsOn: after},
		AutoScalingGroupName: w.group.Ref(),
		PolicyType:           "TargetTrackingScaling",

		TargetTrackingConfiguration: tracking,
	})
}

// memory is the agent's metric of memory in use, as target tracking takes a metric that AWS does not predefine.
func (w watched) memory() *cfn.CustomizedMetric {
	s := w.ofSystem(document.StatMemory)
	return &cfn.CustomizedMetric{Namespace: s.namespace, MetricName: s.name, Dimensions: s.dimensions[0], Statistic: "Average"}
}

// requestLabel names the balancer and the target group whose requests count, as AWS wants it (EC2 Auto Scaling API Reference,
// PredefinedMetricSpecification). It is nil when there is no such thing, which is reported.
func (w watched) requestLabel(t schema.ScalingTarget, r *report.Report) cfn.Value {
	if w.plan.kind != application {
		r.Errorf(t.At("metric"), "requests are counted by a load balancer whose public ports are all HTTP or HTTPS, which the app does "+
			"not have")
		return nil
	}
	group := w.countedTargets(t, r)
	if group == nil {
		return nil
	}
	return cfn.Sub(w.balancer.balancer.LoadBalancerFullName(), cfn.String("/"), group.TargetGroupFullName())
}

// countedTargets is the target group for a target's port. Without a port it is the only target group.
func (w watched) countedTargets(t schema.ScalingTarget, r *report.Report) *cfn.TargetGroup {
	if t.Port == 0 {
		if len(w.balancer.targets) == 1 {
			return w.balancer.targets[0]
		}
		r.Errorf(t.At("port"), "is missing: the public ports lead to %d ports of the instances, so name the public port whose requests "+
			"count", len(w.balancer.targets))
		return nil
	}
	for _, route := range w.plan.routes {
		if route.port.Port == t.Port && route.target != (target{}) {
			return w.balancer.groupOf[route.target]
		}
	}
	r.Errorf(t.At("port"), "must be a public port that leads to the instances, got %d", t.Port)
	return nil
}
