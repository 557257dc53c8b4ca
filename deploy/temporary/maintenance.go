package temporary

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// The fixed answer is a rule of each listener. A rule is no part of the stack, so CloudFormation neither removes it in an update nor
// takes it for a change of the listener. Deleting the listener, as an update of ports may do, deletes its rules, too.

// Closing is the change of an app's load balancer in one region to a fixed answer.
type Closing struct {
	Target
	Listeners []string // ARNs
	role      string   // of the scheduler; empty in an orbit of before
}

// firstRule is the priority of the rule: it comes before every other one.
const firstRule = 1

// PlanClosing finds the listeners. Only a load balancer for HTTP can answer by itself, and only if no other rule comes first.
func (t Target) PlanClosing(ctx context.Context, stacks *live.Stacks) (Closing, error) {
	c := Closing{Target: t}
	resources, err := stacks.Resources(ctx, t.Stack)
	if err != nil {
		return c, err
	}
	// An app has one load balancer, whatever its number of ports.
	balancer := ""
	for _, r := range resources {
		if r.Type == "AWS::ElasticLoadBalancingV2::LoadBalancer" {
			balancer = r.PhysicalID
		}
	}
	if balancer == "" {
		return c, fmt.Errorf("app %s has no load balancer in %s, so nothing could answer in its place", t.App, t.Region)
	}
	listeners, err := t.listeners(ctx, balancer)
	if err != nil {
		return c, err
	}
	for _, listener := range listeners {
		if listener.Protocol != types.ProtocolEnumHttp && listener.Protocol != types.ProtocolEnumHttps {
			return c, fmt.Errorf("the load balancer of %s in %s passes %s on: only an app whose public ports are all HTTP or HTTPS can "+
				"have a fixed answer", t.App, t.Region, listener.Protocol)
		}
		c.Listeners = append(c.Listeners, aws.ToString(listener.ListenerArn))
		if err := t.firstIsFree(ctx, listener); err != nil {
			return c, err
		}
	}
	slices.Sort(c.Listeners) // AWS promises no order
	return c, nil
}

// listeners lists the listeners of a load balancer.
func (t Target) listeners(ctx context.Context, balancer string) ([]types.Listener, error) {
	out, err := t.cloud.ELB().DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &balancer})
	if err != nil {
		return nil, fmt.Errorf("list the listeners of %s in %s: %w", t.App, t.Region, cloud.Explain(err))
	}
	if len(out.Listeners) == 0 {
		return nil, fmt.Errorf("list the listeners of %s in %s: %w", t.App, t.Region,
			cloud.Incomplete("elasticloadbalancing:DescribeListeners", "no listener"))
	}
	return out.Listeners, nil
}

// firstIsFree checks that no rule of somebody else is the first one.
func (t Target) firstIsFree(ctx context.Context, listener types.Listener) error {
	out, err := t.cloud.ELB().DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: listener.ListenerArn})
	if err != nil {
		return fmt.Errorf("list the rules of %s in %s: %w", t.App, t.Region, cloud.Explain(err))
	}
	for _, rule := range out.Rules {
		ours := t.State != nil && slices.ContainsFunc(t.State.Rules, func(r Rule) bool { return r.ARN == aws.ToString(rule.RuleArn) })
		if aws.ToString(rule.Priority) == "1" && !ours {
			return fmt.Errorf("the load balancer of %s in %s has another rule with priority 1, before which none can come: %s",
				t.App, t.Region, aws.ToString(rule.RuleArn))
		}
	}
	return nil
}

// Answer is the fixed answer.
type Answer struct {
	Status int
	Text   string
}

// MaxAnswer is the size of a fixed answer, in bytes (Elastic Load Balancing API, FixedResponseActionConfig).
const MaxAnswer = 1024

