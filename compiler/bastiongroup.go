package compiler

import (
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// bastionGroup is the bastions' security group. It is the VPC's, not the bastions' stack's, so that apps can let it in
// whether or not there are bastions.
func (v *vpcPart) bastionGroup(r *report.Report) {
	group := add(v.part, v.at, "BastionGroup", &cfn.SecurityGroup{
		GroupDescription: "The bastions of the orbit " + v.net.orbit.Name + ": SSH from bastion_sources.",
		VpcId:            v.vpc.Ref(),
		Tags:             v.named("bastion"),
	})
	v.Output("BastionGroup", cfn.Output{Description: "The bastions' security group.", Value: group.GroupId()})
	open := rulesIn(v.part)
	for _, source := range v.net.region.BastionSources {
		open.admit(source.Pos, group, bastionClient(source), tcp(22))
	}
	open.crowded(v.net.region.At("bastion_sources"), group, r)
}

func bastionClient(s schema.Peer) peer {
	switch s.Kind {
	case schema.CIDRv6:
		return cidr6(s.Value)
	case schema.PrefixList:
		return peer{id: "List" + strings.TrimPrefix(s.Value, "pl-"), name: s.Value, list: cfn.String(s.Value)}
	}
	return cidr4(s.Value)
}
