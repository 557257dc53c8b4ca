package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/sections"
	"github.com/pebble/spacel/schema/units"
)

// privatePorts returns the ports on which the app's instances reach each other.
func privatePorts(s sections.Section) []PrivatePort {
	var ports []PrivatePort
	for _, e := range s.Merged("private_ports", portRange, nil) {
		p := PrivatePort{Node: sections.NewNode(e.Pos(), nil)}
		from, to, _ := strings.Cut(e.Key, "-")
		p.From, _ = strconv.Atoi(from)
		p.To, _ = strconv.Atoi(to)
		// Digits too large for an int give 0 here, which is out of range as well.
		if p.From > p.To || p.To > 65535 || p.From < 1 {
			s.Report.Errorf(e.Pos(), "the key must be a port from 1 to 65535, or a range that begins with the lower one")
			continue
		}
		for _, n := range e.Items() {
			if protocol := strings.ToLower(n.Tree.Text); slices.Contains(p.Protocols, protocol) {
				s.Report.Warnf(n.Pos(), "%s is listed twice", protocol)
			} else {
				p.Protocols = append(p.Protocols, protocol)
			}
		}
		if len(e.Tree.Items)+len(e.Tree.Reported) == 0 {
			s.Report.Errorf(e.Pos(), "must name a protocol, such as [\"TCP\"]")
		}
		slices.Sort(p.Protocols)
		traceProtocols(e, p.Protocols)
		ports = append(ports, p)
	}
	slices.SortFunc(ports, func(x, y PrivatePort) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return ports
}

// traceProtocols gives the resolved value the protocols in the model's form.
func traceProtocols(e sections.Entry, protocols []string) {
	if !e.Traced() {
		return
	}
	var items []*manifest.Tree
	for _, protocol := range protocols {
		items = append(items, &manifest.Tree{Kind: manifest.Text, Text: protocol, At: e.At})
	}
	e.Replace(&manifest.Tree{Kind: manifest.List, At: e.Tree.At, Items: items})
}

// portRange returns a key in the form from-to without leading zeros, so that 80 and 80-80 are one key.
func portRange(key string) string {
	from, to, ok := strings.Cut(key, "-")
	if !ok {
		to = from
	}
	return units.WithoutZeros(from) + "-" + units.WithoutZeros(to)
}
