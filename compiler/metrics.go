package compiler

import (
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// watched holds the resources whose metrics an app's alarms may watch.
type watched struct {
	app      appContext
	plan     balancing
	balancer loadBalancer
	group    *cfn.AutoScalingGroup
}

// series are the metrics of CloudWatch that stand for one of the manifest: one, or one for each target group, of which fold
// (MIN or MAX) is taken.
type series struct {
	namespace  string
	name       string
	dimensions [][]cfn.Dimension
	fold       string
	ofGroup    bool // its dimension is the group
}

// series finds CloudWatch's metric for a trigger. If there is none, it reports that and returns false.
func (w watched) series(t schema.Trigger, r *report.Report) (series, bool) {
	kind, name, _ := strings.Cut(t.Metric.Name, "/")
	switch {
	case t.Metric.Namespace != "":
		return custom(t.Metric), true
	case kind == "EC2" && t.Metric.OfVolumes:
		return w.ofGroup("AWS/EC2", "EBS"+strings.TrimPrefix(name, "Disk")), true
	case kind == "EC2":
		return w.ofGroup("AWS/EC2", name), true
	case kind == "System":
		return w.ofSystem(name), true
	}
	return w.ofBalancer(t, r)
}

// custom is a metric with an explicit namespace. Its dimensions are sorted, so that map order never changes the
// template.
func custom(m schema.Metric) series {
	var dimensions []cfn.Dimension
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		dimensions = append(dimensions, cfn.Dimension{Name: name, Value: cfn.String(m.Dimensions[name])})
	}
	return series{namespace: m.Namespace, name: m.Name, dimensions: [][]cfn.Dimension{dimensions}}
}

// ofGroup is a metric with the auto scaling group as dimension.
func (w watched) ofGroup(namespace, name string, more ...cfn.Dimension) series {
	dimensions := append([]cfn.Dimension{{Name: document.StatsGroupDimension, Value: w.group.Ref()}}, more...)
	return series{namespace: namespace, name: name, dimensions: [][]cfn.Dimension{dimensions}, ofGroup: true}
}

// ofSystem is one of the metrics that the agent publishes when the manifest asks for cw_stats. Disk use has dimensions of
// its own.
func (w watched) ofSystem(name string) series {
	if name != document.StatDisk {
		return w.ofGroup(w.app.statsNamespace(), name)
	}
	return w.ofGroup(w.app.statsNamespace(), name,
		cfn.Dimension{Name: document.StatsFilesystemDimension, Value: cfn.String(document.StatsRootFilesystem)},
		cfn.Dimension{Name: document.StatsMountDimension, Value: cfn.String(document.StatsRootMount)})
}

// balancerMetric maps a metric of the 2016 tool's classic load balancer to an ALB's and an NLB's metric. "" means that
// this kind of balancer has no such metric.
type balancerMetric struct {
	application, network string
	fold                 string // of the target groups' metrics, which there are in place of the balancer's
	instead              string // the difference to the classic metric, for a warning
}

// refused explains the substitute for queue metrics. ALBs and NLBs have no queue: they refuse a connection at once if
// they cannot serve it.
const refused = "ALBs and NLBs have no queue: the alarm watches refused connections instead; write ELB/RejectedConnectionCount"

// balancerMetrics are the metrics of ALBs (ELB User Guide, "CloudWatch metrics for your Application Load Balancer") and NLBs
// ("CloudWatch metrics for your Network Load Balancer").
var balancerMetrics = map[string]balancerMetric{
	"HealthyHostCount":        {application: "HealthyHostCount", network: "HealthyHostCount", fold: "MIN"},
	"UnHealthyHostCount":      {application: "UnHealthyHostCount", network: "UnHealthyHostCount", fold: "MAX"},
	"BackendConnectionErrors": {application: "TargetConnectionErrorCount"},
	"Latency":                 {application: "TargetResponseTime"},
	"RequestCount":            {application: "RequestCount"},
	"SpilloverCount":          {application: "RejectedConnectionCount", network: "RejectedFlowCount", instead: refused},
	"SurgeQueueLength":        {application: "RejectedConnectionCount", network: "RejectedFlowCount", instead: refused},
	"RejectedConnectionCount": {application: "RejectedConnectionCount", network: "RejectedFlowCount"},
	"HTTPCode_Backend_2XX":    {application: "HTTPCode_Target_2XX_Count"},
	"HTTPCode_Backend_3XX":    {application: "HTTPCode_Target_3XX_Count"},
	"HTTPCode_Backend_4XX":    {application: "HTTPCode_Target_4XX_Count"},
	"HTTPCode_Backend_5XX":    {application: "HTTPCode_Target_5XX_Count"},
	"HTTPCode_ELB_4XX":        {application: "HTTPCode_ELB_4XX_Count"},
	"HTTPCode_ELB_5XX":        {application: "HTTPCode_ELB_5XX_Count"},
	"ProcessedBytes":          {application: "ProcessedBytes", network: "ProcessedBytes"},
	"NewFlowCount":            {network: "NewFlowCount"},
	"ActiveFlowCount":         {network: "ActiveFlowCount"},
}

// ofBalancer is a metric of the app's load balancer, by the classic one's name.
func (w watched) ofBalancer(t schema.Trigger, r *report.Report) (series, bool) {
	_, name, _ := strings.Cut(t.Metric.Name, "/")
	known := balancerMetrics[name]
	s := series{namespace: "AWS/ApplicationELB", name: known.application, fold: known.fold}
	if w.plan.kind == networkBalancer {
		s.namespace, s.name = "AWS/NetworkELB", known.network
	}
	switch {
	case w.balancer.balancer == nil:
		r.Errorf(t.At("metric"), "%s is a metric of a load balancer, and the app has none", t.Metric.Name)
		return s, false
	case s.name == "":
		r.Errorf(t.At("metric"), "%s: the app's %s has no such metric; it has %s", t.Metric.Name, w.plan.kind.words(),
			w.plan.kind.metrics())
		return s, false
	case known.instead != "":
		r.Warnf(t.At("metric"), "%s", known.instead)
	}
	balancer := cfn.Dimension{Name: "LoadBalancer", Value: w.balancer.balancer.LoadBalancerFullName()}
	if known.fold == "" {
		s.dimensions = [][]cfn.Dimension{{balancer}}
		return s, true
	}
	return w.ofTargets(s, balancer, t, r)
}

// ofTargets is a metric that each target group has of its own: all hold the same instances.
func (w watched) ofTargets(s series, balancer cfn.Dimension, t schema.Trigger, r *report.Report) (series, bool) {
	for _, target := range w.balancer.targets {
		s.dimensions = append(s.dimensions, []cfn.Dimension{balancer, {Name: "TargetGroup", Value: target.TargetGroupFullName()}})
	}
	if n := len(s.dimensions); n == 0 || n > maxAlarmMetrics-1 {
		r.Errorf(t.At("metric"), "CloudWatch can watch the health of 1 to %d ports of instances in one alarm, got %d", maxAlarmMetrics-1, n)
		return s, false
	}
	return s, true
}

// maxAlarmMetrics is how many metrics and expressions one alarm may have (CloudWatch User Guide, "CloudWatch service quotas").
const maxAlarmMetrics = 10

// words is the kind of balancer in messages.
func (k balancerKind) words() string {
	if k == networkBalancer {
		return "network load balancer"
	}
	return "HTTP load balancer"
}

// metrics lists the kind's metrics that need no substitute, for an error message.
func (k balancerKind) metrics() string {
	var names []string
	for name, known := range balancerMetrics {
		if known.instead == "" && (k == networkBalancer && known.network != "" || k == application && known.application != "") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
