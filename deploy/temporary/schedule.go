package temporary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// A load balancer has no rules that end by themselves. EventBridge Scheduler calls an operation of AWS at a time, with a role, and needs
// nothing that runs in between. The alternative, a role made for each maintenance, would ask every operator for iam:CreateRole.

// NeedsSchedule finds the role by which Amazon EventBridge Scheduler deletes the rules. It is an output of the tables stack.
func (c *Closing) NeedsSchedule(ctx context.Context, stacks *live.Stacks) error {
	ref := assembly.StackRef{Region: c.Region, Name: document.StackName(c.Orbit, document.StackTables)}
	stack, err := stacks.Get(ctx, ref)
	if err != nil {
		return err
	}
	if stack == nil || stack.Outputs[document.OutputMaintenance] == "" {
		return fmt.Errorf("%s has no role to end maintenance with: deploy it with this spacel first, or leave --for away and end "+
			"maintenance with spacel maintenance %s off", ref, c.App)
	}
	c.role = stack.Outputs[document.OutputMaintenance]
	return nil
}

// scheduleName returns the name of the schedule that deletes a rule. Names have at most 64 characters (EventBridge Scheduler API,
// CreateSchedule), which an ARN has not.
func scheduleName(rule string) string { return "spacel-" + hexdigest.SHA256([]byte(rule))[:32] }

// scheduleEnd makes a schedule that calls DeleteRule once, and deletes itself then. A universal target's name has the service and the
// operation of the SDK (EventBridge Scheduler User Guide, "Using universal targets").
func scheduleEnd(ctx context.Context, region *cloud.Region, role string, rule Rule, at time.Time) error {
	input, err := json.Marshal(map[string]string{"RuleArn": rule.ARN})
	if err != nil {
		return err
	}
	// The name of the target has the partition of the account, as ARNs do: aws, aws-cn or aws-us-gov.
	partition, _, _ := strings.Cut(strings.TrimPrefix(rule.ARN, "arn:"), ":")
	_, err = region.Scheduler().CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name:                       &rule.Schedule,
		ScheduleExpression:         aws.String("at(" + at.UTC().Format("2006-01-02T15:04:05") + ")"),
		ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:         &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		ActionAfterCompletion:      types.ActionAfterCompletionDelete,
		Target: &types.Target{
			Arn:     aws.String("arn:" + partition + ":scheduler:::aws-sdk:elasticloadbalancingv2:deleteRule"),
			RoleArn: &role,
			Input:   aws.String(string(input)),
		},
	})
	if err != nil {
		return cloud.Explain(err)
	}
	return nil
}

// deleteSchedule deletes a schedule. One that has run is gone.
func deleteSchedule(ctx context.Context, region *cloud.Region, name string) error {
	_, err := region.Scheduler().DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); err == nil || gone {
		return nil
	}
	return fmt.Errorf("delete the schedule %s: %w", name, cloud.Explain(err))
}
