package compiler

import (
	"net/netip"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// store is a database or a cache as its clients see it. Its name gives a private address inside the VPC and, when it has a
// public one, that elsewhere (RDS User Guide, "Hiding a DB instance in a VPC from the internet").
type store struct {
	id     string // its logical id
	what   string // database or cache, and its name
	at     schema.Node
	port   int
	public bool

	rules // of its group, and of no other: a rule is left out only when it is there twice
	group *cfn.SecurityGroup
}

// open gives a store a security group that the app's instances may enter, for which they wait.
func (s store) open(a appContext, p *part, g groups) store {
	s.rules = rulesIn(p)
	s.group = add(p, s.at.Pos, s.id+"Sg", &cfn.SecurityGroup{
		GroupDescription: "The " + s.what + " of " + a.stackName(),
		VpcId:            a.net.vpcID(p),
		Tags:             a.nameTag(),
	})
	p.waitFor = append(p.waitFor, s.let(s.at.Pos, member(g.instances)))
	return s
}

func (s store) let(at report.Pos, from peer) *cfn.SecurityGroupIngress {
	return s.admit(at, s.group, from, tcp(s.port))
}

// admitClients lets in whom the manifest names beside the app itself.
func (c callers) admitClients(s store, clients []schema.Peer) {
	for _, client := range clients {
		for _, peer := range c.clients(s, client) {
			s.let(client.Pos, peer)
		}
	}
	s.crowded(s.at.At("clients"), s.group, c.report)
}

// clients are who may connect to a store that a word of clients means; none when there is a mistake, which is reported.
func (c callers) clients(s store, client schema.Peer) []peer {
	switch client.Kind {
	case schema.CIDRv4:
		return c.clientBlock(s, client)
	case schema.CIDRv6:
		c.report.Warnf(client.Pos, "nothing comes from %s: the %s answers over IPv4 only", client.Value, s.what)
		return nil
	case schema.Region:
		return c.clientRegion(s, client)
	case schema.OtherApp:
		return c.clientApp(client)
	}
	return prefixList(client)
}

// insideBlocks are the addresses that a client inside a VPC, or one that reaches it by a private line, may have.
func insideBlocks(n network) []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(n.cidr()), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	}
}

func (c callers) clientBlock(s store, client schema.Peer) []peer {
	block, err := netip.ParsePrefix(client.Value)
	reached := s.public || err != nil
	for _, inside := range insideBlocks(c.net) {
		reached = reached || block.Overlaps(inside)
	}
	if !reached {
		c.report.Warnf(client.Pos, "%s is left out: the internet cannot reach the %s, which has no public address", client.Value, s.what)
		return nil
	}
	return []peer{cidr4(client.Value)}
}

func (c callers) clientRegion(s store, client schema.Peer) []peer {
	switch {
	case client.Value == c.region.Region:
		return []peer{cidr4(c.net.cidr())}
	case !s.public:
		c.report.Errorf(client.Pos, "%s cannot reach the %s in %s, which has no public address: an orbit's regions are isolated from each other",
			client.Value, s.what, c.region.Region)
		return nil
	}
	peers := c.addressesIn(client.Value)
	if len(peers) == 0 {
		c.report.Errorf(client.Pos, "no address stands for %s: its NAT is disabled, and %s has no elastic addresses there; "+
			"use nat: enabled in the orbit, elastic_ips: true in the app, or a CIDR block", client.Value, c.app.Name)
	}
	return peers
}

// clientApp is another app, which is inside the VPC.
func (c callers) clientApp(client schema.Peer) []peer {
	other, built := c.find(client.Value)
	if built && other.Region(c.region.Region) == nil {
		c.report.Errorf(client.Pos, "%s does not run in %s: name the region it comes from, or a CIDR block", client.Value, c.region.Region)
		return nil
	}
	return []peer{c.groupOf(client)}
}
