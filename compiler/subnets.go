package compiler

import (
	"github.com/pebble/spacel/compiler/cfn"
)

// tiers are all kinds of subnets, and how they are called where people read them.
func tiers() map[tier]string {
	return map[tier]string{
		publicInstance:  "public-instance",
		privateInstance: "private-instance",
		publicBalancer:  "public-balancer",
		privateBalancer: "private-balancer",
		publicNAT:       "public-nat",
		privateCache:    "private-cache",
		publicDatabase:  "public-database",
		privateDatabase: "private-database",
	}
}

// public says whether a tier's subnets route to the internet gateway.
func (t tier) public() bool {
	switch t {
	case publicInstance, publicBalancer, publicNAT, publicDatabase:
		return true
	}
	return false
}

// instances says whether a tier holds instances: they get an IPv6 address as they start. What AWS runs in the other tiers
// asks for one itself when it wants one.
func (t tier) instances() bool { return t == publicInstance || t == privateInstance }

// subnets makes a subnet per tier and zone, whether or not it is in use, so that later changes to NAT or an app move
// nothing.
func (v *vpcPart) subnets() {
	for t, name := range tiers() {
		for _, zone := range v.net.region.Zones {
			v.subnet[t] = append(v.subnet[t], v.addSubnet(t, name, zone))
		}
		v.Output(string(t)+"Subnets", cfn.Output{
			Description: "The " + name + " subnets, one per zone.",
			Value:       cfn.Join(",", refs(v.subnet[t])...),
		})
	}
}

// addSubnet makes one subnet. It assigns no public IPv4 addresses by itself (MapPublicIpOnLaunch), so instances get one
// only by request.
func (v *vpcPart) addSubnet(t tier, name, zone string) *cfn.Subnet {
	subnet := &cfn.Subnet{
		VpcId:              v.vpc.Ref(),
		AvailabilityZoneId: zone,
		CidrBlock:          v.net.subnetBlock(zone, t),
		Tags:               v.named(name + "-" + zone),
	}
	if v.ipv6 != nil {
		subnet.DependsOn = []cfn.Resource{v.ipv6}
		subnet.Ipv6CidrBlock = cfn.Select(thirdOctet(zone, t), cfn.Cidr(v.ipv6Block(), 256, 64))
		subnet.AssignIpv6AddressOnCreation = t.instances()
	}
	return add(v.part, v.net.region.At("azs"), subnetID(t, zone), subnet)
}

// subnetID contains the zone, so that a new zone never changes the ids of others.
func subnetID(t tier, zone string) string { return string(t) + "Subnet" + idPart(zone) }

// subnetGroups are what databases and caches find their subnets by.
func (v *vpcPart) subnetGroups() {
	for _, t := range []tier{publicDatabase, privateDatabase} {
		v.groupOutput(t, add(v.part, v.at, string(t)+"SubnetGroup", &cfn.DBSubnetGroup{
			DBSubnetGroupDescription: v.groupDescription(t),
			SubnetIds:                refs(v.subnet[t]),
			Tags:                     v.named(tiers()[t]),
		}).Ref())
	}
	v.groupOutput(privateCache, add(v.part, v.at, string(privateCache)+"SubnetGroup", &cfn.CacheSubnetGroup{
		Description: v.groupDescription(privateCache),
		SubnetIds:   refs(v.subnet[privateCache]),
		Tags:        v.named(tiers()[privateCache]),
	}).Ref())
}

// groupDescription returns the description of a subnet group. RDS shows it in its console, and requires one.
func (v *vpcPart) groupDescription(t tier) string {
	return "The " + tiers()[t] + " subnets of the orbit " + v.net.orbit.Name + "."
}

// groupOutput outputs the group's name, which databases and caches refer to.
func (v *vpcPart) groupOutput(t tier, name cfn.Value) {
	v.Output(string(t)+"SubnetGroup", cfn.Output{Description: "The " + tiers()[t] + " subnet group's name.", Value: name})
}
