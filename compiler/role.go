package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// identity is the instances' role. Its policies are separate resources, so that instances can wait for them.
type identity struct {
	*part
	profile *cfn.InstanceProfile
}

// role makes the role with the statements of the app's parts, and a second policy with the manifest's own statements.
func role(a appContext, statements []cfn.Statement, r *report.Report) identity {
	id := identity{part: &part{}}
	role := add(id.part, a.region.Pos, "Role", &cfn.Role{
		AssumeRolePolicyDocument: cfn.AssumedBy("ec2.amazonaws.com"),
		Tags:                     a.nameTag(),
	})
	id.profile = add(id.part, a.region.Pos, "InstanceProfile", &cfn.InstanceProfile{Roles: []cfn.Value{role.Ref()}})
	agent := cfn.Policies(statements...)
	checkAgentPolicy(a, agent, r)
	// CloudFormation may create the group as soon as the role exists. An instance that boots before its policy is attached
	// fails its first calls.
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

// agentStatements are the rights of every app's agent: signal CloudFormation, write its own boot log, and read the
// users' SSH keys. Of the services table it may read the app's own item and the operators'.
func agentStatements(a appContext, p *part) []cfn.Statement {
	services := cfn.Allow([]string{"dynamodb:BatchGetItem"}, tableARN(a.net.servicesTable(p))).
		When("ForAllValues:StringEquals", "dynamodb:LeadingKeys", cfn.Strings(a.app.Name, document.Operators))
	return []cfn.Statement{
		signalStatement(),
		bootLogStatement(a.net.bootLog(p), a.app.Name),
		hostKeyStatement(),
		cfn.Allow([]string{"dynamodb:BatchGetItem"}, tableARN(a.net.usersTable(p))),
		services,
	}
}
