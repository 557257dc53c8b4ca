package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// alarm is what CloudWatch publishes when an alarm changes its state. A composite alarm has no trigger.
type alarm struct {
	AlarmName        string
	AlarmDescription string
	AlarmArn         string
	AWSAccountId     string
	Region           string // as people call it: US East (N. Virginia)
	OldStateValue    string
	NewStateValue    string // OK, ALARM or INSUFFICIENT_DATA
	NewStateReason   string
	StateChangeTime  string // 2017-01-12T16:30:42.236+0000
	Trigger          trigger
}

// trigger is a metric and its condition, or the parts of a computed metric.
type trigger struct {
	Namespace          string
	MetricName         string
	Dimensions         []dimension
	Statistic          string // in capitals
	ExtendedStatistic  string // a percentile
	Metrics            []metric
	ComparisonOperator string
	Threshold          *float64
	Period             int // seconds
	EvaluationPeriods  int
	DatapointsToAlarm  int
}

// dimension is one dimension of a metric. CloudWatch writes these two names in lower case, unlike all others.
type dimension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// metric is a part of a computed metric: one of CloudWatch's, or an expression. The part with returned data is compared
// to the threshold.
type metric struct {
	Expression string
	Label      string
	ReturnData bool
	MetricStat struct {
		Metric struct{ Namespace, MetricName string }
	}
}

// what describes the metric by its label, expression and name, as far as there are any.
func (m metric) what() string {
	of := m.MetricStat.Metric
	return strings.Join(strings.Fields(strings.Join([]string{m.Label, m.Expression, of.Namespace, of.MetricName}, " ")), " ")
}

// parseAlarm reads a message of a topic. Others than CloudWatch publish too.
func parseAlarm(message string) (alarm, bool) {
	var a alarm
	var odd *json.UnmarshalTypeError // one odd field spoils no other
	if err := json.Unmarshal([]byte(message), &a); err != nil && !errors.As(err, &odd) {
		return alarm{}, false
	}
	return a, a.AlarmName != "" && a.NewStateValue != ""
}

// what describes the metric.
func (t trigger) what() string {
	if t.MetricName != "" {
		return strings.TrimSpace(t.Namespace + " " + t.MetricName)
	}
	for _, m := range t.Metrics {
		if m.ReturnData {
			return m.what()
		}
	}
	return ""
}

// of returns the dimensions of the metric, one on a line.
func (t trigger) of() string {
	var lines []string
	for _, d := range t.Dimensions {
		lines = append(lines, d.Name+": "+d.Value)
	}
	return strings.Join(lines, "\n")
}

// statistics are CloudWatch's, which it publishes in capitals.
var statistics = map[string]string{"AVERAGE": "Average", "SUM": "Sum", "MAXIMUM": "Maximum", "MINIMUM": "Minimum",
	"SAMPLE_COUNT": "Sample count"}

// comparisons are CloudWatch's, with a threshold or with a band.
var comparisons = map[string]string{
	"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
	"GreaterThanUpperThreshold": "above the band", "LessThanLowerThreshold": "below the band",
	"LessThanLowerOrGreaterThanUpperThreshold": "outside the band",
}

// condition is when the alarm goes off: Average > 85, 2 of 3 periods of 60 s.
func (t trigger) condition() string {
	if t.ComparisonOperator == "" {
		return ""
	}
	statistic := t.ExtendedStatistic
	if statistic == "" {
		statistic = cmp.Or(statistics[t.Statistic], t.Statistic)
	}
	parts := []string{statistic, cmp.Or(comparisons[t.ComparisonOperator], t.ComparisonOperator)}
	if t.Threshold != nil {
		parts = append(parts, strconv.FormatFloat(*t.Threshold, 'f', -1, 64))
	}
	return strings.TrimSpace(strings.Join(parts, " ")) + t.periods()
}

// periods completes condition by the number and length of periods. M of N is only shown if M differs from N.
func (t trigger) periods() string {
	if t.EvaluationPeriods == 0 {
		return ""
	}
	count := strconv.Itoa(t.EvaluationPeriods)
	if t.DatapointsToAlarm != 0 && t.DatapointsToAlarm != t.EvaluationPeriods {
		count = fmt.Sprintf("%d of %d", t.DatapointsToAlarm, t.EvaluationPeriods)
	}
	noun := "periods"
	if t.EvaluationPeriods == 1 {
		noun = "period"
	}
	if t.Period == 0 {
		return fmt.Sprintf(", %s %s", count, noun)
	}
	return fmt.Sprintf(", %s %s of %d s", count, noun, t.Period)
}

// when is the time of the change, and whether it could be read.
func (a alarm) when() (time.Time, bool) {
	t, err := time.Parse("2006-01-02T15:04:05.999Z0700", a.StateChangeTime)
	return t, err == nil
}
