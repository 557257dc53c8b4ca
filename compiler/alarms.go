package compiler

import (
	"fmt"
	"slices"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// alarms makes an alarm for each trigger in the manifest and for each metric of log lines.
func alarms(a appContext, w watched, to alarmTargets, r *report.Report) *part {
	p := &part{}
	for _, t := range a.region.Alarms.Triggers {
		s, ok := w.series(t, r)
		if !ok {
			continue
		}
		alarm := to.alarm(a, t, s)
		alarm.DependsOn = w.notBefore(s)
		add(p, t.Pos, "Alarm"+idPart(t.Name), alarm)
	}
	for _, metric := range logMetrics(a) {
		for _, t := range metric.Alarms {
			s := series{namespace: logNamespace(a), name: metric.Name, dimensions: [][]cfn.Dimension{nil}}
			alarm := to.alarm(a, t, s)
			alarm.DependsOn = w.notBefore(s)
			add(p, t.Pos, "LogAlarm"+idPart(metric.Name+"/"+t.Name), alarm)
		}
	}
	return p
}

// notBefore returns the dependency that creates an alarm after the group. Otherwise it would notify people while the
// first instances boot.
func (w watched) notBefore(s series) []cfn.Resource {
	if s.ofGroup {
		return nil // its dimension refers to the group, so it comes after it
	}
	return []cfn.Resource{w.group}
}

// alarm is an alarm on a metric that goes where its trigger says. CloudFormation names it.
func (d alarmTargets) alarm(a appContext, t schema.Trigger, s series) *cfn.Alarm {
	alarm := measure(t, s)
	alarm.AlarmDescription = fmt.Sprintf("%s of %s: %s %s %v.", t.Name, a.stackName(), t.Metric.Name, t.Comparison, t.Threshold)
	alarm.Tags = a.nameTag()
	for _, name := range t.Endpoints {
		if policy := d.policies[name]; policy != nil {
			alarm.AlarmActions = append(alarm.AlarmActions, policy.Ref())
			continue
		}
		d.tell(alarm, t, name)
	}
	return alarm
}

// tell makes an alarm notify an endpoint's topic of the states in the trigger's notify.
func (d alarmTargets) tell(alarm *cfn.Alarm, t schema.Trigger, endpoint string) {
	topic := d.topics[endpoint].Ref()
	for state, actions := range map[string]*[]cfn.Value{
		"alarm":             &alarm.AlarmActions,
		"ok":                &alarm.OKActions,
		"insufficient_data": &alarm.InsufficientDataActions,
	} {
		if slices.Contains(t.Notify, state) {
			*actions = append(*actions, topic)
		}
	}
}

// comparisons are CloudWatch's names.
var comparisons = map[string]string{
	">":  "GreaterThanThreshold",
	">=": "GreaterThanOrEqualToThreshold",
	"<":  "LessThanThreshold",
	"<=": "LessThanOrEqualToThreshold",
}

// measure is an alarm without actions.
func measure(t schema.Trigger, s series) *cfn.Alarm {
	alarm := &cfn.Alarm{
		ComparisonOperator: comparisons[t.Comparison],
		Threshold:          t.Threshold,
		EvaluationPeriods:  t.Periods,
		TreatMissingData:   t.MissingData,
	}
	// A plain alarm watches exactly one metric. Several are folded into one by metric math.
	if len(s.dimensions) > 1 {
		alarm.Metrics = folded(t, s)
		return alarm
	}
	alarm.Namespace, alarm.MetricName, alarm.Dimensions, alarm.Period = s.namespace, s.name, s.dimensions[0], t.Period
	if plainStatistic(t.Statistic) {
		alarm.Statistic = t.Statistic
	} else {
		alarm.ExtendedStatistic = t.Statistic
	}
	return alarm
}

// plainStatistic says whether a statistic is none of those that CloudWatch calls extended, such as p99.
func plainStatistic(name string) bool {
	return slices.Contains([]string{"Average", "Sum", "Minimum", "Maximum", "SampleCount"}, name)
}

// folded is the least or greatest of several metrics.
func folded(t schema.Trigger, s series) []cfn.MetricDataQuery {
	queries := []cfn.MetricDataQuery{{Id: "all", Expression: s.fold + "(METRICS())", Label: s.name, ReturnData: true}}
	for i, dimensions := range s.dimensions {
		queries = append(queries, cfn.MetricDataQuery{
			Id: fmt.Sprintf("m%d", i+1),
			MetricStat: &cfn.MetricStat{
				Metric: cfn.QueriedMetric{Namespace: s.namespace, MetricName: s.name, Dimensions: dimensions},
				Period: t.Period,
				Stat:   t.Statistic,
			},
		})
	}
	return queries
}
