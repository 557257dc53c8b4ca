package units

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/report"
)

// Published tells which ports of the host the app's containers publish.
type Published struct {
	Ports   []hostPorts
	Unknown bool // other programs may listen, too, so an absent port proves nothing
}

// PublishedBy reads the ports of all units. A hand-written unit, and a container on the host's network, may listen on any port.
func PublishedBy(services []Service) Published {
	var p Published
	for _, s := range services {
		if s.Image == "" {
			p.Unknown = p.Unknown || mayListen(s)
			continue
		}
		if s.Container.NetworkMode == "host" || slices.ContainsFunc(s.Container.Options, optionPublishes) {
			p.Unknown = true
		}
		for _, m := range s.Ports {
			if ports, ok := readHostPorts(&report.Report{}, s, m); ok {
				p.Ports = append(p.Ports, ports)
			} else {
				p.Unknown = true // reported elsewhere
			}
		}
	}
	return p
}

// mayListen reports whether a hand-written unit may listen on a port. A service meant to end does not.
func mayListen(s Service) bool {
	switch path.Ext(s.Name) {
	case ".socket":
		return true
	case ".service":
	default:
		return false
	}
	if s.UnitFile == nil {
		return true
	}
	settings := unitSettings(string(s.UnitFile.Body), func(int, string, string) {}, ".service")
	is := func(name, value string) bool {
		return slices.ContainsFunc(settings, func(u unitSetting) bool { return u.name == name && u.value == value })
	}
	return !is("Type", "oneshot")
}

// optionPublishes reports whether a word of docker run publishes ports, or puts the container on another network.
func optionPublishes(word string) bool {
	for _, option := range []string{"-p", "-P", "--publish", "--publish-all", "--net", "--network"} {
		if word == option || strings.HasPrefix(word, option+"=") {
			return true
		}
	}
	return false
}

// Has reports whether a container publishes the port, to the network or with local also on the loopback address.
func (p Published) Has(port int, protocol string, local bool) bool {
	return slices.ContainsFunc(p.Ports, func(h hostPorts) bool {
		return h.protocol == protocol && h.from <= port && port <= h.to && (local || !h.address.IsLoopback())
	})
}

// List names the published ports, for a message.
func (p Published) List(local bool) string {
	var all []string
	for _, h := range p.Ports {
		if h.address.IsLoopback() && !local {
			continue
		}
		text := fmt.Sprint(h.from)
		if h.to != h.from {
			text += fmt.Sprintf("-%d", h.to)
		}
		if h.protocol != "tcp" {
			text += "/" + h.protocol
		}
		if h.address != (netip.Addr{}) {
			text = h.address.String() + ":" + text
		}
		all = append(all, text+" by "+h.service)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
