package compiler

import (
	"bytes"
	"encoding/json"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// maxInlinePolicies is how many characters a role's inline policies may have together, white space not counted (IAM User
// Guide, "IAM and AWS STS quotas"). Of these, referenceSlack is kept for references in the agent's policy that turn out longer
// than they are written: the stack's id, and what is in S3.
const (
	maxInlinePolicies = 10240
	referenceSlack    = 512
)

// permissions are the manifest's own statements, as they are, for a role that has the agent's policy too.
func permissions(a appContext, agent cfn.PolicyDocument, r *schema.Report) cfn.PolicyDocument {
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
	most := maxInlinePolicies - referenceSlack - policySize(agent)
	if size := policySize(policy); size > most {
		r.Errorf(a.region.At("permissions"), "expected at most %d characters of IAM policy, got %d: "+
			"name fewer actions and resources, with * where they share a prefix", most, size)
	}
	return policy
}

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

func oneOrMany(values []string) cfn.Value {
	if len(values) == 1 {
		return cfn.String(values[0])
	}
	return cfn.Strings(values...)
}

func policySize(policy cfn.PolicyDocument) int {
	body, err := cfn.Encode(policy)
	if err != nil {
		return 0 // the template's own encoding will say so
	}
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return len(body)
	}
	return compact.Len()
}
