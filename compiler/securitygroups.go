package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// groups are the app's security groups. Their rules are resources of their own, in firewall.go.
type groups struct {
	*part
	instances *cfn.SecurityGroup // Sg: every output names this one, and so do other apps' rules
	balancer  *cfn.SecurityGroup // BalancerSg: nil without a load balancer
}

// securityGroups makes the instances' group, which lets everything out, and the balancer's, which lets out what its rules say.
func securityGroups(a appContext, b balancing) groups {
	p := &part{}
	vpc := a.net.vpcID(p)
	g := groups{part: p}
	g.instances = add(p, a.region.Pos, "Sg", &cfn.SecurityGroup{
		// EC2 cannot change a description, so it holds nothing that a manifest could change.
		GroupDescription: "The instances of " + a.stackName(),
		VpcId:            vpc,
		Tags:             a.nameTag(),
	})
	p.Output(document.OutputInstances, cfn.Output{Description: "The instances' security group.", Value: g.instances.GroupId()})
	if b.kind == noBalancer {
		return g
	}
	g.balancer = add(p, a.region.At("elb_availability"), "BalancerSg", &cfn.SecurityGroup{
		GroupDescription: "The load balancer of " + a.stackName(),
		VpcId:            vpc,
		Tags:             a.nameTag(),
	})
	return g
}
