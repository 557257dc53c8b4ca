package compiler

import (
	"strconv"
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// peer is the other end of a security group's rule. One of the four values is set.
type peer struct {
	id        string // in a rule's logical id; equal peers have equal ids
	name      string // in a rule's description
	cidr      cfn.Value
	cidr6     cfn.Value
	group     cfn.Value
	list      cfn.Value
	condition *cfn.Condition // nil: the rule always stands
}

// traffic is a protocol and a range of ports.
type traffic struct {
	protocol string // as CloudFormation writes it: tcp, udp, icmp …, or -1 for all
	from, to int    // of ICMP -1, of all protocols 0
}

// tcp is one TCP port.
func tcp(port int) traffic { return traffic{"tcp", port, port} }

// rules are the rules of the app's security groups. A rule's id is made from its content alone, so a rule that several
// ports or sources ask for exists once, and different rules have different ids.
//
// AWS rejects duplicate rules. If two resources described the same rule, deleting one would delete the rule for both.
type rules struct {
	*part
	into map[string]ruleCount // by the group's id
}

// rulesIn starts with no rules; the part may have other resources.
func rulesIn(p *part) rules { return rules{p, map[string]ruleCount{}} }

// admit lets traffic from a peer into a group, and returns the rule, nil when it is there already. The manifest's position is
// the first one's that asks for the rule.
func (r rules) admit(at report.Pos, into *cfn.SecurityGroup, from peer, t traffic) *cfn.SecurityGroupIngress {
	id := "Ingress" + into.ID() + from.id + t.id()
	if r.Has(id) {
		return nil
	}
	rule := add(r.part, at, id, &cfn.SecurityGroupIngress{
		GroupId:               into.GroupId(),
		IpProtocol:            t.protocol,
		FromPort:              t.from,
		ToPort:                t.to,
		CidrIp:                from.cidr,
		CidrIpv6:              from.cidr6,
		SourceSecurityGroupId: from.group,
		SourcePrefixListId:    from.list,
		Description:           t.name() + " from " + from.name,
	})
	rule.Condition = from.condition
	count := r.into[into.ID()]
	count.add(from)
	r.into[into.ID()] = count
	return rule
}

// release lets traffic out of a group to another. A new security group has a default rule that lets all traffic out.
// CloudFormation removes it when the template has an egress rule for the group.
func (r rules) release(at report.Pos, from, to *cfn.SecurityGroup, t traffic) {
	id := "Egress" + from.ID() + to.ID() + t.id()
	if r.Has(id) {
		return
	}
	add(r.part, at, id, &cfn.SecurityGroupEgress{
		GroupId:                    from.GroupId(),
		IpProtocol:                 t.protocol,
		FromPort:                   t.from,
		ToPort:                     t.to,
		DestinationSecurityGroupId: to.GroupId(),
		Description:                t.name() + " to " + to.ID(),
	})
}

// member is a peer that stands for all in a group of this stack.
func member(g *cfn.SecurityGroup) peer { return peer{id: g.ID(), name: g.ID(), group: g.GroupId()} }

// id is Tcp80, Tcp8000to8100, or of a protocol without ports, Icmp. No protocol ends in another's name, so what stands
// before it in a rule's id can be told apart again.
func (t traffic) id() string {
	id := strings.ToUpper(t.protocol[:1]) + t.protocol[1:]
	if t.protocol == "-1" {
		id = "All"
	}
	if t.from <= 0 {
		return id
	}
	id += strconv.Itoa(t.from)
	if t.to != t.from {
		id += "to" + strconv.Itoa(t.to)
	}
	return id
}

// name is the traffic in a rule's description: TCP 80, UDP 7000-7010, ICMP.
func (t traffic) name() string {
	name := strings.ToUpper(t.protocol)
	if t.protocol == "-1" {
		name = "All"
	}
	if t.from <= 0 {
		return name
	}
	name += " " + strconv.Itoa(t.from)
	if t.to != t.from {
		name += "-" + strconv.Itoa(t.to)
	}
	return name
}
