package impact

// Package drift compares a deployed template with AWS. It finds rules and statements in AWS that no template has, and describes them
// with the functions of this file, in the form of a diff's findings: web → main:5432 (database).

// Rule returns who may reach whom by a rule of a security group, in the words of the findings. There are several texts for a group
// that several resources are in. The rule has the properties of AWS::EC2::SecurityGroupIngress, or with egress of
// AWS::EC2::SecurityGroupEgress. A group is a reference, as in a template. Package drift describes rules of AWS with it.
func (s *Side) Rule(egress bool, rule map[string]any, group any) []string {
	kind := KindReach
	if egress {
		kind = KindEgress
	}
	var texts []string
	for _, f := range s.rule(kind, rule, group, "") {
		texts = append(texts, f.Text)
	}
	return texts
}

// OutputReference returns the reference to another stack's output that stands in resolved templates.
func OutputReference(output, stack, region string) map[string]any {
	return map[string]any{"Ref": output + " of " + stack + " in " + region}
}

// Statement returns an IAM statement in the words of the findings.
func Statement(statement map[string]any) string { return statementText(statement) }
