package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// nat are a region's NAT gateways, which its private instances come from.
func (f peerFinder) nat(region *schema.OrbitRegion) []peer {
	var peers []peer
	for _, nat := range f.net.natAddresses(f.part, region) {
		peers = append(peers, peer{
			id:   "Nat" + idPart(nat.zone),
			name: "the NAT of " + region.Region + " in " + nat.zone,
			cidr: cfn.Sub(nat.address, cfn.String("/32")),
		})
	}
	return peers
}

// elastic are the elastic addresses of an app's instances in a region: this stack's own, or another stack's outputs.
func (f peerFinder) elastic(app *schema.App, region string) []peer {
	if app == f.app && region == f.region.Region {
		return f.ownElastic()
	}
	// nil means that the app is not in that region, so nothing of it can connect from there.
	there := app.Region(region)
	if there == nil || !there.ElasticIPs {
		return nil
	}
	of := "OfApp" + idPart(app.Name)
	if app == f.app {
		of = "Of" + camel(region)
	}
	var peers []peer
	for n := 1; n <= there.InstanceMax; n++ {
		peers = append(peers, f.elasticOf(app, region, elasticID(n), of))
	}
	return peers
}

// ownElastic are this stack's own addresses, by reference.
func (f peerFinder) ownElastic() []peer {
	var peers []peer
	for _, eip := range f.own.all {
		peers = append(peers, peer{id: eip.ID(), name: eip.ID(), cidr: cfn.Sub(eip.PublicIp(), cfn.String("/32"))})
	}
	return peers
}

// addressPattern allows the empty text, which stands for an absent output.
const addressPattern = `([0-9]{1,3}(\.[0-9]{1,3}){3})?`

// elasticOf is one elastic address of another stack. The rule exists only while the address does.
func (f peerFinder) elasticOf(app *schema.App, region, output, of string) peer {
	stack := document.StackName(f.model.Orbit.Name, app.Name)
	address, there := f.optional(output+of, cfn.Parameter{
		Type:           "String",
		Description:    "An elastic address of " + stack + " in " + region + "; empty while there is none.",
		AllowedPattern: addressPattern,
	}, assembly.Output{Region: region, Stack: stack, Output: output})
	return peer{
		id:        output + of,
		name:      output + " of " + stack + " in " + region,
		cidr:      cfn.Sub(address, cfn.String("/32")),
		condition: there,
	}
}

// groupPattern allows the empty text, which stands for an absent output.
const groupPattern = `(sg-[0-9a-f]{8,17})?`

// groupOf is another app's security group in this region.
func (f peerFinder) groupOf(named schema.Peer) peer {
	stack := document.StackName(f.model.Orbit.Name, named.Value)
	id := "GroupOfApp" + idPart(named.Value)
	group, there := f.optional(id, cfn.Parameter{
		Type:           "String",
		Description:    "The security group of " + stack + "; empty while there is none.",
		AllowedPattern: groupPattern,
	}, assembly.Output{Region: f.region.Region, Stack: stack, Output: document.OutputInstances})
	return peer{id: "App" + idPart(named.Value), name: stack, group: group, condition: there}
}

// optional declares a parameter for an output of another stack, and a condition that is true when the output exists. Two
// apps that name each other can be deployed in any order: the second deploy of the first app adds the rule.
func (f peerFinder) optional(id string, declared cfn.Parameter, from assembly.Output) (cfn.Value, *cfn.Condition) {
	none := ""
	declared.Default = &none
	from.Optional = true
	value := f.part.parameter(id, declared, assembly.ValueFrom{Output: &from}).Ref()
	return value, f.part.Condition("Has"+id, cfn.Not(cfn.Equals(value, cfn.String(""))))
}

// overIPv6 is how a region reaches a dual-stack balancer over IPv6: from its instances' own addresses.
func (f peerFinder) overIPv6(region *schema.OrbitRegion) []peer {
	if !f.plan.dualStack || !region.IPv6 {
		return nil
	}
	block := f.part.parameter("VpcIpv6Cidr"+camel(region.Region), cfn.Parameter{
		Type:        "String",
		Description: "The IPv6 addresses of the orbit's VPC in " + region.Region + ".",
	}, assembly.ValueFrom{Output: &assembly.Output{
		Region: region.Region,
		Stack:  document.StackName(f.model.Orbit.Name, document.StackVPC),
		Output: "VpcIpv6Cidr",
	}}).Ref()
	return []peer{{id: "Ipv6Of" + camel(region.Region), name: "the VPC in " + region.Region, cidr6: block}}
}
