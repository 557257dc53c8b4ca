package impact

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pebble/spacel/compiler/template"
)

// Edge is who can connect to whom: one rule of a firewall, in the names of the manifests.
type Edge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	What  string `json:"what,omitempty"` // of the destination, unless it is the app's instances: load balancer, database
	Ports string `json:"ports"`          // 443, 7000-7010/udp, icmp, all traffic

	fromKey, toKey string // of the nodes on a map
}

// String is web → main:5432 (database).
func (e Edge) String() string {
	text := e.From + " → " + e.To
	if strings.ContainsAny(e.Ports[:1], "0123456789") {
		text += ":" + e.Ports
	} else {
		text += " " + e.Ports
	}
	if e.What != "" {
		text += " (" + e.What + ")"
	}
	return text
}

// reach are the facts of a resource that decide who can connect to whom.
func (s *Side) reach(id string, r template.Resource) []fact {
	switch r.Type {
	case "AWS::EC2::SecurityGroupIngress":
		return s.rule(KindReach, r.Properties, r.Properties["GroupId"], "")
	case "AWS::EC2::SecurityGroupEgress":
		return s.rule(KindEgress, r.Properties, r.Properties["GroupId"], "")
	case "AWS::EC2::SecurityGroup":
		return s.inlineRules(id, r)
	}
	if table, _ := targetOf(r.Properties["RouteTableId"]); r.Type == subnetRoutes && s.t.Resources[table].Type == routeTable {
		return nil // told with the table
	}
	if r.Type == routeTable {
		return s.subnetsOf(id)
	}
	return routes(r)
}

const (
	routeTable   = "AWS::EC2::RouteTable"
	subnetRoutes = "AWS::EC2::SubnetRouteTableAssociation"
)

// subnetsOf are the subnets with the routes of a table, which make them public or private.
func (s *Side) subnetsOf(table string) []fact {
	var subnets []string
	for _, id := range s.t.IDs() {
		r := s.t.Resources[id]
		if of, _ := targetOf(r.Properties["RouteTableId"]); r.Type == subnetRoutes && of == table {
			subnets = append(subnets, template.Shown(r.Properties["SubnetId"])+s.conditionOf(r))
		}
	}
	if len(subnets) == 0 {
		return nil
	}
	return []fact{{Finding: Finding{Kind: KindRoute, Text: "subnets with the routes of " + table}, key: "subnets",
		value: strings.Join(subnets, ", ")}}
}

// inlineRules are the rules written into a group, and the default rule that lets everything out. EC2 makes that one for every new
// group, and CloudFormation removes it when the template has a rule of its own for traffic out (Template Reference,
// AWS::EC2::SecurityGroupEgress).
func (s *Side) inlineRules(id string, r template.Resource) []fact {
	var out []fact
	self := map[string]any{"Ref": id}
	for _, direction := range []struct {
		kind Kind
		name string
	}{{KindReach, "SecurityGroupIngress"}, {KindEgress, "SecurityGroupEgress"}} {
		list, ok := r.Properties[direction.name].([]any)
		if v, given := r.Properties[direction.name]; given && !ok {
			list = []any{v}
		}
		for i, item := range list {
			rule, ok := item.(map[string]any)
			path := fmt.Sprintf("%s[%d]", direction.name, i)
			if !ok || template.IsIntrinsic(rule) {
				text := "a rule made by a function: " + template.Shown(item)
				out = append(out, fact{Finding: Finding{Kind: direction.kind, Path: path, Text: text}, key: text})
				continue
			}
			out = append(out, s.rule(direction.kind, rule, self, path)...)
		}
	}
	if _, own := r.Properties["SecurityGroupEgress"]; !own && !s.hasEgress(id) {
		out = append(out, s.rule(KindEgress, map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}, self, "")...)
	}
	return out
}

// hasEgress reports whether a rule of its own lets traffic out of a group.
func (s *Side) hasEgress(id string) bool {
	for _, r := range s.t.Resources {
		if group, _ := targetOf(r.Properties["GroupId"]); r.Type == "AWS::EC2::SecurityGroupEgress" && group == id {
			return true
		}
	}
	return false
}

// rule is one fact for each pair of ends of a rule.
func (s *Side) rule(kind Kind, rule map[string]any, group any, path string) []fact {
	var out []fact
	ports := portsOf(rule)
	for _, own := range s.group(group) {
		for _, other := range s.peers(kind, rule, own) {
			e := Edge{From: other.label(), To: own.name, What: own.what, Ports: ports, fromKey: s.key(other), toKey: s.key(own)}
			if kind == KindEgress {
				e = Edge{From: own.label(), To: other.name, What: other.what, Ports: ports}
			}
			text := e.String()
			if kind == KindEgress {
				text = "out: " + text
			}
			out = append(out, fact{Finding: Finding{Kind: kind, Path: path, Text: text, Edge: &e}, key: text})
		}
	}
	return out
}