// Check refuses answers that Elastic Load Balancing does not take: a fixed answer has a status of 2xx, 4xx or 5xx.
func (a Answer) Check() error {
	switch {
	case a.Status < 200 || a.Status > 599 || a.Status/100 == 3:
		return fmt.Errorf("--status must be 200 to 599 without 3xx, got %d", a.Status)
	case len(a.Text) > MaxAnswer:
		return fmt.Errorf("--text must have at most %d bytes, got %d", MaxAnswer, len(a.Text))
	}
	return nil
}

// Apply adds the rules, and with a time the schedules that delete them. The record is written before each change, so that whatever
// fails after it can be ended.
func (c Closing) Apply(ctx context.Context, answer Answer, until *time.Time, by string) error {
	if c.State != nil { // its rules are of before, perhaps with another answer or time
		if err := End(ctx, c.cloud, c.Orbit, "", *c.State); err != nil {
			return err
		}
	}
	state := State{Kind: Maintenance, App: c.App, Since: time.Now().UTC().Truncate(time.Second), Until: until, By: by}
	records := table{c.cloud, c.Orbit}
	if err := records.put(ctx, state); err != nil {
		return err
	}
	for _, listener := range c.Listeners {
		arn, err := c.addRule(ctx, listener, answer)
		if err != nil {
			return err
		}
		// The rule is recorded before its schedule is made: a schedule alone does no harm, a rule alone would stay.
		rule := Rule{ARN: arn}
		if until != nil {
			rule.Schedule = scheduleName(arn)
		}
		state.Rules = append(state.Rules, rule)
		if err := records.put(ctx, state); err != nil {
			return err
		}
		if until != nil {
			if err := scheduleEnd(ctx, c.cloud, c.role, rule, *until); err != nil {
				return fmt.Errorf("schedule the end in %s: %w", c.Region, err)
			}
		}
	}
	return nil
}

// addRule adds the rule for every path. Its tags let the scheduler's role delete it, and no other rule.
func (c Closing) addRule(ctx context.Context, listener string, answer Answer) (arn string, err error) {
	kind := "text/plain"
	if strings.HasPrefix(strings.TrimSpace(answer.Text), "<") {
		kind = "text/html"
	}
	out, err := c.cloud.ELB().CreateRule(ctx, &elasticloadbalancingv2.CreateRuleInput{
		ListenerArn: &listener,
		Priority:    aws.Int32(firstRule),
		Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"),
			PathPatternConfig: &types.PathPatternConditionConfig{Values: []string{"/*"}}}},
		Actions: []types.Action{{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{
			StatusCode: aws.String(fmt.Sprint(answer.Status)), ContentType: &kind, MessageBody: &answer.Text,
		}}},
		Tags: []types.Tag{
			{Key: aws.String(document.TagOrbit), Value: &c.Orbit}, {Key: aws.String(document.TagApp), Value: &c.App},
			{Key: aws.String(document.TagMaintenance), Value: &c.Orbit},
		},
	})
	if err != nil {
		return "", fmt.Errorf("add the fixed answer to %s in %s: %w", c.App, c.Region, cloud.Explain(err))
	}
	if len(out.Rules) != 1 || aws.ToString(out.Rules[0].RuleArn) == "" {
		return "", fmt.Errorf("add the fixed answer to %s in %s: %w", c.App, c.Region,
			cloud.Incomplete("elasticloadbalancing:CreateRule", "no rule"))
	}
	return *out.Rules[0].RuleArn, nil
}

// endMaintenance deletes the rules and their schedules. A rule comes first: a remaining schedule deletes nothing.
func endMaintenance(ctx context.Context, region *cloud.Region, s State) error {
	for _, rule := range s.Rules {
		_, err := region.ELB().DeleteRule(ctx, &elasticloadbalancingv2.DeleteRuleInput{RuleArn: &rule.ARN})
		if _, gone := errors.AsType[*types.RuleNotFoundException](err); err != nil && !gone {
			return fmt.Errorf("delete the rule %s: %w", rule.ARN, cloud.Explain(err))
		}
		if rule.Schedule == "" {
			continue
		}
		if err := deleteSchedule(ctx, region, rule.Schedule); err != nil {
			return err
		}
	}
	return nil
}
