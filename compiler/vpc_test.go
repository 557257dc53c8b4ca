package compiler

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

func vpcTemplate(t *testing.T, change func(*schema.OrbitRegion)) decodedTemplate {
	t.Helper()
	return decoded(t, orbitStacks(t, orbitRegion(3, change))["vpc"])
}

// TestRoutesAreWhole looks for what no validator sees: a route without exactly one destination and one target, a block that
// is none, a way through the internet gateway that does not wait for it.
func TestRoutesAreWhole(t *testing.T) {
	everyOrbit(t, func(t *testing.T, region *schema.OrbitRegion) {
		stack := decoded(t, orbitStacks(t, region)["vpc"])
		for id, route := range stack.ofType("AWS::EC2::Route") {
			destinations := present(route, "DestinationCidrBlock", "DestinationIpv6CidrBlock")
			targets := present(route, "GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId")
			if len(destinations) != 1 || len(targets) != 1 {
				t.Errorf("%s goes from %v to %v", id, destinations, targets)
				continue
			}
			if _, err := netip.ParsePrefix(route.Properties[destinations[0]].(string)); err != nil {
				t.Error(id, err)
			}
		}
		for id, r := range stack.Resources {
			through := len(present(r, "GatewayId")) == 1 || r.Type == "AWS::EC2::EIP" || r.Type == "AWS::EC2::NatGateway"
			if through && !slices.Contains(r.DependsOn, "InternetGatewayAttachment") {
				t.Errorf("%s does not wait for the internet gateway", id)
			}
			if len(present(r, "Ipv6CidrBlock")) == 1 && !slices.Contains(r.DependsOn, "Ipv6Block") {
				t.Errorf("%s does not wait for the VPC's IPv6 block", id)
			}
		}
	})
}

func present(r resource, properties ...string) []string {
	return slices.DeleteFunc(properties, func(p string) bool { return r.Properties[p] == nil })
}

func TestEverySubnetHasOneRouteTable(t *testing.T) {
	stack := vpcTemplate(t, nil)
	tables := map[string]string{}
	for _, a := range stack.ofType("AWS::EC2::SubnetRouteTableAssociation") {
		subnet := refOf(a.Properties["SubnetId"])
		if tables[subnet] != "" {
			t.Errorf("%s has two route tables", subnet)
		}
		tables[subnet] = refOf(a.Properties["RouteTableId"])
	}
	for id, subnet := range stack.ofType("AWS::EC2::Subnet") {
		want := "PublicRouteTable"
		if strings.HasPrefix(id, "Private") {
			want = "PrivateRouteTable" + idPart(subnet.Properties["AvailabilityZoneId"].(string))
		}
		if tables[id] != want {
			t.Errorf("%s has the route table %q, want %s", id, tables[id], want)
		}
		if subnet.Properties["MapPublicIpOnLaunch"] != false {
			t.Errorf("%s hands out public addresses", id)
		}
	}
	if got, want := len(tables), 8*3; got != want {
		t.Errorf("%d subnets have route tables, want %d", got, want)
	}
}

func refOf(v any) string {
	name, _ := v.(map[string]any)["Ref"].(string)
	return name
}

func TestNAT(t *testing.T) {
	for nat, want := range map[schema.NAT]struct {
		gateways []string
		routes   map[string]string // private route → gateway
	}{
		schema.NATDisabled: {nil, map[string]string{}},
		schema.NATEnabled: {[]string{"NatGatewayUse1Az1"}, map[string]string{
			"PrivateRouteUse1Az1": "NatGatewayUse1Az1", "PrivateRouteUse1Az2": "NatGatewayUse1Az1",
			"PrivateRouteUse1Az3": "NatGatewayUse1Az1",
		}},
		schema.NATPerAZ: {[]string{"NatGatewayUse1Az1", "NatGatewayUse1Az2", "NatGatewayUse1Az3"}, map[string]string{
			"PrivateRouteUse1Az1": "NatGatewayUse1Az1", "PrivateRouteUse1Az2": "NatGatewayUse1Az2",
			"PrivateRouteUse1Az3": "NatGatewayUse1Az3",
		}},
	} {
		t.Run(string(nat), func(t *testing.T) {
			stack := vpcTemplate(t, func(r *schema.OrbitRegion) { r.NAT = nat })
			gateways := slices.Sorted(maps.Keys(stack.ofType("AWS::EC2::NatGateway")))
			if !slices.Equal(gateways, want.gateways) {
				t.Errorf("gateways %v, want %v", gateways, want.gateways)
			}
			routes := map[string]string{}
			for id, r := range stack.ofType("AWS::EC2::Route") {
				if r.Properties["NatGatewayId"] != nil {
					routes[id] = refOf(r.Properties["NatGatewayId"])
				}
			}
			if !maps.Equal(routes, want.routes) {
				t.Errorf("routes %v, want %v", routes, want.routes)
			}
			if addresses := stack.ofType("AWS::EC2::EIP"); len(addresses) != len(gateways) {
				t.Errorf("%d addresses for %d gateways", len(addresses), len(gateways))
			}
		})
	}
}

