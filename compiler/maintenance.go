package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// maintenanceRole adds the role by which EventBridge Scheduler ends the maintenance of an app at its time. It can delete rules that
// spacel maintenance made for this orbit, and nothing else. It costs nothing, and is idle while no schedule names it.
//
// The trust is limited to schedules of this account, in the group default (EventBridge Scheduler User Guide, "Confused deputy
// prevention").
func maintenanceRole(p *part, net network) {
	trust := cfn.AssumedBy("scheduler.amazonaws.com")
	trust.Statement[0] = trust.Statement[0].
		When("StringEquals", "aws:SourceAccount", cfn.AccountID).
		When("ArnEquals", "aws:SourceArn", cfn.ARN("scheduler", cfn.String("schedule-group/default")))
	role := add(p, net.region.Pos, document.OutputMaintenance, &cfn.Role{
		AssumeRolePolicyDocument: trust,
		Policies: []cfn.RolePolicy{{PolicyName: "EndMaintenance", PolicyDocument: cfn.Policies(
			cfn.Allow([]string{"elasticloadbalancing:DeleteRule"}, cfn.ARN("elasticloadbalancing", cfn.String("listener-rule/app/*"))).
				When("StringEquals", "aws:ResourceTag/"+document.TagMaintenance, cfn.String(net.orbit.Name)),
		)}},
		Tags: []cfn.Tag{{Key: "Name", Value: cfn.String(document.StackName(net.orbit.Name, document.StackTables))}},
	})
	p.Output(document.OutputMaintenance, cfn.Output{Description: "The role that ends maintenance at its time.", Value: role.Arn()})
}
