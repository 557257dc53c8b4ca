package units

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// hostPorts is a published range of ports of the host.
type hostPorts struct {
	service  string
	at       report.Pos
	written  string     // as in the manifest
	address  netip.Addr // the zero value: every address
	from, to int
	protocol string // tcp, udp or sctp
	chosen   bool   // Docker takes any free port of the range, since the container's side is a single port
}

// checkHostPorts reports addresses and ranges that Docker refuses, and ports of the host that two containers publish. The second
// container would fail at its start on the instance, long after the deploy began.
func checkHostPorts(found *report.Report, services []Service) {
	// Debian's sshd listens on all addresses, and people log in through it.
	taken := []hostPorts{{service: "ssh.service", written: "22", from: 22, to: 22, protocol: "tcp"}}
	for _, s := range services {
		if s.Image == "" {
			continue
		}
		for _, m := range s.Ports {
			p, ok := readHostPorts(found, s, m)
			if !ok {
				continue
			}
			for _, other := range taken {
				if p.clashes(other) {
					found.Errorf(p.at, "port %s of the host is taken by %s%s", p.written, other.service, other.as(p))
					break
				}
			}
			taken = append(taken, p)
		}
	}
}

// readHostPorts reads one mapping. It reports what Docker's command line would refuse.
func readHostPorts(found *report.Report, s Service, m Mapping) (p hostPorts, ok bool) {
	container, protocol, _ := strings.Cut(m.Container, "/")
	p = hostPorts{service: s.Name, at: s.At("ports"), written: m.Host, protocol: cmp.Or(protocol, "tcp")}
	ports := m.Host
	if i := strings.LastIndexByte(m.Host, ':'); i >= 0 {
		address := strings.Trim(m.Host[:i], "[]")
		ports = m.Host[i+1:]
		var err error
		if p.address, err = netip.ParseAddr(address); err != nil {
			if strings.Trim(address, "0123456789.") == "" { // others are reported by the definitions
				found.Errorf(p.at, "%s: %s is not an IP address", m.Host, address)
			}
			return p, false
		}
		if p.address.IsUnspecified() {
			p.address = netip.Addr{}
		}
	}
	inner, innerOK := hostRange(container)
	outer, outerOK := hostRange(ports)
	switch {
	case ports == "": // Docker chooses a port
		return p, false
	case !innerOK || !outerOK: // reported by the definitions
		return p, false
	case inner[0] > inner[1] || outer[0] > outer[1]:
		found.Errorf(p.at, "%s: %s: the range ends before it begins", m.Host, m.Container)
		return p, false
	case inner[0] != inner[1] && inner[1]-inner[0] != outer[1]-outer[0]:
		found.Errorf(p.at, "%s: %s: the ranges have %d and %d ports", m.Host, m.Container, outer[1]-outer[0]+1, inner[1]-inner[0]+1)
		return p, false
	}
	p.from, p.to = outer[0], outer[1]
	p.chosen = inner[0] == inner[1] && outer[0] != outer[1]
	return p, true
}

// hostRange reads PORT or PORT-PORT.
func hostRange(text string) (ports [2]int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	for i, digits := range []string{from, to} {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > 65535 {
			return ports, false
		}
		ports[i] = n
	}
	return ports, true
}

// clashes reports whether both need the same port of the same address.
func (p hostPorts) clashes(other hostPorts) bool {
	anywhere := netip.Addr{}
	sameAddress := p.address == other.address || p.address == anywhere || other.address == anywhere
	return sameAddress && p.protocol == other.protocol && !p.chosen && !other.chosen && p.from <= other.to && other.from <= p.to
}

// as names the other's ports if they are written differently.
func (p hostPorts) as(other hostPorts) string {
	if p.written == other.written {
		return ""
	}
	return ", as " + p.written
}
