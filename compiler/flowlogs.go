package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// flowLogs writes the VPC's flow logs to a log group, where they stay when the orbit goes.
func (v *vpcPart) flowLogs() {
	wanted := v.net.region.FlowLogs
	if wanted == nil {
		return
	}
	group := add(v.part, wanted.Pos, "FlowLogGroup", keptLogGroup(document.FlowLogGroup(v.net.orbit.Name), wanted.Retention))
	// The service VPC Flow Logs writes to the group with this role, so it needs the rights and not the instances.
	role := add(v.part, wanted.Pos, "FlowLogRole", &cfn.Role{
		AssumeRolePolicyDocument: flowLogTrust(),
		Policies: []cfn.RolePolicy{{
			PolicyName: "WriteFlowLogs",
			PolicyDocument: cfn.Policies(cfn.Allow(
				[]string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}, group.Arn())),
		}},
		Tags: v.named("flow-logs"),
	})
	add(v.part, wanted.Pos, "FlowLog", &cfn.FlowLog{
		ResourceType:             "VPC",
		ResourceId:               v.vpc.Ref(),
		TrafficType:              wanted.Traffic,
		LogDestinationType:       "cloud-watch-logs",
		LogGroupName:             group.Ref(),
		DeliverLogsPermissionArn: role.Arn(),
		Tags:                     v.named(""),
	})
	v.Output("FlowLogGroup", cfn.Output{Description: "The flow logs' log group.", Value: group.Ref()})
}

// flowLogTrust is for flow logs of this account and region only, lest another's make use of the role (VPC User Guide, "IAM
// role for publishing flow logs to CloudWatch Logs").
func flowLogTrust() cfn.PolicyDocument {
	trust := cfn.AssumedBy("vpc-flow-logs.amazonaws.com")
	trust.Statement[0] = trust.Statement[0].
		When("StringEquals", "aws:SourceAccount", cfn.AccountID).
		When("ArnLike", "aws:SourceArn", cfn.ARN("ec2", cfn.String("vpc-flow-log/*")))
	return trust
}
