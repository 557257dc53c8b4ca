package compiler

import (
	"cmp"
	"slices"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// balancing is how an app's public ports reach its instances: decisions only, made before any resource.
type balancing struct {
	kind      balancerKind
	dualStack bool     // whether it answers over IPv6 too
	routes    []route  // one per public port, in their order
	targets   []target // the routes' targets, each once, sorted
	check     targetCheck
}

// balancerKind is CloudFormation's name of a load balancer's type.
type balancerKind string

const (
	noBalancer      balancerKind = "" // instances listen themselves
	application     balancerKind = "application"
	networkBalancer balancerKind = "network"
)

// route is a listener of the balancer, in the balancer's protocols.
type route struct {
	port     schema.PublicPort
	protocol string // HTTP and HTTPS of an ALB; TCP, TLS and UDP of an NLB
	target   target // none when it redirects
}

// target is a port of the instances, in the balancer's protocols.
type target struct {
	protocol string
	port     int
}

// secure says whether the listener shows a certificate.
func (r route) secure() bool { return r.protocol == "HTTPS" || r.protocol == "TLS" }

// balance decides how the public ports are served: by an ALB when all speak HTTP or HTTPS, else by one NLB.
func balance(a appContext, r *report.Report) balancing {
	b := balancing{kind: chooseBalancer(a.region)}
	if b.kind == noBalancer {
		return b
	}
	for _, port := range a.region.PublicPorts {
		b.routes = append(b.routes, b.kind.route(port, r))
	}
	b.targets = distinctTargets(b.routes)
	b.dualStack = dualStack(a, b)
	b.check = checkTargets(a.region.HealthCheck, b, r)
	return b
}

// chooseBalancer decides by the schemes of all public ports. An app has one balancer, so one port that is neither HTTP
// nor HTTPS makes it an NLB.
func chooseBalancer(app *schema.AppRegion) balancerKind {
	if app.ELBAvailability == schema.Disabled || len(app.PublicPorts) == 0 {
		return noBalancer
	}
	for _, port := range app.PublicPorts {
		if port.Scheme != "HTTP" && port.Scheme != "HTTPS" {
			return networkBalancer
		}
	}
	return application
}

// route turns a public port into a listener.
func (k balancerKind) route(port schema.PublicPort, r *report.Report) route {
	if k == networkBalancer {
		return networkRoute(port, r)
	}
	to := target{port.InternalScheme, port.InternalPort}
	if port.RedirectTo != 0 {
		to = target{}
	}
	return route{port, port.Scheme, to}
}

// networkRoute serves a port by an NLB: HTTP as TCP and HTTPS as TLS. Its TCP listeners can only forward TCP, as it came
// (ELB User Guide, "Listeners for your Network Load Balancers").
func networkRoute(port schema.PublicPort, r *report.Report) route {
	protocol, inner := networkProtocol(port.Scheme), networkProtocol(port.InternalScheme)
	if protocol == "TCP" && inner == "TLS" {
		r.Errorf(port.At("internal_scheme"), "a network load balancer, which an app has with a port that is neither HTTP nor HTTPS, "+
			"forwards %s as it came and cannot make %s of it; use scheme: TCP alone", port.Scheme, port.InternalScheme)
	}
	return route{port, protocol, target{inner, port.InternalPort}}
}

// networkProtocol is an NLB's protocol for a scheme. TLS means that the NLB itself ends TLS with the app's certificate.
func networkProtocol(scheme string) string {
	switch scheme {
	case "HTTPS", "SSL":
		return "TLS"
	case "UDP":
		return "UDP"
	}
	return "TCP"
}

// dualStack says whether the balancer answers over IPv6 too: in an IPv6 orbit, when it serves the internet. A private and a
// multi-region one serve only clients with IPv4 addresses. An NLB cannot forward UDP from IPv6 to our instances' IPv4 addresses
// (ELB User Guide, "Target groups for your Network Load Balancers", IP address type).
func dualStack(a appContext, b balancing) bool {
	udp := slices.ContainsFunc(b.targets, func(t target) bool { return t.protocol == "UDP" })
	return a.net.region.IPv6 && a.region.ELBAvailability == schema.InternetFacing && !udp
}

// origin is the first port that forwards to a target.
func (b balancing) origin(t target) report.Pos {
	for _, route := range b.routes {
		if route.target == t {
			return route.port.Pos
		}
	}
	return report.Pos{}
}

// distinctTargets are the target groups to make. Ports with the same target share one.
func distinctTargets(routes []route) []target {
	var all []target
	for _, route := range routes {
		if route.target != (target{}) {
			all = append(all, route.target)
		}
	}
	slices.SortFunc(all, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.port, b.port), cmp.Compare(a.protocol, b.protocol))
	})
	return slices.Compact(all)
}