// TestAnotherNATModeChangesRoutesOnly compares the modes two by two.
func TestAnotherNATModeChangesRoutesOnly(t *testing.T) {
	modes := []schema.NAT{schema.NATDisabled, schema.NATEnabled, schema.NATPerAZ}
	for _, from := range modes {
		for _, to := range modes {
			before := vpcTemplate(t, func(r *schema.OrbitRegion) { r.NAT = from })
			after := vpcTemplate(t, func(r *schema.OrbitRegion) { r.NAT = to })
			for id, r := range before.Resources {
				if strings.HasPrefix(id, "Nat") || strings.HasPrefix(id, "PrivateRouteUse1") {
					continue
				}
				if fmt.Sprint(r) != fmt.Sprint(after.Resources[id]) {
					t.Errorf("nat %s to %s changes %s", from, to, id)
				}
			}
		}
	}
}

func TestIPv6(t *testing.T) {
	stack := vpcTemplate(t, func(r *schema.OrbitRegion) { r.IPv6 = true })
	for id, subnet := range stack.ofType("AWS::EC2::Subnet") {
		if subnet.Properties["Ipv6CidrBlock"] == nil {
			t.Errorf("%s has no IPv6 addresses", id)
		}
		assigns := subnet.Properties["AssignIpv6AddressOnCreation"] == true
		if want := strings.Contains(id, "Instance"); assigns != want {
			t.Errorf("%s assigns IPv6 addresses: %t, want %t", id, assigns, want)
		}
	}
	for _, id := range []string{"PublicRouteIpv6", "PrivateRouteIpv6Use1Az1"} { // EC2 has no ::/0 in a VPC without IPv6
		if !slices.Contains(stack.Resources[id].DependsOn, "Ipv6Block") {
			t.Errorf("%s comes after %q only", id, stack.Resources[id].DependsOn)
		}
	}
	if got := refOf(stack.Resources["PublicRouteIpv6"].Properties["GatewayId"]); got != "InternetGateway" {
		t.Errorf("the public IPv6 route goes to %q", got)
	}
	for _, zone := range []string{"Use1Az1", "Use1Az2", "Use1Az3"} {
		route := stack.Resources["PrivateRouteIpv6"+zone]
		if got := refOf(route.Properties["EgressOnlyInternetGatewayId"]); got != "EgressOnlyInternetGateway" {
			t.Errorf("the private IPv6 route of %s goes to %q", zone, got)
		}
	}
	without := vpcTemplate(t, nil)
	for id := range without.Resources {
		if strings.Contains(id, "v6") {
			t.Errorf("%s is there without ipv6", id)
		}
	}
}

func TestGatewayEndpointsReachEveryRouteTable(t *testing.T) {
	stack := vpcTemplate(t, nil)
	tables := len(stack.ofType("AWS::EC2::RouteTable"))
	if got := len(stack.ofType("AWS::EC2::VPCEndpoint")); got != 2 {
		t.Fatalf("%d endpoints, want 2", got)
	}
	for id, e := range stack.ofType("AWS::EC2::VPCEndpoint") {
		if got := len(e.Properties["RouteTableIds"].([]any)); got != tables {
			t.Errorf("%s is on %d route tables of %d", id, got, tables)
		}
	}
}

func TestFlowLogs(t *testing.T) {
	stack := vpcTemplate(t, func(r *schema.OrbitRegion) { r.FlowLogs = &schema.FlowLogs{Retention: 90, Traffic: "REJECT"} })
	log, group := stack.Resources["FlowLog"], stack.Resources["FlowLogGroup"]
	if log.Properties["TrafficType"] != "REJECT" || group.Properties["RetentionInDays"] != 90.0 {
		t.Errorf("got %v in %v", log, group)
	}
	for _, s := range statementsOf(t, stack) {
		if fmt.Sprint(s.Resource) != fmt.Sprint([]any{map[string]any{"Fn::GetAtt": []any{"FlowLogGroup", "Arn"}}}) {
			t.Errorf("the role may %v on %v", s.Action, s.Resource)
		}
	}
	if got := vpcTemplate(t, nil).ofType("AWS::EC2::FlowLog"); len(got) != 0 {
		t.Errorf("flow logs nobody asked for: %v", got)
	}
}

func TestBastionSources(t *testing.T) {
	stack := vpcTemplate(t, func(r *schema.OrbitRegion) {
		r.BastionSources = []schema.Peer{
			{Kind: schema.CIDRv4, Value: "1.1.11.0/24"},
			{Kind: schema.CIDRv4, Value: "1.11.1.0/24"},
			{Kind: schema.CIDRv4, Value: "1.11.1.0/24"},
			{Kind: schema.CIDRv6, Value: "2001:db8::/32"},
			{Kind: schema.PrefixList, Value: "pl-0123456789abcdef0"},
		}
	})
	var got []string
	for _, rule := range stack.ofType("AWS::EC2::SecurityGroupIngress") {
		p := rule.Properties
		got = append(got, fmt.Sprintf("%v %v %v %v %v-%v", p["CidrIp"], p["CidrIpv6"], p["SourcePrefixListId"], p["IpProtocol"],
			p["FromPort"], p["ToPort"]))
	}
	slices.Sort(got)
	want := []string{
		"1.1.11.0/24 <nil> <nil> tcp 22-22",
		"1.11.1.0/24 <nil> <nil> tcp 22-22",
		"<nil> 2001:db8::/32 <nil> tcp 22-22",
		"<nil> <nil> pl-0123456789abcdef0 tcp 22-22",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
