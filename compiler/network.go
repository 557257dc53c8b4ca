package compiler

import (
	"slices"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// network is an orbit's VPC in one region as the other stacks see it: parameters bound to the outputs of <orbit>-vpc. The
// stack itself is made in vpc.go, which writes exactly these outputs.
type network struct {
	orbit  *schema.Orbit
	region *schema.OrbitRegion
}

// tier is a kind of subnet. There is one subnet per tier and zone.
type tier string

// The tiers. Databases and caches are reached through subnet groups.
const (
	publicInstance  tier = "PublicInstance"
	privateInstance tier = "PrivateInstance"
	publicBalancer  tier = "PublicBalancer"
	privateBalancer tier = "PrivateBalancer"
	publicNAT       tier = "PublicNat"
	privateCache    tier = "PrivateCache"
	publicDatabase  tier = "PublicDatabase"
	privateDatabase tier = "PrivateDatabase"
)

// cidr is the VPC's IPv4 block.
func (n network) cidr() string { return n.region.PrivateNetwork + ".0.0/16" }

// vpcID is the VPC's id.
func (n network) vpcID(p *part) cfn.Value {
	return n.output(p, document.OutputVPC, "AWS::EC2::VPC::Id", "The orbit's VPC.")
}

// subnets are the ids of a tier's subnets, a list.
func (n network) subnets(p *part, t tier) cfn.Value {
	return n.output(p, string(t)+"Subnets", "List<AWS::EC2::Subnet::Id>", "The orbit's "+string(t)+" subnets, one per zone.")
}

// subnetGroup is the name of the subnet group of a database or cache tier.
func (n network) subnetGroup(p *part, t tier) cfn.Value {
	return n.output(p, string(t)+"SubnetGroup", "String", "The orbit's "+string(t)+" subnet group.")
}

// bastionGroup is the id of the bastions' security group, the only source of SSH.
func (n network) bastionGroup(p *part) cfn.Value {
	return n.output(p, document.OutputBastions, "AWS::EC2::SecurityGroup::Id", "The bastions' security group.")
}

// offered declares an output of the network as a parameter, if a manifest's own resources may refer to it.
func (n network) offered(p *part, name string) bool {
	switch name {
	case document.OutputVPC:
		n.vpcID(p)
		return true
	case document.OutputBastions:
		n.bastionGroup(p)
		return true
	case "VpcCidr":
		n.output(p, name, "String", "The VPC's IPv4 addresses.")
		return true
	case "PublicRouteTable":
		n.output(p, name, "String", "The public subnets' route table.")
		return true
	case "PrivateRouteTables":
		n.output(p, name, "CommaDelimitedList", "The private subnets' route tables.")
		return true
	}
	for t := range tiers() {
		switch name {
		case string(t) + "Subnets":
			n.subnets(p, t)
			return true
		case string(t) + "SubnetGroup":
			if t != privateCache && t != publicDatabase && t != privateDatabase {
				return false
			}
			n.subnetGroup(p, t)
			return true
		}
	}
	return false
}

// bootLog is the name of the log group that every instance's boot is logged to.
func (n network) bootLog(p *part) string {
	n.afterTables(p)
	return document.BootLogGroup(n.orbit.Name)
}

// usersTable is the name of the table of people and their SSH keys.
func (n network) usersTable(p *part) string { return n.table(p, document.UsersTable) }

// servicesTable is the name of the table of who may log in where.
func (n network) servicesTable(p *part) string { return n.table(p, document.ServicesTable) }

// volumesTable is the name of the table of volumes by app, label and slot.
func (n network) volumesTable(p *part) string { return n.table(p, document.VolumesTable) }

// table returns a table's name. The part then depends on the stack of tables, though it takes no output from it.
func (n network) table(p *part, name string) string {
	n.afterTables(p)
	return document.TableName(n.orbit.Name, name)
}

// afterTables has deploy make the part's stack after the region's tables stack, whose tables and log group the part names
// without taking an output of that stack.
func (n network) afterTables(p *part) {
	p.after = append(p.after, assembly.StackRef{Region: n.region.Region, Name: document.StackName(n.orbit.Name, document.StackTables)})
}

// output is a parameter bound to an output of the region's vpc stack, both of the same name.
func (n network) output(p *part, name, kind, description string) cfn.Value {
	return p.parameter(name, cfn.Parameter{Type: kind, Description: description}, assembly.ValueFrom{Output: &assembly.Output{
		Region: n.region.Region,
		Stack:  document.StackName(n.orbit.Name, document.StackVPC),
		Output: name,
	}}).Ref()
}

// natAddresses are the public addresses, as text, that private instances of any of the orbit's regions come from: one
// parameter per NAT gateway. None when the region's NAT is disabled.
func (n network) natAddresses(p *part, region *schema.OrbitRegion) []natAddress {
	var out []natAddress
	for _, zone := range natZones(region) {
		name := "NatAddress" + idPart(zone)
		param := p.parameter(name, cfn.Parameter{
			Type:        "String",
			Description: "The address of " + region.Region + "'s NAT gateway in " + zone + ".",
		}, assembly.ValueFrom{Output: &assembly.Output{Region: region.Region, Stack: document.StackName(n.orbit.Name, document.StackVPC),
			Output: name}})
		out = append(out, natAddress{zone, param.Ref()})
	}
	return out
}

// natAddress is a NAT gateway's address, and the zone it stands in.
type natAddress struct {
	zone    string
	address cfn.Value
}

// natZones are the zones with a NAT gateway. Constrained zones (schema/regions.cue) have none.
func natZones(region *schema.OrbitRegion) []string {
	if region.NAT == schema.NATDisabled {
		return nil
	}
	zones := slices.DeleteFunc(slices.Clone(region.Zones), func(zone string) bool {
		return slices.Contains(region.ConstrainedZones, zone)
	})
	if region.NAT == schema.NATEnabled {
		return zones[:min(1, len(zones))]
	}
	return zones
}
