package schema

import (
	"maps"
	"slices"

	"github.com/pebble/spacel/schema/report"
)

// checkRedirect checks the target of a redirecting port. Only an application load balancer redirects, and only
// from HTTP to HTTPS.
func checkRedirect(found *report.Report, p *PublicPort, ports []PublicPort, a *AppRegion) {
	if p.RedirectTo == 0 {
		return
	}
	at := p.At("redirect")
	if a.ELBAvailability == Disabled {
		found.Errorf(at, "needs a load balancer, which elb_availability disables")
		return
	}
	if p.Scheme != "HTTP" {
		found.Errorf(at, "works only on an HTTP port, and this one is %s", p.Scheme)
	}
	i := slices.IndexFunc(ports, func(to PublicPort) bool { return to.Port == p.RedirectTo })
	switch {
	case i < 0:
		found.Errorf(at, "must be one of public_ports, got %d", p.RedirectTo)
	case ports[i].Scheme != "HTTPS":
		found.Errorf(at, "must be an HTTPS port, and %d is %s", p.RedirectTo, ports[i].Scheme)
	}
	for _, field := range []string{"internal_port", "internal_scheme"} {
		if p.Written(field) {
			found.Errorf(p.At(field), "does nothing on a port that redirects")
		}
	}
	if !onlyHTTP(ports) {
		found.Errorf(at, "needs an application load balancer, which takes HTTP and HTTPS ports only")
	}
}

// onlyHTTP reports whether all ports are HTTP or HTTPS. The app gets an application load balancer then, otherwise
// a network load balancer.
func onlyHTTP(ports []PublicPort) bool {
	return !slices.ContainsFunc(ports, func(p PublicPort) bool { return p.Scheme != "HTTP" && p.Scheme != "HTTPS" })
}

// checkBalancer checks the load balancer: it needs a port, its idle timeout has other limits for each kind of
// balancer, and AWS must know its TLS policy.
func (b appBuilder) checkBalancer(a *AppRegion) {
	if a.ELBAvailability == Disabled {
		return
	}
	if len(a.PublicPorts) == 0 && !b.section.Unknown("public_ports") && !b.section.Emptied("public_ports") {
		b.section.Errorf("public_ports", "a load balancer needs a port: name one, or set elb_availability to disabled")
	}
	if !onlyHTTP(a.PublicPorts) {
		b.section.Drop("idle_timeout")
	}
	// Elastic Load Balancing allows 1 to 4000 seconds for an application load balancer, and 60 to 6000 for TCP listeners of a
	// network load balancer. The definitions have checked the outer limits.
	const albMost, nlbLeast = 4000, 60
	if http := onlyHTTP(a.PublicPorts); http && a.IdleTimeout > albMost {
		b.section.Errorf("idle_timeout", "must be at most %d seconds with HTTP and HTTPS ports only, got %d", albMost, a.IdleTimeout)
	} else if !http && a.IdleTimeout < nlbLeast {
		b.section.Errorf("idle_timeout",
			"must be at least %d seconds with ports that aren't HTTP or HTTPS, got %d", nlbLeast, a.IdleTimeout)
	}
	if _, ok := b.scope.facts.Catalog.BalancerPolicies[a.TLSPolicy]; !ok {
		known := slices.Collect(maps.Keys(b.scope.facts.Catalog.BalancerPolicies))
		b.section.Errorf("tls_policy", "unknown TLS policy %s%s", a.TLSPolicy, report.Suggest(a.TLSPolicy, known))
	}
}
