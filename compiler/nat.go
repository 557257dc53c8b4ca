package compiler

import (
	"slices"

	"github.com/pebble/spacel/compiler/cfn"
)

// natGateways makes the region's NAT gateways, each with an address of its own that apps elsewhere may let in, and each
// zone's way to one of them: its own, else the first.
func (v *vpcPart) natGateways() {
	zones := natZones(v.net.region)
	gateways := map[string]*cfn.NatGateway{}
	for _, zone := range zones {
		gateways[zone] = v.natGateway(zone)
	}
	for i, zone := range v.net.region.Zones {
		gateway := gateways[zone]
		// With NAT in one zone, the other zones' traffic crosses zones: cheaper gateways, but one zone's failure cuts all off.
		if gateway == nil && len(zones) > 0 {
			gateway = gateways[zones[0]]
		}
		if gateway == nil {
			continue
		}
		add(v.part, v.net.region.At("nat"), "PrivateRoute"+idPart(zone), &cfn.Route{
			RouteTableId:         v.private[i].Ref(),
			DestinationCidrBlock: anywhere,
			NatGatewayId:         gateway.Ref(),
		})
	}
}

// natGateway makes one gateway. The address is a resource of its own, so it stays the same for the lifetime of the
// stack.
func (v *vpcPart) natGateway(zone string) *cfn.NatGateway {
	at := v.net.region.At("nat")
	after := cfn.Attributes{DependsOn: []cfn.Resource{v.attachment}}
	address := add(v.part, at, "NatAddress"+idPart(zone), &cfn.EIP{
		Attributes: after,
		Domain:     "vpc",
		Tags:       v.named("nat-" + zone),
	})
	v.Output("NatAddress"+idPart(zone), cfn.Output{
		Description: "The address that private instances come from, of the NAT gateway in " + zone + ".",
		Value:       address.PublicIp(),
	})
	return add(v.part, at, "NatGateway"+idPart(zone), &cfn.NatGateway{
		Attributes:   after,
		SubnetId:     v.subnet[publicNAT][slices.Index(v.net.region.Zones, zone)].Ref(),
		AllocationId: address.AllocationId(),
		Tags:         v.named("nat-" + zone),
	})
}
