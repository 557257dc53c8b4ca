package compiler

import (
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// firewall writes the rules of the app's security groups: from the public ports' sources to the balancer and from the balancer
// to the instances, or straight to the instances; among the instances; and SSH from the bastions.
func firewall(a appContext, g groups, b balancing, own addresses, r *report.Report) *part {
	all := rulesIn(&part{})
	from := peerFinder{appContext: a, part: all.part, own: own, plan: b, report: r}

	public := g.instances
	if b.kind != noBalancer {
		public = g.balancer
		behindBalancer(all, a, g, b)
	}
	for _, port := range a.region.PublicPorts {
		admitPort(all, public, port, from)
	}
	all.crowded(a.region.At("public_ports"), public, r)
	amongInstances(all, a, g)
	bastions := peer{id: "Bastions", name: "the bastions", group: a.net.bastionGroup(all.part)}
	all.admit(a.region.Pos, g.instances, bastions, tcp(22))
	return all.part
}

// admitPort opens a public port to its sources. It is an error if the default sources have no addresses at all.
func admitPort(all rules, into *cfn.SecurityGroup, port schema.PublicPort, from peerFinder) {
	admitted := 0
	for _, named := range port.Sources {
		for _, peer := range from.portPeers(port, named) {
			all.admit(named.Pos, into, peer, traffic{transport(port.Scheme), port.Port, port.Port})
			admitted++
		}
	}
	if admitted == 0 && len(port.Sources) > 0 && !port.Written("sources") {
		from.report.Errorf(port.At("sources"), "nobody could reach port %d: NAT is disabled in all of the orbit's regions, and the app "+
			"has no elastic addresses; write sources", port.Port)
	}
}

// behindBalancer opens the traffic between the balancer and the instances, out of one group and into the other:
// forwarded requests and health checks.
func behindBalancer(all rules, a appContext, g groups, b balancing) {
	open := func(at report.Pos, t traffic) {
		all.release(at, g.balancer, g.instances, t)
		all.admit(at, g.instances, member(g.balancer), t)
	}
	for _, route := range b.routes {
		if route.target != (target{}) {
			open(route.port.Pos, traffic{transport(route.target.protocol), route.target.port, route.target.port})
		}
	}
	open(a.region.HealthCheck.Pos, tcp(b.check.port))
}

// amongInstances opens the private ports between the app's own instances.
func amongInstances(all rules, a appContext, g groups) {
	for _, port := range a.region.PrivatePorts {
		for _, protocol := range port.Protocols {
			all.admit(port.Pos, g.instances, member(g.instances), overProtocol(protocol, port))
		}
	}
}

// overProtocol is a private port's traffic over a protocol, all of it when the protocol knows no ports.
func overProtocol(protocol string, port schema.PrivatePort) traffic {
	switch protocol {
	case "tcp", "udp":
		return traffic{protocol, port.From, port.To}
	case "-1":
		return traffic{protocol: protocol}
	}
	return traffic{protocol, -1, -1} // of ICMP, all types and codes
}

// transport is what carries a scheme.
func transport(scheme string) string {
	if scheme == "UDP" {
		return "udp"
	}
	return "tcp"
}
