package diff

import "slices"

// instanceProperties are the properties of an auto scaling group whose change its UpdatePolicy acts on (CloudFormation
// Template Reference, UpdatePolicy attribute).
var instanceProperties = []string{"LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "PlacementGroup",
	"VPCZoneIdentifier"}

func replacesInstances(r resource, p path) bool {
	return r.kind == "AWS::AutoScaling::AutoScalingGroup" && len(p) > 0 && slices.Contains(instanceProperties, p[0].name)
}

// groupAction is what the group's own policy says about new instances: a new group, or the old one kept.
func groupAction(r resource) Action {
	will := section(section(r.attributes, "UpdatePolicy"), "AutoScalingReplacingUpdate")["WillReplace"]
	if will == true || will == "true" {
		return Replace
	}
	return Update
}

// instanceNote says what becomes of a group's instances.
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
