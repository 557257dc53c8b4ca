package rights

// driftStatement is the id of the statement for spacel status --drift and spacel deploy --revert-drift. It may be left out.
const driftStatement = "DetectDrift"

// driftActions are the calls of CloudFormation's drift detection, which begin it and read its results. It reads each resource with the
// caller's rights, as the handlers of the resource types do. AWS asks for the right to DetectStackResourceDrift, too, when a whole
// stack is detected (User Guide, "Detect drift on an entire CloudFormation stack"). DescribeStackDriftDetectionStatus is asked with the id
// of a detection, so a policy that names stacks never allows it.
var driftActions = []string{
	"cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:DescribeStackResourceDrifts",
	"cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift",
}

// grantDrift allows the detection of drift, which changes nothing. The rights on roles, rules, groups and records that the comparison
// needs are those of the resource types, with which CloudFormation makes and deletes them.
func (s *scope) grantDrift(all grants) {
	if s.NoDrift {
		return
	}
	for _, action := range driftActions {
		all.add(grant{sid: driftStatement, action: action, resources: []string{"*"}, condition: condition{}})
	}
}
