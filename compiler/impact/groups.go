package impact

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/template"
)

const autoScalingGroup = "AWS::AutoScaling::AutoScalingGroup"

// groups are the rules about instances: how they are replaced, and how many serve meanwhile.
func (f *forecast) groups() {
	for _, id := range f.both(autoScalingGroup) {
		if _, changes := f.changes[id]; changes {
			f.sizes(id)
			f.instances(id)
		}
	}
	for _, id := range f.old.ofType(autoScalingGroup) {
		if f.changes[id].Action == diff.Delete && len(f.now.ofType(autoScalingGroup)) == 0 {
			f.say(Effect{Kind: Stops, Resource: id, Text: "traffic stops for good: the stack has no instances any more"})
		}
	}
}

// count reads a size. A value that only deploy knows is no number.
func count(v any) (int, bool) {
	n, err := strconv.Atoi(template.Shown(v))
	return n, v != nil && err == nil
}

// size is how many instances a group has at least: the desired number, else the minimum.
func size(r template.Resource) (int, bool) {
	if n, ok := count(r.Properties["DesiredCapacity"]); ok {
		return n, true
	}
	if r.Properties["DesiredCapacity"] != nil {
		return 0, false
	}
	return count(r.Properties["MinSize"])
}

// ran is how many instances of a group there are before the change: the live number, else the least that the old template allows.
func (f *forecast) ran(id string) (int, bool) {
	if n, ok := f.old.running[id]; ok {
		return n, true
	}
	return size(f.old.t.Resources[id])
}

// sizes is the rule about lower limits of a group.
func (f *forecast) sizes(id string) {
	now := f.now.t.Resources[id]
	before, known := f.ran(id)
	after, also := size(now)
	if _, live := f.old.running[id]; live {
		also = false // a lower minimum ends nothing by itself, and the live number is known
	}
	most, limited := count(now.Properties["MaxSize"])
	switch {
	case !known || !limited:
	case most == 0 && before > 0:
		f.say(Effect{Kind: Stops, Resource: id, Capacity: &most, Text: "traffic stops: no instance runs any more, the new maximum is 0"})
	case most < before:
		f.say(Effect{Kind: Reduced, Resource: id, Capacity: &most,
			Text: fmt.Sprintf("capacity is reduced to %d: at least %d instances ran before", most, before)})
	case also && after < before && after > 0:
		f.say(Effect{Kind: Reduced, Resource: id, Capacity: &after,
			Text: fmt.Sprintf("capacity may be reduced to %d: at least %d instances ran before", after, before)})
	}
}

// instances is the rule about replaced instances.
func (f *forecast) instances(id string) {
	c, r := f.changes[id], f.now.t.Resources[id]
	replaces := slices.ContainsFunc(c.Properties, func(p diff.Change) bool { return diff.ReplacesInstances(c.Type, p.Path) })
	policy := template.Section(r.Attributes, "UpdatePolicy")
	rolling := template.Section(policy, "AutoScalingRollingUpdate")
	switch {
	case c.Action == diff.Replace || c.Action == diff.MaybeReplace:
		f.newGroup(id, r)
	case !replaces:
	case rolling != nil:
		f.inTurn(id, r, rolling)
	case template.Section(policy, "AutoScalingInstanceRefresh") != nil:
		f.say(Effect{Kind: InTurn, Resource: id, Text: "instances are replaced in turn by an instance refresh"})
	default:
		f.say(Effect{Kind: Nothing, Resource: id, Text: "nothing: running instances stay as they are, only new ones differ"})
	}
	if replaces && f.changed(id, "VPCZoneIdentifier") && f.now.movesVolumes() {
		f.say(Effect{Kind: DataMoves, Resource: id,
			Text: "data moves: the instances' zones change, and volumes follow by snapshot, which can take hours"})
	}
}

// movesVolumes reports whether the instances have EBS volumes: only then their role may attach some.
func (s *Side) movesVolumes() bool {
	for _, r := range s.t.Resources {
		for _, f := range rights(r) {
			if f.Statement != nil && containsText(f.Statement["Action"], "ec2:AttachVolume") {
				return true
			}
		}
	}
	return false
}

// containsText reports whether a value is a text or a list with it.
func containsText(v any, text string) bool {
	list, ok := v.([]any)
	return v == text || ok && slices.Contains(list, any(text))
}

