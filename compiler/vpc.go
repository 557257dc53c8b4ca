package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// vpc is the orbit's network in one region: what network.go gives the other stacks, written as outputs of the same names.
//
// The VPC's default security group stays as AWS made it, for CloudFormation can add rules to it but remove none. Nothing of
// ours is ever in it.
func vpc(net network, r *report.Report) *part {
	p := &part{}
	p.Description = "The network of the orbit " + net.orbit.Name + " in " + net.region.Region + "."
	if !addressable(net.region, r) {
		return p
	}
	v := newVPC(p, net)
	v.subnets()
	v.routes()
	v.natGateways()
	v.gatewayEndpoints()
	v.subnetGroups()
	v.flowLogs()
	v.bastionGroup(r)
	return p
}

// vpcPart is the vpc stack under construction.
type vpcPart struct {
	*part
	net network
	at  report.Pos

	vpc        *cfn.VPC
	internet   *cfn.InternetGateway
	attachment *cfn.VPCGatewayAttachment // what goes through the internet gateway must depend on it
	ipv6       *cfn.VPCCidrBlock         // nil without IPv6
	subnet     map[tier][]*cfn.Subnet    // in the order of the region's zones
	public     *cfn.RouteTable
	private    []*cfn.RouteTable // in the order of the region's zones
}

// newVPC makes the VPC and its internet gateway. DNS host names and resolution are on, because a database with a public
// address needs both (RDS User Guide, "Working with a DB instance in a VPC").
func newVPC(p *part, net network) *vpcPart {
	v := &vpcPart{part: p, net: net, at: net.region.Pos, subnet: map[tier][]*cfn.Subnet{}}
	v.vpc = add(p, net.region.At("private_network"), "Vpc", &cfn.VPC{
		CidrBlock:          net.cidr(),
		EnableDnsHostnames: true,
		EnableDnsSupport:   true,
		Tags:               v.named(""),
	})
	p.Output(document.OutputVPC, cfn.Output{Description: "The VPC.", Value: v.vpc.Ref()})
	p.Output("VpcCidr", cfn.Output{Description: "The VPC's IPv4 addresses.", Value: cfn.String(net.cidr())})
	v.internet = add(p, v.at, "InternetGateway", &cfn.InternetGateway{Tags: v.named("")})
	v.attachment = add(p, v.at, "InternetGatewayAttachment", &cfn.VPCGatewayAttachment{
		VpcId:             v.vpc.Ref(),
		InternetGatewayId: v.internet.Ref(),
	})
	if net.region.IPv6 {
		v.dualStack()
	}
	return v
}

// dualStack associates a /56 of Amazon's IPv6 addresses.
func (v *vpcPart) dualStack() {
	v.ipv6 = add(v.part, v.net.region.At("ipv6"), "Ipv6Block", &cfn.VPCCidrBlock{
		VpcId:                       v.vpc.Ref(),
		AmazonProvidedIpv6CidrBlock: true,
	})
	v.Output("VpcIpv6Cidr", cfn.Output{Description: "The VPC's IPv6 addresses.", Value: v.ipv6Block()})
}

// ipv6Block is the VPC's /56. A resource that uses it must depend on v.ipv6, which CloudFormation cannot see by itself.
func (v *vpcPart) ipv6Block() cfn.Value { return cfn.Select(0, v.vpc.Ipv6CidrBlocks()) }

// named is the tag Name: the orbit's name and the resource's purpose.
func (v *vpcPart) named(what string) []cfn.Tag {
	name := v.net.orbit.Name
	if what != "" {
		name += "-" + what
	}
	return []cfn.Tag{{Key: "Name", Value: cfn.String(name)}}
}

// refs are the ids of resources, in their order.
func refs[R interface{ Ref() cfn.Value }](resources []R) []cfn.Value {
	var out []cfn.Value
	for _, r := range resources {
		out = append(out, r.Ref())
	}
	return out
}
