package temporary

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	compute "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancing "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

// orbit is a region with the table of releases, a group of 2 to 3 instances and a listener.
type orbit struct {
	*testing.T
	region   *cloud.Region
	listener string
}

func newOrbit(t *testing.T) *orbit {
	t.Helper()
	o := &orbit{T: t, region: cloud.New(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"), cloud.Access{}).Region("us-east-1")}
	text := func(name string) *string { return &name }
	cloudtest.MakeTable(t, o.region.DynamoDB(), document.TableName("test", document.ReleasesTable), "kind", "id")
	subnets, err := o.region.EC2().DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	o.check(err)
	_, err = o.region.EC2().CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: text("web"),
		LaunchTemplateData: &compute.RequestLaunchTemplateData{ImageId: text("ami-12c6146b"), InstanceType: compute.InstanceTypeT3Nano}})
	o.check(err)
	_, err = o.region.AutoScaling().CreateAutoScalingGroup(t.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: text("web"), MinSize: count(2), MaxSize: count(3), DesiredCapacity: count(2),
		VPCZoneIdentifier: subnets.Subnets[0].SubnetId,
		LaunchTemplate:    &scaling.LaunchTemplateSpecification{LaunchTemplateName: text("web"), Version: text("1")},
	})
	o.check(err)
	balancer, err := o.region.ELB().CreateLoadBalancer(t.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{Name: text("web"),
		Subnets: []string{*subnets.Subnets[0].SubnetId, *subnets.Subnets[1].SubnetId}})
	o.check(err)
	made, err := o.region.ELB().CreateListener(t.Context(), &elasticloadbalancingv2.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancers[0].LoadBalancerArn, Protocol: balancing.ProtocolEnumHttp, Port: aws.Int32(80),
		DefaultActions: []balancing.Action{{Type: balancing.ActionTypeEnumFixedResponse,
			FixedResponseConfig: &balancing.FixedResponseActionConfig{StatusCode: text("204")}}},
	})
	o.check(err)
	o.listener = *made.Listeners[0].ListenerArn
	return o
}

