package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/sections"
)

// publicPorts returns the ports of the load balancer. Without a load balancer, the instances listen
// on them.
func (b appBuilder) publicPorts(a *AppRegion) []PublicPort {
	var ports []PublicPort
	for _, e := range b.section.Merged("public_ports", asIs, defaultPorts(b.section, a)) {
		ports = append(ports, b.publicPort(e, a))
	}
	// Keys are text, and as text 443 comes before 80.
	slices.SortFunc(ports, func(x, y PublicPort) int { return cmp.Compare(x.Port, y.Port) })
	for i := range ports {
		checkRedirect(b.scope.report, &ports[i], ports, a)
	}
	return ports
}

// asIs is the identity: keys that differ name different things.
func asIs(key string) string { return key }

// defaultPorts returns port 80 for an app with a load balancer, unless the app's or the orbit's manifest names ports for all
// regions.
func defaultPorts(s sections.Section, a *AppRegion) []sections.Entry {
	written := s.All.Tree.Lookup("public_ports") != nil || s.Shared.Tree.Lookup("public_ports") != nil
	if written || a.ELBAvailability == Disabled {
		return nil
	}
	return s.DefaultEntries("public_ports")
}

// publicPort reads one port.
func (b appBuilder) publicPort(e sections.Entry, a *AppRegion) PublicPort {
	r := e.Record(b.scope.report, nil)
	port, _ := strconv.Atoi(e.Key)
	p := PublicPort{Node: r.Node(), Port: port, Scheme: scheme(r.Text("scheme")), InternalPort: port, Certificate: r.Text("certificate")}
	if r.Has("internal_port") {
		p.InternalPort = r.Number("internal_port")
	}
	if p.Scheme == "" {
		p.Scheme = httpScheme(port)
	}
	p.InternalScheme = internalScheme(r, p)
	p.RedirectTo = r.Number("redirect")
	p.Sources = b.portPeers(r, a)
	tracePort(r, p)
	checkSSHPort(r, p, a)
	b.checkCertificate(r, p, a)
	return p
}

// tracePort records the port's protocols and sources for the resolved value. A port that redirects never reaches the instances,
// so it has no internal port.
func tracePort(r sections.Record, p PublicPort) {
	r.DeriveText("scheme", p.Scheme)
	if p.RedirectTo == 0 {
		r.DeriveText("internal_scheme", p.InternalScheme)
		r.DeriveNumber("internal_port", strconv.Itoa(p.InternalPort))
	}
	derivePeers(r, "sources", p.Sources)
}

// scheme returns a scheme in the spelling of the model. TLS is another word for SSL.
func scheme(written string) string {
	if written = strings.ToUpper(written); written == "TLS" {
		return "SSL"
	}
	return written
}

// httpScheme returns the default scheme of a port. 443 is the port of HTTPS (RFC 9110, section 4.2.2).
func httpScheme(port int) string {
	if port == 443 {
		return "HTTPS"
	}
	return "HTTP"
}

// internalScheme returns the protocol between the load balancer and the instances. It must be of the same family
// as the port's: a load balancer for HTTP cannot forward plain TCP.
func internalScheme(r sections.Record, p PublicPort) string {
	http := p.Scheme == "HTTP" || p.Scheme == "HTTPS"
	if !r.Has("internal_scheme") {
		switch {
		case http:
			return httpScheme(p.InternalPort)
		case p.Scheme == "UDP":
			return "UDP"
		}
		return "TCP"
	}
	internal := scheme(r.Text("internal_scheme"))
	if internalHTTP := internal == "HTTP" || internal == "HTTPS"; internalHTTP != http || (internal == "UDP") != (p.Scheme == "UDP") {
		r.Errorf("internal_scheme", "must be %s, as the port's scheme is %s, got %s", kindred(p.Scheme), p.Scheme, internal)
	}
	return internal
}

