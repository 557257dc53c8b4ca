package compiler

import (
	"net/netip"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// store is a database or a cache as its clients see it. Its name gives a private address inside the VPC and, when it has a
// public one, that elsewhere (RDS User Guide, "Hiding a DB instance in a VPC from the internet").
type store struct {
	id     string // its logical id
	what   string // database or cache, and its name
	at     sections.Node
	port   int
	public bool

	rules // of its group, and of no other: a rule is left out only when it is there twice
	group *cfn.SecurityGroup
}

// open makes the store's security group and a rule that admits the app's instances. The instances wait for the rule.
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

// let admits a peer to the store's port.
func (s store) let(at report.Pos, from peer) *cfn.SecurityGroupIngress {
	return s.admit(at, s.group, from, tcp(s.port))
}

// admitPeers adds rules for the manifest's clients.
func (f peerFinder) admitPeers(s store, all []schema.Peer) {
	for _, named := range all {
		for _, peer := range f.storePeers(s, named) {
			s.let(named.Pos, peer)
		}
	}
	s.crowded(s.at.At("clients"), s.group, f.report)
}

// storePeers are the peers admitted by one entry of clients. It returns none after a mistake, which is reported.
func (f peerFinder) storePeers(s store, named schema.Peer) []peer {
	switch named.Kind {
	case schema.CIDRv4:
		return f.storeBlock(s, named)
	case schema.CIDRv6:
		f.report.Warnf(named.Pos, "%s cannot connect: the %s answers over IPv4 only", named.Value, s.what)
		return nil
	case schema.Region:
		return f.storeRegion(s, named)
	case schema.OtherApp:
		return f.storeApp(named)
	}
	return []peer{prefixList(named)}
}

// insideBlocks are the address ranges of clients in the VPC or behind a private line: the VPC's own, RFC 1918's, and RFC
// 6598's 100.64.0.0/10.
func insideBlocks(n network) []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(n.cidr()), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	}
}

// storeBlock leaves out a public block if the store has no public address.
func (f peerFinder) storeBlock(s store, named schema.Peer) []peer {
	block, err := netip.ParsePrefix(named.Value)
	reached := s.public || err != nil
	for _, inside := range insideBlocks(f.net) {
		reached = reached || block.Overlaps(inside)
	}
	if !reached {
		f.report.Warnf(named.Pos, "%s is left out: the internet cannot reach the %s, which has no public address", named.Value, s.what)
		return nil
	}
	return []peer{cidr4(named.Value)}
}

// storeRegion admits a whole region: the VPC's block at home, public addresses otherwise.
func (f peerFinder) storeRegion(s store, named schema.Peer) []peer {
	switch {
	case named.Value == f.region.Region:
		return []peer{cidr4(f.net.cidr())}
	case !s.public:
		f.report.Errorf(named.Pos, "%s cannot reach the %s in %s, which has no public address: an orbit's regions are isolated from each "+
			"other",
			named.Value, s.what, f.region.Region)
		return nil
	}
	peers := f.addressesIn(named.Value)
	if len(peers) == 0 {
		f.report.Errorf(named.Pos, "%s has no fixed address to admit: its NAT is disabled, and %s has no elastic addresses there; "+
			"use nat: enabled in the orbit, elastic_ips: true in the app, or a CIDR block", named.Value, f.app.Name)
	}
	return peers
}

// storeApp is another app, which is inside the VPC.
func (f peerFinder) storeApp(named schema.Peer) []peer {
	other, built := f.find(named.Value)
	if built && other.Region(f.region.Region) == nil {
		f.report.Errorf(named.Pos, "%s does not run in %s: name the region it comes from, or a CIDR block", named.Value, f.region.Region)
		return nil
	}
	return []peer{f.groupOf(named)}
}
