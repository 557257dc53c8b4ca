package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// identity is what the instances may do. The policies are resources of their own, for instances to wait for.
type identity struct {
	*part
	profile *cfn.InstanceProfile
}

// role gives the instances the rights that the app's parts ask for, and in a policy of its own what the manifest asks for.
func role(a appContext, statements []cfn.Statement, r *report.Report) identity {
	id := identity{part: &part{}}
	role := add(id.part, a.region.Pos, "Role", &cfn.Role{
		AssumeRolePolicyDocument: cfn.AssumedBy("ec2.amazonaws.com"),
		Tags:                     a.nameTag(),
	})
	id.profile = add(id.part, a.region.Pos, "InstanceProfile", &cfn.InstanceProfile{Roles: []cfn.Value{role.Ref()}})
	agent := cfn.Policies(statements...)
	checkAgentPolicy(a, agent, r)
	id.waitFor = append(id.waitFor, add(id.part, a.region.Pos, "AgentPolicy", &cfn.IAMPolicy{
		PolicyName:     "Agent",
		PolicyDocument: agent,
		Roles:          []cfn.Value{role.Ref()},
	}))
	if len(a.region.Permissions) > 0 {
		id.waitFor = append(id.waitFor, add(id.part, a.region.At("permissions"), "PermissionsPolicy", &cfn.IAMPolicy{
			PolicyName:     "Permissions",
			PolicyDocument: permissions(a, agent, r),
			Roles:          []cfn.Value{role.Ref()},
		}))
	}
	return id
}

// agentStatements are what the agent of every app does: tell CloudFormation, write its own boot log, and read whose keys
// may log in. Of the services it reads the app's own and the operators'.
func agentStatements(a appContext, p *part) []cfn.Statement {
	services := cfn.Allow([]string{"dynamodb:BatchGetItem"}, tableARN(a.net.servicesTable(p))).
		When("ForAllValues:StringEquals", "dynamodb:LeadingKeys", cfn.Strings(a.app.Name, document.Operators))
	return []cfn.Statement{
		signalStatement(),
		bootLogStatement(a.net.bootLog(p), a.app.Name),
		cfn.Allow([]string{"dynamodb:BatchGetItem"}, tableARN(a.net.usersTable(p))),
		services,
	}
}
