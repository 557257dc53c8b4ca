package cloudtest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

const groupType = "AWS::AutoScaling::AutoScalingGroup"

// instanceProperties are the properties of a group whose change replaces its instances by the update policy.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
var instanceProperties = []string{
	"LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier", "PlacementGroup",
}

// OnGroup is called for each new group, before it launches anything. A test sets its hooks there.
func (c *CloudFormation) OnGroup(f func(g *Group)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.onGroup = f
}

// Group returns the live group of a stack, nil if there is none.
func (c *CloudFormation) Group(region, stack, logical string) *Group {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now())
	for _, s := range slices.Backward(c.engine.stacks) {
		if s.region == region && s.name == stack && s.deleted.IsZero() && s.resources[logical].exists() {
			return s.resources[logical].group
		}
	}
	return nil
}

// replacesGroup reports whether an update makes a new group beside the old one (AutoScalingReplacingUpdate).
func replacesGroup(old, next *resource) bool {
	will := policyPart(next.Definition, "AutoScalingReplacingUpdate")["WillReplace"]
	return next.Type == groupType && text(will) == "true" && replacesInstances(old, next)
}

// replacesInstances reports whether a property changes that replaces the group's instances.
func replacesInstances(old, next *resource) bool {
	return slices.ContainsFunc(instanceProperties, func(name string) bool {
		return compact(old.Properties[name]) != compact(next.Properties[name])
	})
}

// policyPart returns one of a group's update policies.
func policyPart(d definition, name string) map[string]any {
	policy, _ := d.UpdatePolicy.(map[string]any)
	part, _ := policy[name].(map[string]any)
	return part
}

// number returns a value as a number, or what stands for a missing one. Templates have numbers and texts.
func number(v any, missing int) int {
	if n, err := strconv.Atoi(text(v)); err == nil && v != nil {
		return n
	}
	return missing
}

// duration reads an ISO 8601 duration such as PT15M or PT1H, as PauseTime and Timeout have it.
func duration(v any, missing time.Duration) time.Duration {
	d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(text(v), "PT")))
	if v == nil || err != nil {
		return missing
	}
	return d
}

// createGroup makes the group of a new resource and waits for the signals of its CreationPolicy.
// Without DesiredCapacity a group begins with MinSize (EC2 Auto Scaling API Reference, CreateAutoScalingGroup), also in a replacing
// update: "the group size is always reset to min if we don't set the DesiredInstances"
// (github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/467).
func (g *change) createGroup(r *resource) error {
	least := number(r.Properties["MinSize"], 0)
	r.group = &Group{
		Name: r.Physical, Min: least, Max: number(r.Properties["MaxSize"], least),
		Desired: number(r.Properties["DesiredCapacity"], least),
	}
	r.group.takeProperties(r)
	if g.engine.onGroup != nil {
		g.engine.onGroup(r.group)
	}
	if r.group.Desired < r.group.Min || r.group.Desired > r.group.Max {
		return because("Desired capacity:%d must be between the specified min size:%d and max size:%d", r.group.Desired, r.group.Min,
			r.group.Max)
	}
	creation, _ := g.scope.value(r.Definition.CreationPolicy).(map[string]any)
	signal, _ := creation["ResourceSignal"].(map[string]any)
	if signal == nil {
		r.group.Settle()
		return nil
	}
	return r.group.awaitCreation(number(signal["Count"], 1), duration(signal["Timeout"], 5*time.Minute))
}

// finishGroupUpdate ends the update of a group in place. The resource has its new state before its instances are replaced, so that
// a rollback sees the change.
func (g *change) finishGroupUpdate(at time.Time, logical string, f *resourceChange) {
	old := g.saved[logical]
	g.engine.hand.settle(f.next)
	g.s.resources[logical] = f.next
	if err := g.updateGroup(old, f.next); err != nil {
		g.failResource(at, logical, f, err.Error())
		return
	}
	g.s.mark(at, f.next, types.ResourceStatusUpdateComplete, "")
}

// putGroup makes the group of a resource that a test puts into the account, with healthy instances.
func (e *engine) putGroup(r *resource) {
	least := number(r.Properties["MinSize"], 0)
	r.group = &Group{Name: r.Physical, Min: least, Max: number(r.Properties["MaxSize"], least),
		Desired: number(r.Properties["DesiredCapacity"], least)}
	r.group.takeProperties(r)
	if e.onGroup != nil {
		e.onGroup(r.group)
	}
	r.group.Settle()
}

