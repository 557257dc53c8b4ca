package diff

import "slices"

// instanceProperties are the properties of an auto scaling group whose change its UpdatePolicy acts on (CloudFormation
// Template Reference, UpdatePolicy attribute).
var instanceProperties = []string{"LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy",
	"PlacementGroup", "VPCZoneIdentifier"}

// replacesInstances reports whether the property is one that makes the group replace its instances.
func replacesInstances(r resource, p path) bool {
	return r.kind == "AWS::AutoScaling::AutoScalingGroup" && len(p) > 0 && slices.Contains(instanceProperties, p[0].name)
}

// groupAction is Replace if the UpdatePolicy has WillReplace, which makes a new group. Otherwise the group stays and is
// updated.
func groupAction(r resource) Action {
	will := section(section(r.attributes, "UpdatePolicy"), "AutoScalingReplacingUpdate")["WillReplace"]
	if will == true || will == "true" {
		return Replace
	}
	return Update
}

// instanceNote describes the fate of the running instances, or "".
func instanceNote(r resource, paths []path) string {
	if !slices.ContainsFunc(paths, func(p path) bool { return replacesInstances(r, p) }) {
		return ""
	}
	policy := section(r.attributes, "UpdatePolicy")
	switch {
	case groupAction(r) == Replace:
		return "a new group with new instances takes over, as its UpdatePolicy says"
	case policy["AutoScalingRollingUpdate"] != nil, policy["AutoScalingInstanceRefresh"] != nil:
		return "its instances are replaced in turn, as its UpdatePolicy says"
	}
	return "running instances stay as they are: it has no UpdatePolicy"
}