// label is an owner as the begin of an edge.
func (o owner) label() string {
	if o.what == "" || o.what == "address" {
		return o.name
	}
	return o.name + "'s " + o.what
}

// peers are the other ends of a rule: groups, blocks of addresses, prefix lists.
func (s *Side) peers(kind Kind, rule map[string]any, own owner) []owner {
	for _, name := range []string{"SourceSecurityGroupId", "SourceSecurityGroupName", "DestinationSecurityGroupId"} {
		if v, ok := rule[name]; ok {
			return s.group(v)
		}
	}
	for _, name := range []string{"CidrIp", "CidrIpv6"} {
		if v, ok := rule[name]; ok {
			return []owner{{s.block(kind, template.Shown(v), own), "", unknown}}
		}
	}
	for _, name := range []string{"SourcePrefixListId", "DestinationPrefixListId"} {
		if v, ok := rule[name]; ok {
			return []owner{{"the prefix list " + template.Shown(v), "", unknown}}
		}
	}
	return []owner{{"an unknown source " + words(rule), "", unknown}}
}

// block names a block of addresses. The whole address space is the internet, unless the destination is known to have no public
// address: then only what is routed to the VPC can come.
func (s *Side) block(kind Kind, text string, own owner) string {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		switch {
		case prefix.Bits() > 0:
			return text
		case kind == KindReach && own.public == no:
			return "any address of the VPC or a network connected to it (" + text + ")"
		case prefix.Addr().Is6():
			return "internet (IPv6)"
		}
		return "internet"
	}
	// ${NatAddressUse1Az1 of production-vpc in us-east-1}/32
	name, isAddress := strings.CutSuffix(text, "/32")
	if output, stack, ok := outputOf(strings.Trim(name, "${}")); ok {
		_, region, _ := strings.Cut(name, " in ")
		label := shortStack(s.orbit, stack) + "'s " + output + " in " + strings.Trim(region, "}")
		if zone, nat := strings.CutPrefix(output, "NatAddress"); nat && isAddress {
			label = "the NAT of " + strings.Trim(region, "}") + " (" + zone + ")"
		}
		return label
	}
	return text
}

// portsOf writes a rule's protocol and ports: 443, 7000-7010/udp, icmp, all traffic.
func portsOf(rule map[string]any) string {
	protocol := strings.ToLower(template.Shown(orDefault(rule["IpProtocol"], "-1")))
	from, to := template.Shown(orDefault(rule["FromPort"], "")), template.Shown(orDefault(rule["ToPort"], ""))
	if named, ok := map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}[protocol]; ok {
		protocol = named
	}
	ports := from
	if to != from {
		ports = from + "-" + to
	}
	switch {
	case protocol == "-1" || protocol == "all":
		return "all traffic"
	case protocol == "tcp" && ports == "0-65535", protocol == "udp" && ports == "0-65535":
		return "all ports of " + protocol
	case protocol == "tcp" && ports != "":
		return ports
	case ports == "" || strings.HasPrefix(protocol, "icmp") && ports == "-1":
		return protocol
	}
	return ports + "/" + protocol
}

// routeTypes are the types that connect networks, with the properties that a reviewer needs.
var routeTypes = map[string]string{
	"AWS::EC2::Route": "route", "AWS::EC2::TransitGatewayRoute": "route", "AWS::EC2::VPNConnectionRoute": "route",
	"AWS::EC2::VPCPeeringConnection": "VPC peering", "AWS::EC2::TransitGatewayAttachment": "transit gateway",
	"AWS::EC2::TransitGatewayVpcAttachment": "transit gateway", "AWS::EC2::VPNConnection": "VPN",
	"AWS::EC2::VPNGatewayRoutePropagation": "route propagation", "AWS::EC2::NetworkAclEntry": "network ACL",
	"AWS::EC2::SubnetRouteTableAssociation": "subnet's routes", "AWS::EC2::SubnetNetworkAclAssociation": "subnet's network ACL",
	"AWS::EC2::VPCGatewayAttachment": "gateway of the VPC", "AWS::EC2::ClientVpnAuthorizationRule": "client VPN",
	"AWS::EC2::ClientVpnRoute": "client VPN", "AWS::EC2::ClientVpnTargetNetworkAssociation": "client VPN",
	"AWS::EC2::VPCEndpoint": "VPC endpoint", "AWS::EC2::VPCEndpointService": "VPC endpoint service",
	"AWS::VpcLattice::ServiceNetworkVpcAssociation": "VPC Lattice", "AWS::DirectConnect::GatewayAssociation": "Direct Connect",
}

// routes are facts about the network around the firewalls, with all properties of the resource.
func routes(r template.Resource) []fact {
	name, ok := routeTypes[r.Type]
	if !ok {
		return nil
	}
	properties := map[string]any{}
	for _, member := range members(r.Properties) {
		if member != "Tags" && member != "PolicyDocument" {
			properties[member] = r.Properties[member]
		}
	}
	text := name + ": " + words(properties)
	return []fact{{Finding: Finding{Kind: KindRoute, Text: text}, key: text}}
}