// awaitCreation waits for as many signals as the CreationPolicy counts, from any of the instances.
func (g *Group) awaitCreation(count int, patience time.Duration) error {
	for began := g.Now; ; {
		g.Tick()
		good, bad := signals(g.Instances)
		switch {
		case good >= count:
			return nil
		case bad > 0:
			return because("Received %d FAILURE signal(s) out of %d. "+unsatisfied, bad, count)
		case g.Now-began >= patience:
			return because("Received %d SUCCESS signal(s) out of %d. "+unsatisfied, good, count)
		}
	}
}

// takeProperties takes over the properties that launches depend on.
func (g *Group) takeProperties(r *resource) {
	launch := []any{r.Properties["LaunchTemplate"], r.Properties["MixedInstancesPolicy"], r.Properties["LaunchConfigurationName"]}
	g.Version = compact(launch)
	g.Zones = nil
	for _, zone := range elements(r.Properties["VPCZoneIdentifier"]) {
		g.Zones = append(g.Zones, text(zone))
	}
	g.Draining = 0
	if len(elements(r.Properties["TargetGroupARNs"])) > 0 {
		g.Draining = time.Minute
	}
}

// updateGroup updates a group in place. Sizes that the template changes are set. Others stay as they are, if the update policy
// AutoScalingScheduledAction says so and CloudFormation's own value did not change, else they are set to the template's.
func (g *change) updateGroup(old, next *resource) error {
	next.group = old.group
	if next.group == nil {
		return nil
	}
	next.group.setSizes(old, next)
	next.group.takeProperties(next)
	return next.group.update(old, next, g.scope)
}

// update replaces the instances by the policy of a resource's definition, if a property of theirs changed.
func (g *Group) update(old, next *resource, scope *scope) error {
	part, _ := scope.value(policyPart(next.Definition, "AutoScalingRollingUpdate")).(map[string]any)
	if len(part) == 0 || !replacesInstances(old, next) {
		g.Settle()
		return nil
	}
	policy := Rolling{
		Batch: number(part["MaxBatchSize"], 1), MinInService: number(part["MinInstancesInService"], 0),
		Pause: duration(part["PauseTime"], 5*time.Minute),
	}
	for _, p := range elements(part["SuspendProcesses"]) {
		policy.Suspend = append(policy.Suspend, text(p))
	}
	return g.Roll(policy)
}

// setSizes sets the sizes changed by an update.
func (g *Group) setSizes(old, next *resource) {
	ignore := text(policyPart(next.Definition, "AutoScalingScheduledAction")["IgnoreUnmodifiedGroupSizeProperties"]) == "true"
	for name, size := range map[string]*int{"MinSize": &g.Min, "MaxSize": &g.Max, "DesiredCapacity": &g.Desired} {
		if changed := compact(old.Properties[name]) != compact(next.Properties[name]); changed || !ignore {
			*size = number(next.Properties[name], *size)
		}
	}
	// "If MinSize is larger than the current size, the desired capacity becomes MinSize", and likewise MaxSize (EC2 Auto Scaling API
	// Reference, UpdateAutoScalingGroup).
	g.Desired = min(max(g.Desired, g.Min), g.Max)
}

// restoreGroup rolls a group back to a resource's earlier state. CloudFormation uses the update policy of the template before ("During
// stack update rollback operations, CloudFormation uses the UpdatePolicy configuration specified in the template before the current
// update"). The desired capacity is only set back when the template has one: otherwise it stays at the temporary, larger one
// (guardian, healthy-to-unhealthy.md: 5 before, 10 after).
func (g *change) restoreGroup(now, old *resource) error {
	if old.Type != groupType || old.group == nil || now.group != old.group {
		return nil
	}
	group := old.group
	group.Min, group.Max = number(old.Properties["MinSize"], group.Min), number(old.Properties["MaxSize"], group.Max)
	group.Desired = number(old.Properties["DesiredCapacity"], group.Desired)
	group.takeProperties(old)
	return group.update(now, old, g.s.scope(g.before))
}
