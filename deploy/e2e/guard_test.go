package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// guarded is an app whose releases an alarm guards, and its image.
func guarded(alarm, image string) string {
	return fmt.Sprintf(`{"name": "web", "all": {"elb_availability": "disabled", "services": {"web": {"image": %q}},
		"release": {"watch": "10m", "alarms": [%q]}}}`, image, alarm)
}

// triggers is the guard that CloudFormation keeps with a stack: the names of alarms, and the minutes.
func (w *awsEnv) triggers(stack string) string {
	w.Helper()
	out, err := cloudformation.NewFromConfig(w.config("us-east-1")).DescribeStacks(w.Context(),
		&cloudformation.DescribeStacksInput{StackName: &stack})
	w.fatal(err)
	c := out.Stacks[0].RollbackConfiguration
	if c == nil {
		return "none"
	}
	var names []string
	for _, t := range c.RollbackTriggers {
		arn := aws.ToString(t.Arn)
		names = append(names, arn[strings.LastIndexByte(arn, ':')+1:])
	}
	return fmt.Sprintf("%v %d", names, aws.ToInt32(c.MonitoringTimeInMinutes))
}

// The guard of releases against an AWS by others, with an alarm of no stack, named by its ARN. The alarm's state is read before the
// change set is executed, and the triggers travel with the change set.
func TestGuardedReleases(t *testing.T) {
	t.Parallel()
	w := newEmulatorEnv(t, cloudtest.Ministack(t))
	alarms := cloudwatch.NewFromConfig(w.config("us-east-1"))
	_, err := alarms.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("errors"),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, EvaluationPeriods: aws.Int32(1), Period: aws.Int32(60),
		MetricName: aws.String("Errors"), Namespace: aws.String("shop"), Statistic: types.StatisticSum, Threshold: aws.Float64(5)})
	w.fatal(err)
	set := func(state types.StateValue) {
		t.Helper()
		_, err := alarms.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: state,
			StateReason: aws.String("Threshold Crossed: 9 > 5")})
		w.fatal(err)
	}
	arn := "arn:aws:cloudwatch:us-east-1:" + cloudtest.Account(t) + ":alarm:errors"
	manifests := map[string]string{"orbit.json": `{"name": "test", "regions": ["us-east-1"],
		"all": {"domain": "example.com", "bastion_instance_count": 0}}`, "web.json": guarded(arn, "example/web:1")}
	release := func(app string) string {
		manifests["web.json"] = app
		return build(t, manifests)
	}
	// refused deploys an app, which must be refused before anything is executed.
	refused := func(app, why string) {
		t.Helper()
		calls := w.recorded()
		_, err := w.deploy(release(app))
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v\nis not %s", err, why)
		}
		for _, c := range calls.Seen() {
			if c.Action == "cloudformation:ExecuteChangeSet" {
				t.Error("it was executed")
			}
		}
	}
	want := func(triggers string) {
		t.Helper()
		if got := w.triggers("test-web"); got != triggers {
			t.Errorf("the stack has the triggers %s, want %s", got, triggers)
		}
	}
	w.step("first", func() {
		w.mustDeploy(release(guarded(arn, "example/web:1")))
		want("[] 0")
	})
	w.step("guarded", func() {
		set(types.StateValueOk)
		w.wantOutcome(w.mustDeploy(release(guarded(arn, "example/web:2"))), activity.WasUpdated, 1)
		want("[errors] 10")
	})
	w.step("on", func() {
		set(types.StateValueAlarm)
		refused(guarded(arn, "example/web:3"), "which guards releases, is on since ")
		want("[errors] 10")
	})
	w.step("ignored", func() {
		w.options = func(o *deploy.Options) { o.IgnoreAlarms = []string{arn} }
		w.wantOutcome(w.mustDeploy(release(guarded(arn, "example/web:3"))), activity.WasUpdated, 1)
		want("[] 0")
		w.options = nil
	})
	w.step("missing", func() {
		_, err := alarms.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"errors"}})
		w.fatal(err)
		refused(guarded(arn, "example/web:4"), "which guards releases, does not exist in us-east-1 (errors)")
	})
	w.step("without a guard", func() {
		plain := strings.Replace(guarded(arn, "example/web:5"), `,
		"release": {"watch": "10m", "alarms": ["`+arn+`"]}`, "", 1)
		w.wantOutcome(w.mustDeploy(release(plain)), activity.WasUpdated, 1)
		want("[] 0")
	})
}
