package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// volumeStatements let instances claim a slot of the app's volumes, and create, attach and move its volume. Existing
// volumes and snapshots must carry the app's tags and the volume tag. Root volumes lack the latter, so an instance
// cannot detach them. New ones must be created with these tags.
func volumeStatements(a appContext, p *part) []cfn.Statement {
	var keys []string
	for _, v := range a.region.Volumes {
		if v.Instance == nil {
			keys = append(keys, document.VolumeKey(a.app.Name, v.Label))
		}
	}
	volume := cfn.ARN("ec2", cfn.String("volume/*"))
	snapshot := cfn.Sub(cfn.String("arn:"), cfn.Partition, cfn.String(":ec2:"), cfn.Region, cfn.String("::snapshot/*"))
	made := func(s cfn.Statement) cfn.Statement { return tagged(s, "aws:RequestTag/", a) }
	owned := func(s cfn.Statement) cfn.Statement { return tagged(s, "aws:ResourceTag/", a) }
	attach := []string{"ec2:AttachVolume", "ec2:DetachVolume"}
	return []cfn.Statement{
		// A request that names no key has no leading keys, and all of none are equal to anything.
		cfn.Allow([]string{"dynamodb:Query", "dynamodb:UpdateItem"}, tableARN(a.net.volumesTable(p))).
			When("ForAllValues:StringEquals", "dynamodb:LeadingKeys", cfn.Strings(keys...)).
			When("Null", "dynamodb:LeadingKeys", cfn.String("false")),
		made(cfn.Allow([]string{"ec2:CreateVolume"}, volume)),
		owned(cfn.Allow([]string{"ec2:CreateVolume"}, snapshot)), // to make one from
		made(cfn.Allow([]string{"ec2:CreateSnapshot"}, snapshot)),
		owned(cfn.Allow([]string{"ec2:CreateSnapshot"}, volume)), // to make one of
		owned(cfn.Allow(append(attach, "ec2:DeleteVolume"), volume)),
		owned(cfn.Allow([]string{"ec2:DeleteSnapshot"}, snapshot)),
		cfn.Allow(attach, cfn.ARN("ec2", cfn.String("instance/*"))).
			When("StringEquals", "aws:ResourceTag/aws:cloudformation:stack-id", cfn.StackID),
		cfn.Allow([]string{"ec2:CreateTags"}, volume, snapshot).
			When("StringEquals", "ec2:CreateAction", cfn.Strings("CreateVolume", "CreateSnapshot")),
		// Whether a slot's holder still lives and stays, and its volume is ready: these calls take no resources.
		cfn.Allow([]string{
			"autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes",
		}, cfn.String("*")),
	}
}

// tagged restricts a statement to resources with the tags of the app's volumes.
func tagged(s cfn.Statement, of string, a appContext) cfn.Statement {
	return s.When("StringEquals", of+document.TagOrbit, cfn.String(a.net.orbit.Name)).
		When("StringEquals", of+document.TagApp, cfn.String(a.app.Name)).
		When("Null", of+document.TagVolume, cfn.String("false"))
}