func (o *orbit) check(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// target is the app, with its change in force.
func (o *orbit) target(kind Kind) Target {
	o.Helper()
	t := Target{Region: "us-east-1", Orbit: "test", App: "web", cloud: o.region, Stack: &live.Stack{
		StackRef: assembly.StackRef{Region: "us-east-1", Name: "test-web"}, Outputs: map[string]string{document.OutputGroup: "web"}}}
	states, err := Read(o.Context(), o.region, "test", "web", "other")
	o.check(err)
	for _, s := range states["web"] {
		if s.Kind == kind {
			t.State = &s
		}
	}
	return t
}

func (o *orbit) sizes() Sizes {
	o.Helper()
	s, err := sizesOf(o.Context(), o.region, "web")
	o.check(err)
	return s
}

func (o *orbit) scale(n int, until *time.Time) {
	o.Helper()
	plan, err := o.target(Scale).PlanScaling(o.Context(), n)
	o.check(err)
	o.check(plan.Apply(o.Context(), until, "ada"))
}

// The scheduled action has the sizes of before the first change, whatever came between, and AWS runs it without spacel.
func TestScale(t *testing.T) {
	o := newOrbit(t)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	o.scale(5, nil)
	o.scale(4, &until)
	if got := o.sizes(); got != (Sizes{4, 4, 4}) {
		t.Errorf("got %+v", got)
	}
	actions, err := o.region.AutoScaling().DescribeScheduledActions(t.Context(),
		&autoscaling.DescribeScheduledActionsInput{AutoScalingGroupName: aws.String("web")})
	o.check(err)
	if len(actions.ScheduledUpdateGroupActions) != 1 {
		t.Fatalf("got %+v", actions.ScheduledUpdateGroupActions)
	}
	a := actions.ScheduledUpdateGroupActions[0]
	if !a.StartTime.Equal(until) || *a.MinSize != 2 || *a.MaxSize != 3 || *a.DesiredCapacity != 2 || a.Recurrence != nil {
		t.Errorf("got %+v", a)
	}
	o.check(o.target(Scale).End(t.Context()))
	if got := o.sizes(); got != (Sizes{2, 3, 2}) || o.target(Scale).State != nil {
		t.Errorf("afterwards %+v", got)
	}
	actions, err = o.region.AutoScaling().DescribeScheduledActions(t.Context(),
		&autoscaling.DescribeScheduledActionsInput{AutoScalingGroupName: aws.String("web")})
	if err != nil || len(actions.ScheduledUpdateGroupActions) != 0 {
		t.Errorf("left: %v %v", actions.ScheduledUpdateGroupActions, err)
	}
}

// Sizes that a deploy set in between stay.
func TestScaleAfterAnUpdate(t *testing.T) {
	o := newOrbit(t)
	o.scale(5, nil)
	o.check(resize(t.Context(), o.region, "web", Sizes{1, 4, 4}))
	o.check(o.target(Scale).End(t.Context()))
	if got := o.sizes(); got != (Sizes{1, 4, 4}) {
		t.Errorf("got %+v", got)
	}
}

// The rule comes first and is deleted by a schedule, which may be gone when somebody ends the change.
func TestMaintenance(t *testing.T) {
	o := newOrbit(t)
	until := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	plan := Closing{Target: o.target(Maintenance), Listeners: []string{o.listener}, role: "arn:aws:iam::123456789012:role/end"}
	o.check(plan.Apply(t.Context(), Answer{503, "<p>later</p>"}, &until, "ada"))
	state := o.target(Maintenance).State
	rules := o.rules()
	if len(rules) != 2 || aws.ToString(rules[0].Priority) != "1" || state.Rules[0].ARN != *rules[0].RuleArn {
		t.Fatalf("got %+v, %+v", rules, state)
	}
	answer := rules[0].Actions[0].FixedResponseConfig
	if *answer.StatusCode != "503" || *answer.ContentType != "text/html" || *answer.MessageBody != "<p>later</p>" {
		t.Errorf("got %+v", answer)
	}
	planned, err := o.region.Scheduler().GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: &state.Rules[0].Schedule})
	o.check(err)
	var input map[string]string
	o.check(json.Unmarshal([]byte(*planned.Target.Input), &input))
	if diff := cmp.Diff(map[string]string{"RuleArn": *rules[0].RuleArn}, input); diff != "" ||
		*planned.ScheduleExpression != "at(2031-02-03T04:05:06)" || planned.ActionAfterCompletion != "DELETE" ||
		*planned.Target.Arn != "arn:aws:scheduler:::aws-sdk:elasticloadbalancingv2:deleteRule" {
		t.Errorf("got %+v %s", planned, diff)
	}
	// As AWS does at the time.
	_, err = o.region.ELB().DeleteRule(t.Context(), &elasticloadbalancingv2.DeleteRuleInput{RuleArn: rules[0].RuleArn})
	o.check(err)
	_, err = o.region.Scheduler().DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: &state.Rules[0].Schedule})
	o.check(err)
	o.check(o.target(Maintenance).End(t.Context()))
	if rules := o.rules(); len(rules) != 1 || o.target(Maintenance).State != nil {
		t.Errorf("left: %+v", rules)
	}
}

func (o *orbit) rules() []balancing.Rule {
	out, err := o.region.ELB().DescribeRules(o.Context(), &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &o.listener})
	o.check(err)
	return out.Rules
}

// A record that spacel cannot read is an error and not an app without changes. So is a missing table.
func TestRecordsOfOthers(t *testing.T) {
	o := newOrbit(t)
	for body, want := range map[string]string{
		`{"format": 2, "kind": "scale", "app": "web"}`: "a record has format 2, and this spacel knows 1",
		`nonsense`: "a record of the table is not one of spacel's",
	} {
		item := key("web", Scale)
		item[stateBody] = &types.AttributeValueMemberS{Value: body}
		_, err := o.region.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("test-releases"), Item: item})
		o.check(err)
		if _, err := Read(t.Context(), o.region, "test", "web"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := Read(t.Context(), o.region, "old", "web"); err == nil ||
		!strings.Contains(err.Error(), "does not exist: deploy old-tables with this spacel first") {
		t.Errorf("got %v", err)
	}
}
