package compiler

import "github.com/pebble/spacel/compiler/cfn"

const (
	anywhere   = "0.0.0.0/0"
	anywhereV6 = "::/0"
)

// routes makes one public route table and a private one per zone, which is there in every NAT mode: another mode changes
// routes, never tables.
func (v *vpcPart) routes() {
	v.publicRoutes()
	var egress *cfn.EgressOnlyInternetGateway
	if v.ipv6 != nil {
		egress = add(v.part, v.net.region.At("ipv6"), "EgressOnlyInternetGateway", &cfn.EgressOnlyInternetGateway{
			VpcId: v.vpc.Ref(),
			Tags:  v.named(""),
		})
	}
	for i, zone := range v.net.region.Zones {
		table := add(v.part, v.at, "PrivateRouteTable"+idPart(zone), &cfn.RouteTable{
			VpcId: v.vpc.Ref(),
			Tags:  v.named("private-" + zone),
		})
		v.private = append(v.private, table)
		v.associate(i, zone, table)
		if egress != nil {
			// There is no NAT for IPv6: the egress-only gateway lets connections out and none in, and costs nothing.
			add(v.part, v.at, "PrivateRouteIpv6"+idPart(zone), &cfn.Route{
				Attributes:                  cfn.Attributes{DependsOn: []cfn.Resource{v.ipv6}},
				RouteTableId:                table.Ref(),
				DestinationIpv6CidrBlock:    anywhereV6,
				EgressOnlyInternetGatewayId: egress.Ref(),
			})
		}
	}
	v.Output("PrivateRouteTables", cfn.Output{
		Description: "The private subnets' route tables, one per zone.",
		Value:       cfn.Join(",", refs(v.private)...),
	})
}

// publicRoutes route to the internet gateway. A route fails while the gateway is not attached, so it depends on the
// attachment, which no reference shows.
func (v *vpcPart) publicRoutes() {
	v.public = add(v.part, v.at, "PublicRouteTable", &cfn.RouteTable{VpcId: v.vpc.Ref(), Tags: v.named("public")})
	v.Output("PublicRouteTable", cfn.Output{Description: "The public subnets' route table.", Value: v.public.Ref()})
	add(v.part, v.at, "PublicRoute", &cfn.Route{
		Attributes:           cfn.Attributes{DependsOn: []cfn.Resource{v.attachment}},
		RouteTableId:         v.public.Ref(),
		DestinationCidrBlock: anywhere,
		GatewayId:            v.internet.Ref(),
	})
	if v.ipv6 == nil {
		return
	}
	add(v.part, v.net.region.At("ipv6"), "PublicRouteIpv6", &cfn.Route{
		Attributes:               cfn.Attributes{DependsOn: []cfn.Resource{v.attachment, v.ipv6}},
		RouteTableId:             v.public.Ref(),
		DestinationIpv6CidrBlock: anywhereV6,
		GatewayId:                v.internet.Ref(),
	})
}

// associate gives a zone's subnets their route tables.
func (v *vpcPart) associate(zoneIndex int, zone string, private *cfn.RouteTable) {
	for t := range tiers() {
		table := private
		if t.public() {
			table = v.public
		}
		add(v.part, v.at, subnetID(t, zone)+"Routes", &cfn.SubnetRouteTableAssociation{
			SubnetId:     v.subnet[t][zoneIndex].Ref(),
			RouteTableId: table.Ref(),
		})
	}
}
