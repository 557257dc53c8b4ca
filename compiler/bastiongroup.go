package compiler

import (
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// bastionGroup is the bastions' security group. It is the VPC's, not the bastions' stack's, so that apps can let it in
// whether or not there are bastions.
func (v *vpcPart) bastionGroup(r *report.Report) {
	group := add(v.part, v.at, document.OutputBastions, &cfn.SecurityGroup{
		GroupDescription: "The bastions of the orbit " + v.net.orbit.Name + ": SSH from bastion_sources.",
		VpcId:            v.vpc.Ref(),
		Tags:             v.named("bastion"),
	})
	v.Output(document.OutputBastions, cfn.Output{Description: "The bastions' security group.", Value: group.GroupId()})
	open := rulesIn(v.part)
	for _, named := range v.net.region.BastionSources {
		open.admit(named.Pos, group, bastionPeer(named), tcp(22))
	}
	open.crowded(v.net.region.At("bastion_sources"), group, r)
}

// noteOpenBastions notes bastions that the whole internet can reach, which is the default: SSH with keys only, and still the one port of
// the orbit that no app decides about.
func noteOpenBastions(region *schema.OrbitRegion, r *report.Report) {
	open := func(p schema.Peer) bool { return p.Value == "0.0.0.0/0" || p.Value == "::/0" }
	if region.BastionInstanceCount > 0 && slices.ContainsFunc(region.BastionSources, open) {
		r.Notef(region.At("bastion_sources"), "everybody may reach port 22 of the bastions in %s: list your own addresses", region.Region)
	}
}

// bastionPeer converts an entry of bastion_sources, which the schema limits to blocks and prefix lists.
func bastionPeer(named schema.Peer) peer {
	switch named.Kind {
	case schema.CIDRv6:
		return cidr6(named.Value)
	case schema.PrefixList:
		return prefixList(named)
	}
	return cidr4(named.Value)
}
