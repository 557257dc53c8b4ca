package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
)

// agentBinary is the agent as the release carries it: where deploy put it, and its sha256 in hex.
type agentBinary struct{ bucket, key, digest cfn.Value }

// agentParameters declares the agent of an architecture, amd64 or arm64. Deploy keeps a parameter's value until told
// otherwise, so instances of another architecture get other parameters.
func agentParameters(p *part, architecture string) agentBinary {
	declare := func(id, part, pattern, description string) cfn.Value {
		return p.parameter(id, cfn.Parameter{Type: "String", AllowedPattern: pattern, Description: description},
			assembly.ValueFrom{Binary: &assembly.Binary{Name: assembly.BinaryAgent, Architecture: architecture, Part: part}}).Ref()
	}
	// The patterns keep what user data embeds free of quotes.
	return agentBinary{
		bucket: declare("Agent"+document.BucketParameter, assembly.PartBucket, `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`,
			"The bucket that holds the agent."),
		key: declare("AgentKey"+idPart(architecture), assembly.PartKey, `[A-Za-z0-9][A-Za-z0-9/._-]*`, "The agent's key in its bucket."),
		digest: declare("AgentDigest"+idPart(architecture), assembly.PartDigest, `[0-9a-f]{64}`,
			"The agent's sha256, without which it is refused."),
	}
}

// statement lets instances fetch the agent, and nothing else of its bucket.
func (a agentBinary) statement() cfn.Statement {
	return cfn.Allow([]string{"s3:GetObject"}, cfn.BareARN("s3", a.bucket, cfn.String("/"), a.key))
}

// tokenParameter declares the parameter which a forced redeploy changes. The token is part of user data, so a new one
// gives a new launch template version and new instances.
func tokenParameter(p *part) cfn.Value {
	return p.parameter(document.ParameterToken, cfn.Parameter{
		Type:           "String",
		AllowedPattern: `[A-Za-z0-9._-]*`,
		Description:    "Changes when a redeploy is forced.",
	}, assembly.ValueFrom{Token: &assembly.Token{}}).Ref()
}

// signalStatement lets instances tell CloudFormation, in their own stack, how their boot went.
func signalStatement() cfn.Statement {
	return cfn.Allow([]string{"cloudformation:SignalResource"}, cfn.StackID)
}

// bootLogStatement lets instances write their own streams of the boot log. An empty app means the bastions.
func bootLogStatement(group, app string) cfn.Statement {
	return cfn.Allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"},
		cfn.ARN("logs", cfn.String("log-group:"+group+":log-stream:"+document.BootStream(app, "*"))))
}

// hostKeyStatement lets an instance record its SSH host key in a tag of its own. The user id of a role's session on an instance
// ends with the instance's id (IAM User Guide, "aws:userid"), so no instance can write another one's tag. The tag's name is the
// only one allowed: other tags of instances decide about rights.
func hostKeyStatement() cfn.Statement {
	return cfn.Allow([]string{"ec2:CreateTags"}, cfn.ARN("ec2", cfn.String("instance/*"))).
		When("StringLike", "aws:userid", cfn.String("*:${ec2:InstanceID}")).
		When("ForAllValues:StringEquals", "aws:TagKeys", cfn.String(document.TagHostKey))
}

// addressStatements let the stack's instances share its elastic addresses: move one of the addresses to one of the
// instances. The condition uses CloudFormation's own tag on the instance, which cannot be set by anybody else because
// tags with the prefix aws: are reserved.
func addressStatements(addresses []*cfn.EIP) []cfn.Statement {
	if len(addresses) == 0 {
		return nil
	}
	var arns []cfn.Value
	for _, a := range addresses {
		arns = append(arns, cfn.ARN("ec2", cfn.String("elastic-ip/"), a.AllocationId()))
	}
	associate := []string{"ec2:AssociateAddress"}
	return []cfn.Statement{
		cfn.Allow(associate, arns...),
		cfn.Allow(associate, cfn.ARN("ec2", cfn.String("instance/*"))).
			When("StringEquals", "aws:ResourceTag/aws:cloudformation:stack-id", cfn.StackID),
		// Which address is free, and which holder is older: EC2 knows no resources for its Describe calls.
		cfn.Allow([]string{"ec2:DescribeAddresses", "ec2:DescribeInstances"}, cfn.String("*")),
	}
}
