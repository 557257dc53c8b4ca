package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// privatePorts returns the ports on which the app's instances reach each other.
func privatePorts(s section) []PrivatePort {
	var ports []PrivatePort
	for _, e := range s.merged("private_ports", portRange, nil) {
		p := PrivatePort{Node: NewNode(e.pos(), nil)}
		from, to, _ := strings.Cut(e.key, "-")
		p.From, _ = strconv.Atoi(from)
		p.To, _ = strconv.Atoi(to)
		if p.From > p.To || p.To > 65535 || p.From < 1 {
			s.report.Errorf(e.pos(), "the key must be a port from 1 to 65535, or a range that begins with the lower one")
			continue
		}
		for _, n := range e.items() {
			if protocol := strings.ToLower(n.value.Text); slices.Contains(p.Protocols, protocol) {
				s.report.Warnf(n.pos(), "%s is listed twice", protocol)
			} else {
				p.Protocols = append(p.Protocols, protocol)
			}
		}
		if len(e.value.Items)+len(e.value.Reported) == 0 {
			s.report.Errorf(e.pos(), "must name a protocol, such as [\"TCP\"]")
		}
		slices.Sort(p.Protocols)
		ports = append(ports, p)
	}
	slices.SortFunc(ports, func(x, y PrivatePort) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return ports
}

// portRange returns a key in the form from-to without leading zeros, so that 80 and 80-80 are one key.
func portRange(key string) string {
	from, to, ok := strings.Cut(key, "-")
	if !ok {
		to = from
	}
	return bare(from) + "-" + bare(to)
}

// bare removes leading zeros.
func bare(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}