// kindred names the protocols of the same family as a scheme, for a message about a mixture.
func kindred(scheme string) string {
	switch scheme {
	case "HTTP", "HTTPS":
		return "HTTP or HTTPS"
	case "UDP":
		return "UDP"
	}
	return "TCP or SSL"
}

// gate returns the availability that decides who can reach a port: the load balancer's or, without one, the
// instances'.
func gate(a *AppRegion) Availability {
	if a.ELBAvailability == Disabled {
		return a.InstanceAvailability
	}
	return a.ELBAvailability
}

// portPeers returns the peers that may connect to a port. Internet addresses are dropped with a warning where the
// internet cannot reach the port.
func (b appBuilder) portPeers(r sections.Record, a *AppRegion) []Peer {
	if !r.Has("sources") {
		return b.scope.defaultPeers(r, gate(a))
	}
	sources := b.scope.peers(r.List("sources"))
	if gate(a) == InternetFacing {
		return sources
	}
	var kept []Peer
	for _, s := range sources {
		if (s.Kind == CIDRv4 || s.Kind == CIDRv6) && public(s.Value) {
			b.scope.report.Warnf(s.Pos, "%s is left out: a %s port cannot be reached from the internet", s.Value, gate(a))
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// defaultPeers returns the peers of a port without sources: the internet, the region, or all regions of the orbit,
// by the availability.
func (c appScope) defaultPeers(r sections.Record, reach Availability) []Peer {
	at := sections.NewNode(r.PosOf("sources"), nil)
	switch reach {
	case InternetFacing:
		return everyone(at, c.region.IPv6)
	case Private:
		return []Peer{{Node: at, Kind: Region, Value: c.region.Region}}
	}
	var all []Peer
	for _, region := range c.orbit.Regions {
		all = append(all, Peer{Node: at, Kind: Region, Value: region.Region})
	}
	return all
}

// checkSSHPort refuses port 22 of the instances: the security groups open it to the bastions only.
func checkSSHPort(r sections.Record, p PublicPort, a *AppRegion) {
	const ssh = 22
	if p.InternalPort == ssh && a.ELBAvailability != Disabled || p.Port == ssh && a.ELBAvailability == Disabled {
		r.Report.Errorf(r.At, "port 22 of the instances is reserved for SSH from the bastions")
	}
}

// checkCertificate checks the certificate of an HTTPS or SSL port. Without a load balancer nothing could hold a
// certificate. Without a written one the stack makes one, for which it needs a host name.
func (b appBuilder) checkCertificate(r sections.Record, p PublicPort, a *AppRegion) {
	if a.ELBAvailability == Disabled {
		return
	}
	if p.Scheme != "HTTPS" && p.Scheme != "SSL" {
		if p.Certificate != "" {
			r.Errorf("certificate", "works only on an HTTPS or SSL port, and this one is %s", p.Scheme)
		}
		return
	}
	// An ARN is arn:partition:service:region:account:resource. A load balancer takes certificates of its own region only.
	arn := strings.Split(p.Certificate, ":")
	switch {
	case len(arn) > 3 && arn[2] == "acm" && arn[3] != a.Region:
		r.Errorf("certificate", "is a certificate of %s, and this load balancer is in %s", arn[3], a.Region)
	case len(arn) > 3 || r.Unknown("certificate") || b.section.Unknown("hostnames") || b.scope.orbitSection.Unknown("domain"):
	case len(a.Hostnames) == 0:
		r.Report.Errorf(r.At,
			"%s needs a certificate: set certificate to an ARN, or give the app hostnames, or the orbit a domain, and one is "+
				"made", p.Scheme)
	case len(a.Hostnames[0].Name) > 64 && p.Certificate == "":
		b.scope.report.Errorf(a.Hostnames[0].Pos,
			"%s is longer than the 64 characters that a certificate's first name may have: put a shorter one first, or set "+
				"certificate", a.Hostnames[0].Name)
	}
}
