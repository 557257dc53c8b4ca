package compiler

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// maxInlinePolicies is how many characters a role's inline policies may have together, white space not counted (IAM User
// Guide, "IAM and AWS STS quotas").
const maxInlinePolicies = 10240

// permissions is the policy with the manifest's own IAM statements, unchanged. All inline policies of a role share one
// size limit, so the agent's policy is subtracted from it.
func permissions(a appContext, agent cfn.PolicyDocument, r *report.Report) cfn.PolicyDocument {
	var statements []cfn.Statement
	for _, p := range a.region.Permissions {
		statements = append(statements, cfn.Statement{
			Effect:    p.Effect,
			Action:    p.Actions,
			Resource:  cfn.Strings(p.Resources...),
			Condition: conditions(p),
		})
	}
	policy := cfn.Policies(statements...)
	most := maxInlinePolicies - policySize(agent)
	if size := policySize(policy); most > 0 && size > most {
		r.Errorf(a.region.At("permissions"), "expected at most %d characters of IAM policy, got %d: "+
			"name fewer actions and resources, with * where they share a prefix", most, size)
	}
	return policy
}

// roleIDs are the logical ids of the instances' identity, to which the manifest's own resources can grant rights.
var roleIDs = []string{"Role", "InstanceProfile"}

// grantsRole reports whether the manifest's own resources, or a patch, give rights to the instances' role: a policy attached to it,
// or the policy of a bucket, key or role that names it. DependsOn gives none.
func grantsRole(app *schema.AppRegion) bool {
	names := func(body schema.Any) bool {
		for _, found := range cfn.RawValue(data(body)).References() {
			if slices.Contains(roleIDs, found.Name) {
				return true
			}
		}
		return false
	}
	if slices.ContainsFunc(app.Extra.Resources, func(r schema.ExtraPart) bool { return names(r.Body) }) {
		return true
	}
	return slices.ContainsFunc(app.Patches, func(p schema.Patch) bool {
		if p.Value == nil { // it takes something out
			return false
		}
		policies := strings.HasPrefix(p.Path, "Properties.ManagedPolicyArns") || strings.HasPrefix(p.Path, "Properties.Policies")
		return p.ID == "Role" && policies || p.ID == "AgentPolicy" || names(*p.Value)
	})
}

// conditions converts the condition block of a statement.
func conditions(p schema.Permission) map[string]map[string]cfn.Value {
	if len(p.Condition) == 0 {
		return nil
	}
	out := map[string]map[string]cfn.Value{}
	for operator, keys := range p.Condition {
		out[operator] = map[string]cfn.Value{}
		for key, values := range keys {
			out[operator][key] = oneOrMany(values)
		}
	}
	return out
}

// oneOrMany writes a single value without a list, as IAM's documentation does.
func oneOrMany(values []string) cfn.Value {
	if len(values) == 1 {
		return cfn.String(values[0])
	}
	return cfn.Strings(values...)
}

// checkAgentPolicy refuses an app whose instances need more rights than a role can hold.
func checkAgentPolicy(a appContext, agent cfn.PolicyDocument, r *report.Report) {
	if size := policySize(agent); size > maxInlinePolicies {
		r.Errorf(a.region.Pos, "expected at most %d characters of IAM policy for the instances, got about %d: use fewer volumes, "+
			"elastic addresses, databases or caches", maxInlinePolicies, size)
	}
}

// policySize is the estimated size of a policy in characters.
func policySize(policy cfn.PolicyDocument) int {
	size, err := policy.Size()
	if err != nil {
		return 0 // the template's own encoding will say so
	}
	return size
}