// newGroup is a group whose UpdatePolicy or properties make a new one beside the old one, which serves until the new one works.
func (f *forecast) newGroup(id string, r template.Resource) {
	n, known := size(r)
	before, was := f.ran(id)
	_, live := f.old.running[id]
	most, limited := count(r.Properties["MaxSize"])
	switch {
	case !known:
		f.say(Effect{Kind: InTurn, Resource: id, Text: "a new group of instances takes over when it is up, the old one serves until then"})
	case n == 0 && (!was || before > 0):
		f.say(Effect{Kind: Stops, Resource: id, Capacity: &n, Text: "traffic stops: the new group begins with no instance",
			Instead: "set instance_min to 1 or more"})
	case live && n < before:
		f.say(Effect{Kind: Reduced, Resource: id, Capacity: &n,
			Text: fmt.Sprintf("capacity is reduced to %d of %d: a new group takes over with %d instances when they are up", n, before, n)})
	case !live && r.Properties["DesiredCapacity"] == nil && limited && most > n:
		f.say(Effect{Kind: Reduced, Resource: id, Capacity: &n,
			Text: fmt.Sprintf("a new group takes over with %d instances when they are up, also if the old one has been scaled out to more",
				n)})
	default:
		f.say(Effect{Kind: InTurn, Resource: id, Capacity: &n,
			Text: fmt.Sprintf("a new group of %d instances takes over when it is up, the old one serves until then", n)})
	}
}

// inTurn is a rolling update. CloudFormation takes as many instances out of service as the batch holds, and never leaves fewer than
// MinInstancesInService: it starts additional ones first where that would happen (Template Reference, UpdatePolicy attribute; measured
// in github.com/guardian/testing-asg-rolling-update).
func (f *forecast) inTurn(id string, r template.Resource, policy map[string]any) {
	batch, given := count(policy["MaxBatchSize"])
	if !given {
		batch = 1 // CloudFormation's default
	}
	running, known := size(r)
	if n, live := f.old.running[id]; live {
		running, known = n, true
	}
	least, said := count(policy["MinInstancesInService"])
	if policy["MinInstancesInService"] == nil {
		least, said = 0, true // CloudFormation's default
	}
	if !known || !said {
		f.say(Effect{Kind: InTurn, Resource: id,
			Text: fmt.Sprintf("instances are replaced in turn, %s at a time; deploy sets how many stay in service", plural(batch))})
		return
	}
	left := min(running, max(least, running-batch, active(policy, running)))
	switch {
	case running == 0:
		f.say(Effect{Kind: InTurn, Resource: id, Text: fmt.Sprintf("instances are replaced in turn, %s at a time", plural(batch))})
	case left == 0:
		f.say(Effect{Kind: Stops, Resource: id, Capacity: &left,
			Text:    f.interrupted() + ": all instances are ended before new ones start",
			Instead: f.insteadOfNone(r)})
	case left < running:
		f.say(Effect{Kind: Reduced, Resource: id, Capacity: &left, Text: fmt.Sprintf(
			"capacity is reduced to %d of %d while instances are replaced in turn, %s at a time", left, running, plural(batch))})
	default:
		f.say(Effect{Kind: InTurn, Resource: id, Capacity: &left,
			Text: fmt.Sprintf("instances are replaced in turn, %s at a time, and %d of %d stay in service", plural(batch), left, running)})
	}
}

// active is how many of the running instances MinActiveInstancesPercent keeps in service.
func active(policy map[string]any, running int) int {
	percent, ok := count(policy["MinActiveInstancesPercent"])
	if !ok {
		return 0
	}
	return (running*percent + 99) / 100
}

// insteadOfNone offers room for a new instance before the last one ends. Instances with volumes cannot share them.
func (f *forecast) insteadOfNone(r template.Resource) string {
	if f.now.movesVolumes() {
		return ""
	}
	if n, ok := count(r.Properties["MaxSize"]); ok {
		return fmt.Sprintf("set instance_max to %d or more, so that a new instance starts before the old one ends", n+1)
	}
	return ""
}

// plural is a number of instances: one, 3.
func plural(n int) string {
	if n == 1 {
		return "one"
	}
	return strconv.Itoa(n)
}
