package diff

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// instanceProperties are the properties of an auto scaling group whose change its UpdatePolicy acts on (CloudFormation
// Template Reference, UpdatePolicy attribute).
var instanceProperties = []string{"LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy",
	"PlacementGroup", "VPCZoneIdentifier"}

// replacesInstances reports whether the property is one that makes the group replace its instances.
func replacesInstances(r template.Resource, p template.Path) bool {
	return r.Type == "AWS::AutoScaling::AutoScalingGroup" && len(p) > 0 && slices.Contains(instanceProperties, p[0].Name)
}

// ReplacesInstances reports whether a property's path, as in Change, is one that makes a group replace its instances.
func ReplacesInstances(kind, path string) bool {
	name, _, _ := strings.Cut(path, ".")
	return kind == "AWS::AutoScaling::AutoScalingGroup" && slices.Contains(instanceProperties, strings.TrimRight(name, "[]0123456789"))
}

// groupAction is Replace if the UpdatePolicy has WillReplace, which makes a new group. Otherwise the group stays and is
// updated.
func groupAction(r template.Resource) Action {
	will := template.Section(template.Section(r.Attributes, "UpdatePolicy"), "AutoScalingReplacingUpdate")["WillReplace"]
	if will == true || will == "true" {
		return Replace
	}
	return Update
}

// instanceNote describes the fate of the running instances, or "".
func instanceNote(r template.Resource, paths []template.Path) string {
	if !slices.ContainsFunc(paths, func(p template.Path) bool { return replacesInstances(r, p) }) {
		return ""
	}
	policy := template.Section(r.Attributes, "UpdatePolicy")
	switch {
	case groupAction(r) == Replace:
		return "a new group with new instances takes over, as its UpdatePolicy says"
	case policy["AutoScalingRollingUpdate"] != nil, policy["AutoScalingInstanceRefresh"] != nil:
		return "its instances are replaced in turn, as its UpdatePolicy says"
	}
	return "running instances stay as they are: it has no UpdatePolicy"
}
