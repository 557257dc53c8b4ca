package compiler

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// peerFinder finds the network addresses and groups of the peers that a manifest names. A public load balancer or
// address sees a client's public address: its NAT gateway's or its elastic one. Inside the VPC it sees the private
// address, and the client's security group covers that. Rules that refer to a group match private addresses only (VPC
// User Guide, "Security group rules").
type peerFinder struct {
	appContext
	part   *part
	own    addresses
	plan   balancing
	report *report.Report
}

// portPeers are the peers admitted by one entry of a port's sources. It returns none after a mistake, which is reported.
func (f peerFinder) portPeers(port schema.PublicPort, named schema.Peer) []peer {
	switch named.Kind {
	case schema.CIDRv4:
		return []peer{cidr4(named.Value)}
	case schema.CIDRv6:
		return f.block6(named)
	case schema.PrefixList:
		return []peer{prefixList(named)}
	case schema.Region:
		return f.fromRegion(port, named)
	}
	return f.fromApp(named)
}

// cidr4 is an IPv4 block. Its id holds the whole of it: 10.0.0.0/8 is Cidr10x0x0x0m8.
func cidr4(text string) peer {
	text = masked(text)
	id := "Cidr" + strings.NewReplacer(".", "x", "/", "m").Replace(text)
	return peer{id: id, name: text, cidr: cfn.String(text)}
}

// cidr6 is an IPv6 block. Its id holds the whole of it: 2001:db8::/32 is Cidrv62001xdb8xxm32.
func cidr6(text string) peer {
	text = masked(text)
	id := "Cidrv6" + strings.NewReplacer(":", "x", ".", "p", "/", "m").Replace(text)
	return peer{id: id, name: text, cidr6: cfn.String(text)}
}

// prefixList is a list of blocks that AWS or the account maintains under an id.
func prefixList(named schema.Peer) peer {
	return peer{id: "List" + strings.TrimPrefix(named.Value, "pl-"), name: named.Value, list: cfn.String(named.Value)}
}

// masked is the block as AWS keeps it, the bits after its length cleared.
func masked(text string) string {
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return text
	}
	return block.Masked().String()
}

// block6 warns of IPv6 clients of a balancer that answers over IPv4 only.
func (f peerFinder) block6(named schema.Peer) []peer {
	if f.plan.kind != noBalancer && !f.plan.dualStack {
		f.report.Warnf(named.Pos, "%s cannot connect: the load balancer answers over IPv4 only, like every private or multi-region one "+
			"and every one with a UDP port", named.Value)
	}
	return []peer{cidr6(named.Value)}
}

// fromRegion admits the whole orbit in one region. Regions have separate VPCs without peering, so only public addresses
// connect them.
func (f peerFinder) fromRegion(port schema.PublicPort, named schema.Peer) []peer {
	home := named.Value == f.region.Region
	switch availability := f.region.ELBAvailability; {
	case availability == schema.Private && home:
		return []peer{cidr4(f.net.cidr())}
	case availability == schema.Private:
		f.report.Errorf(named.Pos, "%s cannot reach a private load balancer in %s: an orbit's regions are isolated from each other; "+
			"use elb_availability: multi-region", named.Value, f.region.Region)
		return nil
	case availability == schema.Disabled && home:
		return f.neighbours()
	case availability == schema.Disabled && !public(f.region):
		f.report.Errorf(named.Pos, "%s cannot reach private instances in %s: an orbit's regions are isolated from each other; "+
			"use instance_availability: multi-region, or a load balancer with elb_availability: multi-region", named.Value, f.region.Region)
		return nil
	}
	return f.overInternet(port, named)
}

// neighbours are the VPC's own addresses, and its NAT gateways where the instances' DNS name gives public addresses.
func (f peerFinder) neighbours() []peer {
	peers := []peer{cidr4(f.net.cidr())}
	if f.region.ElasticIPs {
		peers = append(peers, f.nat(f.net.region)...)
	}
	return peers
}

