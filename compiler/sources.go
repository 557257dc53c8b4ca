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

// callers finds who really sends the traffic that a manifest's source names. A public balancer, and a public address of an
// instance, see a client of ours by its NAT gateway's or its elastic address; inside the VPC, a client is its private
// address, which its security group stands for.
type callers struct {
	appContext
	part   *part
	own    addresses
	plan   balancing
	report *report.Report
}

// peers are who may send what a source of a port may; none when there is a mistake, which is reported.
func (c callers) peers(port schema.PublicPort, s schema.Peer) []peer {
	switch s.Kind {
	case schema.CIDRv4:
		return []peer{cidr4(s.Value)}
	case schema.CIDRv6:
		return c.block6(s)
	case schema.PrefixList:
		return prefixList(s)
	case schema.Region:
		return c.fromRegion(port, s)
	}
	return c.fromApp(s)
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

func prefixList(s schema.Peer) []peer {
	return []peer{{id: "List" + strings.TrimPrefix(s.Value, "pl-"), name: s.Value, list: cfn.String(s.Value)}}
}

// masked is the block as AWS keeps it, the bits after its length cleared.
func masked(text string) string {
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return text
	}
	return block.Masked().String()
}

func (c callers) block6(s schema.Peer) []peer {
	if c.plan.kind != noBalancer && !c.plan.dualStack {
		c.report.Warnf(s.Pos, "nothing comes from %s: the load balancer answers over IPv4 only, as all do that are private, "+
			"multi-region or have a UDP port", s.Value)
	}
	return []peer{cidr6(s.Value)}
}

func (c callers) fromRegion(port schema.PublicPort, s schema.Peer) []peer {
	home := s.Value == c.region.Region
	switch availability := c.region.ELBAvailability; {
	case availability == schema.Private && home:
		return []peer{cidr4(c.net.cidr())}
	case availability == schema.Private:
		c.report.Errorf(s.Pos, "%s cannot reach a private load balancer in %s: an orbit's regions are isolated from each other; "+
			"use elb_availability: multi-region", s.Value, c.region.Region)
		return nil
	case availability == schema.Disabled && home:
		return c.neighbours()
	case availability == schema.Disabled && !public(c.region):
		c.report.Errorf(s.Pos, "%s cannot reach private instances in %s: an orbit's regions are isolated from each other; "+
			"use instance_availability: multi-region, or a load balancer with elb_availability: multi-region", s.Value, c.region.Region)
		return nil
	}
	return c.overInternet(port, s)
}

// neighbours are the VPC's own addresses, and its NAT gateways where the instances' DNS name gives public addresses.
func (c callers) neighbours() []peer {
	peers := []peer{cidr4(c.net.cidr())}
	if c.region.ElasticIPs {
		peers = append(peers, c.nat(c.net.region)...)
	}
	return peers
}

// overInternet is how a whole region reaches a public address: through its NAT gateways, or from this app's own elastic
// addresses there. A region that the manifest only means by naming none may have no such address.
func (c callers) overInternet(port schema.PublicPort, s schema.Peer) []peer {
	region := c.model.Orbit.Region(s.Value)
	peers := append(c.addressesIn(s.Value), c.overIPv6(region)...)
	if len(peers) == 0 && port.Written("sources") {
		c.report.Errorf(s.Pos, "no address stands for %s: its NAT is disabled, and %s has no elastic addresses there; "+
			"use nat: enabled in the orbit, elastic_ips: true in the app, or a CIDR block", s.Value, c.app.Name)
	}
	return peers
}

// addressesIn are where traffic of this app from a region comes from over IPv4: the region's NAT gateways, and the app's own
// elastic addresses there.
func (c callers) addressesIn(region string) []peer {
	return append(c.nat(c.model.Orbit.Region(region)), c.elastic(c.app, region)...)
}

// fromApp admits another app: by its security group inside the VPC, else by the addresses it has on the internet.
func (c callers) fromApp(s schema.Peer) []peer {
	client, built := c.find(s.Value)
	if built && client.Region(c.region.Region) == nil {
		c.report.Errorf(s.Pos, "%s does not run in %s: name the region it comes from, or a CIDR block", s.Value, c.region.Region)
		return nil
	}
	switch c.region.ELBAvailability {
	case schema.Private:
		return []peer{c.groupOf(s)}
	case schema.Disabled:
		if c.region.ElasticIPs {
			c.report.Notef(s.Pos, "%s may come to the instances' private addresses; at their host name, which gives the "+
				"elastic ones, it would come through NAT and is not admitted", s.Value)
		}
		return []peer{c.groupOf(s)}
	}
	if built && public(client.Region(c.region.Region)) {
		return c.publicApp(s, client)
	}
	return c.privateApp(s)
}

// publicApp is an app whose instances reach the internet from addresses of their own.
func (c callers) publicApp(s schema.Peer, client *schema.App) []peer {
	peers := c.elastic(client, c.region.Region)
	if len(peers) == 0 {
		c.report.Errorf(s.Pos, "no address stands for %s: its instances have public addresses that change; "+
			"use elastic_ips: true there, or elb_availability: private here", s.Value)
		return nil
	}
	if six := c.overIPv6(c.net.region); six != nil {
		c.warnShared(s, "over the IPv6 addresses of its VPC")
		peers = append(peers, six...)
	}
	return peers
}

// privateApp is an app that reaches the internet through its region's NAT gateways; so we take an app of another build.
func (c callers) privateApp(s schema.Peer) []peer {
	peers := append(c.nat(c.net.region), c.overIPv6(c.net.region)...)
	if len(peers) == 0 {
		c.report.Errorf(s.Pos, "%s cannot reach a public load balancer: the NAT of %s is disabled; "+
			"use elb_availability: private, or nat: enabled in the orbit", s.Value, c.region.Region)
		return nil
	}
	c.warnShared(s, "through its NAT")
	return peers
}

func (c callers) warnShared(s schema.Peer, how string) {
	c.report.Warnf(s.Pos, "%s reaches a public load balancer %s in %s, as other apps there do, so they are admitted too; "+
		"use elb_availability: private to admit %s alone", s.Value, how, c.region.Region, s.Value)
}

// find is an app of this build; one of another build is not known.
func (c callers) find(name string) (*schema.App, bool) {
	i, ok := slices.BinarySearchFunc(c.model.Apps, name, func(a *schema.App, name string) int { return cmp.Compare(a.Name, name) })
	if !ok {
		return nil, false
	}
	return c.model.Apps[i], true
}

// public says whether the instances have public addresses.
func public(app *schema.AppRegion) bool { return app.InstanceAvailability != schema.Private }
