package compiler

import (
	"fmt"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// signalDuration is how long CloudFormation waits for an instance's signal, from its launch, in ISO 8601.
func signalDuration(app *schema.AppRegion) string {
	if app.BootTimeout%60 == 0 {
		return fmt.Sprintf("PT%dM", app.BootTimeout/60)
	}
	return fmt.Sprintf("PT%dS", app.BootTimeout)
}

// suspended are the processes that would change the group during a rolling update and make it fail (AWS Knowledge Center,
// "auto-scaling-group-rolling-updates"). Launch, Terminate and AddToLoadBalancer must go on.
var suspended = []string{"HealthCheck", "ReplaceUnhealthy", "AZRebalance", "AlarmNotification", "ScheduledActions", "InstanceRefresh"}

// updatePolicy returns the way for new instances to take over: by turns, or as a whole new group beside the old one, or never.
// Sizes that scaling has set since stay as they are.
func updatePolicy(app *schema.AppRegion) *cfn.UpdatePolicy {
	policy := &cfn.UpdatePolicy{AutoScalingScheduledAction: &cfn.ScheduledUpdate{IgnoreUnmodifiedGroupSizeProperties: true}}
	switch {
	case app.UpdatePolicy == schema.RedBlack:
		policy.AutoScalingReplacingUpdate = &cfn.ReplacingUpdate{WillReplace: true}
	case app.UpdatePolicy == schema.Rolling && app.InstanceMax > 0: // CloudFormation wants the minimum in service below the maximum
		policy.AutoScalingRollingUpdate = &cfn.RollingUpdate{
			MaxBatchSize:          1,
			MinInstancesInService: minInService(app),
			PauseTime:             signalDuration(app),
			SuspendProcesses:      suspended,
			WaitOnResourceSignals: true,
		}
	}
	return policy
}

// warnEmptied warns of a red-black app whose new groups begin empty: CloudFormation starts a new group at its minimum, whatever
// the old one had been scaled to.
func warnEmptied(app *schema.AppRegion, r *report.Report) {
	if app.UpdatePolicy == schema.RedBlack && firstSize(app) == 0 && app.InstanceMax > 0 {
		r.Warnf(app.At("update_policy"), "a redblack update starts the new group with instance_min instances, "+
			"which is 0, and deletes the old group; "+
			"set instance_min to 1 or more, or use update_policy: rolling")
	}
}

// minInService leaves room for one instance to be replaced. A group of fixed size could not start a new one above its maximum.
//
// With EBS volumes the old instance is terminated before the new one starts, which needs its volume. CloudFormation enlarges a group
// that has fewer instances than this number and a batch: the new instance would start beside the old one, with an empty volume.
func minInService(app *schema.AppRegion) int {
	if app.HasEBS() {
		return max(app.InstanceMin-1, 0)
	}
	if app.InstanceMin == app.InstanceMax && app.InstanceMax > 0 {
		return app.InstanceMax - 1
	}
	return app.InstanceMin
}

// awaitInstances waits for every instance of a new group; nil when there is none to wait for.
func awaitInstances(app *schema.AppRegion) *cfn.CreationPolicy {
	first := firstSize(app)
	if first == 0 {
		return nil
	}
	return &cfn.CreationPolicy{ResourceSignal: cfn.ResourceSignal{Count: first, Timeout: signalDuration(app)}}
}