// overInternet are the addresses from which a whole region connects to a public address: its NAT gateways, and this
// app's own elastic addresses there. It is no error if a region has none, unless the manifest names the region.
func (f peerFinder) overInternet(port schema.PublicPort, named schema.Peer) []peer {
	region := f.model.Orbit.Region(named.Value)
	peers := append(f.addressesIn(named.Value), f.overIPv6(region)...)
	if len(peers) == 0 && port.Written("sources") {
		f.report.Errorf(named.Pos, "%s has no fixed address to admit: its NAT is disabled, and %s has no elastic addresses there; "+
			"use nat: enabled in the orbit, elastic_ips: true in the app, or a CIDR block", named.Value, f.app.Name)
	}
	return peers
}

// addressesIn are where traffic of this app from a region comes from over IPv4: the region's NAT gateways, and the app's own
// elastic addresses there.
func (f peerFinder) addressesIn(region string) []peer {
	return append(f.nat(f.model.Orbit.Region(region)), f.elastic(f.app, region)...)
}

// fromApp admits another app: by its security group inside the VPC, else by the addresses it has on the internet.
func (f peerFinder) fromApp(named schema.Peer) []peer {
	other, built := f.find(named.Value)
	if built && other.Region(f.region.Region) == nil {
		f.report.Errorf(named.Pos, "%s does not run in %s: name the region it comes from, or a CIDR block", named.Value, f.region.Region)
		return nil
	}
	switch f.region.ELBAvailability {
	case schema.Private:
		return []peer{f.groupOf(named)}
	case schema.Disabled:
		if f.region.ElasticIPs {
			f.report.Notef(named.Pos, "%s may come to the instances' private addresses; at their host name, which gives the "+
				"elastic ones, it would come through NAT and is not admitted", named.Value)
		}
		return []peer{f.groupOf(named)}
	}
	if built && public(other.Region(f.region.Region)) {
		return f.publicApp(named, other)
	}
	return f.privateApp(named)
}

// publicApp is an app whose instances reach the internet from addresses of their own.
func (f peerFinder) publicApp(named schema.Peer, other *schema.App) []peer {
	peers := f.elastic(other, f.region.Region)
	if len(peers) == 0 {
		f.report.Errorf(named.Pos, "%s has no fixed address to admit: its instances have public addresses that change; "+
			"use elastic_ips: true there, or elb_availability: private here", named.Value)
		return nil
	}
	if six := f.overIPv6(f.net.region); six != nil {
		f.warnShared(named, "over the IPv6 addresses of its VPC")
		peers = append(peers, six...)
	}
	return peers
}

// privateApp admits an app behind its region's NAT gateways. An app of another build counts as one, because its settings
// are unknown here.
func (f peerFinder) privateApp(named schema.Peer) []peer {
	peers := append(f.nat(f.net.region), f.overIPv6(f.net.region)...)
	if len(peers) == 0 {
		f.report.Errorf(named.Pos, "%s cannot reach a public load balancer: the NAT of %s is disabled; "+
			"use elb_availability: private, or nat: enabled in the orbit", named.Value, f.region.Region)
		return nil
	}
	f.warnShared(named, "through its NAT")
	return peers
}

// warnShared warns that a shared address admits other apps, too.
func (f peerFinder) warnShared(named schema.Peer, how string) {
	f.report.Warnf(named.Pos, "%s reaches a public load balancer %s in %s, which other apps there share, so this admits them too; "+
		"use elb_availability: private to admit %s alone", named.Value, how, f.region.Region, named.Value)
}

// find looks an app up. It returns false for an app of another build.
func (f peerFinder) find(name string) (*schema.App, bool) {
	i, ok := slices.BinarySearchFunc(f.model.Apps, name, func(a *schema.App, name string) int { return cmp.Compare(a.Name, name) })
	if !ok {
		return nil, false
	}
	return f.model.Apps[i], true
}

// public says whether the instances have public addresses.
func public(app *schema.AppRegion) bool { return app.InstanceAvailability != schema.Private }
