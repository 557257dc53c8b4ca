package cfn

import (
	"fmt"
	"regexp"
	"slices"
)

// CloudFormation's limits (CloudFormation User Guide, "Understand CloudFormation quotas").
const (
	MaxResources    = 500
	MaxParameters   = 200
	MaxOutputs      = 200
	MaxInlineBody   = 51_200    // bytes of a template sent with the call
	MaxBody         = 1_000_000 // bytes of a template in S3
	MaxLogicalID    = 255
	MaxStackName    = 128
	MaxDescription  = 1024
	MaxUserDataSize = 16_384 // bytes before base64 (EC2 User Guide)
)

// logicalID is the form of all names in a template (CloudFormation User Guide, "Resources": alphanumeric, at most 255
// characters).
var logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// Check lists the reasons for which CloudFormation would refuse the template: malformed or duplicate ids, references and
// dependencies to missing things, cycles, exceeded limits. The list is sorted. CloudFormation itself reports only the
// first of them, after an upload.
func (t *Template) Check() []string {
	problems := slices.Clone(t.problems)
	for _, id := range slices.Concat(t.ResourceIDs(), t.ParameterIDs(), t.OutputIDs()) {
		if !logicalID.MatchString(id) {
			problems = append(problems, fmt.Sprintf("%s: a logical id must be 1 to 255 letters and digits", id))
		}
	}
	for id := range t.parameters {
		if t.Has(id) {
			problems = append(problems, fmt.Sprintf("%s: a parameter and a resource have this name", id))
		}
	}
	problems = append(problems, t.remote()...)
	// Finding the references is most of the work, so it is done once.
	names := make(map[string][]string, len(t.resources))
	for id, r := range t.resources {
		names[id] = references(r)
	}
	problems = append(problems, t.dangling(names)...)
	problems = append(problems, t.cycles(names)...)
	problems = append(problems, limit("resources", len(t.resources), MaxResources)...)
	problems = append(problems, limit("parameters", len(t.parameters), MaxParameters)...)
	problems = append(problems, limit("outputs", len(t.outputs), MaxOutputs)...)
	problems = append(problems, limit("bytes of description", len(t.Description), MaxDescription)...)
	slices.Sort(problems)
	return problems
}

// limit reports a count above a quota, as a list of no or one problem.
func limit(what string, have, most int) []string {
	if have <= most {
		return nil
	}
	return []string{fmt.Sprintf("%d %s: CloudFormation allows %d", have, what, most)}
}

// dangling reports references to names that are not in the template. Typed resources cannot have one, but resources in
// the manifest and patches refer by name. names are the references of each resource.
func (t *Template) dangling(names map[string][]string) []string {
	var problems []string
	for id, r := range t.resources {
		a := r.attributes()
		for _, on := range a.DependsOn {
			if !t.Has(on.attributes().id) {
				problems = append(problems, fmt.Sprintf("%s: depends on %s, which is not in the template", id, on.attributes().id))
			}
		}
		if a.Condition != nil && t.conditions[a.Condition.id] == nil {
			problems = append(problems, fmt.Sprintf("%s: has the condition %s, which is not in the template", id, a.Condition.id))
		}
		for _, name := range names[id] {
			if !t.known(name) {
				problems = append(problems, fmt.Sprintf("%s: refers to %s, which is not in the template", id, name))
			}
		}
	}
	for id, o := range t.outputs {
		for _, name := range references(o) {
			if !t.known(name) {
				problems = append(problems, fmt.Sprintf("output %s: refers to %s, which is not in the template", id, name))
			}
		}
	}
	for id, c := range t.conditions {
		for _, name := range references(c.test) {
			if !t.known(name) {
				problems = append(problems, fmt.Sprintf("condition %s: refers to %s, which is not in the template", id, name))
			}
		}
	}
	return problems
}

// known reports whether a reference may use the name.
func (t *Template) known(name string) bool {
	return t.Has(name) || t.parameters[name] != nil || t.conditions[name] != nil || pseudo[name]
}

// pseudo holds the parameters that CloudFormation itself defines (CloudFormation User Guide, "Pseudo parameters").
var pseudo = map[string]bool{
	"AWS::AccountId": true, "AWS::NoValue": true, "AWS::NotificationARNs": true, "AWS::Partition": true,
	"AWS::Region": true, "AWS::StackId": true, "AWS::StackName": true, "AWS::URLSuffix": true,
}
