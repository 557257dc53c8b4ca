package compiler

import (
	"fmt"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// signalDuration is how long CloudFormation waits for an instance's signal, from its launch, in ISO 8601.
func signalDuration(app *schema.AppRegion) string {
	limit := app.BootLimit()
	if limit%60 == 0 {
		return fmt.Sprintf("PT%dM", limit/60)
	}
	return fmt.Sprintf("PT%dS", limit)
}

// suspended are the processes that would change the group during a rolling update and make it fail (AWS Knowledge Center,
// "auto-scaling-group-rolling-updates"). Launch, Terminate and AddToLoadBalancer must go on.
var suspended = []string{"HealthCheck", "ReplaceUnhealthy", "AZRebalance", "AlarmNotification", "ScheduledActions", "InstanceRefresh"}

// updatePolicy returns the way for new instances to take over: by turns, or as a whole new group beside the old one, or never.
// Sizes that scaling has set since stay as they are.
func updatePolicy(app *schema.AppRegion, p *part) *cfn.UpdatePolicy {
	policy := &cfn.UpdatePolicy{AutoScalingScheduledAction: &cfn.ScheduledUpdate{IgnoreUnmodifiedGroupSizeProperties: true}}
	switch {
	case app.UpdatePolicy == schema.RedBlack:
		policy.AutoScalingReplacingUpdate = &cfn.ReplacingUpdate{WillReplace: true}
	case app.UpdatePolicy == schema.Rolling && app.InstanceMax > 0: // CloudFormation wants the minimum in service below the maximum
		policy.AutoScalingRollingUpdate = &cfn.RollingUpdate{
			MaxBatchSize:              batch(app),
			MinInstancesInService:     minInService(app, p),
			MinActiveInstancesPercent: app.Update.MinHealthy,
			PauseTime:                 signalDuration(app),
			SuspendProcesses:          suspended,
			WaitOnResourceSignals:     true,
		}
	}
	return policy
}

// batch returns how many instances are replaced at a time. With EBS volumes the batch is terminated before its successors start, so it
// leaves the percentage of min_healthy of the fewest instances.
func batch(app *schema.AppRegion) int {
	if app.HasEBS() && app.Update.MinHealthy != nil {
		stay := (app.InstanceMin**app.Update.MinHealthy + 99) / 100
		return max(min(app.Update.Batch, app.InstanceMin-stay), 1)
	}
	return app.Update.Batch
}

// minInService returns how many instances stay in service. For a group of variable size deploy finds the number, from the instances
// that run: CloudFormation would shrink a group that is scaled out to a smaller number before it replaces the first batch
// (github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/467).
//
// With EBS volumes the old instance is terminated before the new one starts, which needs its volume. CloudFormation enlarges a group
// that has fewer instances than this number and a batch: the new instance would start beside the old one, with an empty volume.
func minInService(app *schema.AppRegion, p *part) cfn.Value {
	if app.HasEBS() {
		return cfn.Int(max(app.InstanceMin-batch(app), 0))
	}
	size := groupSize(app, assembly.SizeInService)
	size.Batch, size.MinHealthy = batch(app), app.Update.MinHealthy
	size.Default = size.From(assembly.Sizes{Min: app.InstanceMin, Desired: firstSize(app), Max: app.InstanceMax})
	if app.FixedSize() {
		return cfn.Int(size.Default)
	}
	return p.parameter("InstancesInService", cfn.Parameter{
		Type:        "Number",
		Description: "How many instances stay in service during a rolling update.",
	}, assembly.ValueFrom{GroupSize: &size}).Ref()
}
