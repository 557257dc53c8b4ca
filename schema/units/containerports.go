package units

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// shortPort matches a port in Compose's short form: [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL].
var shortPort = regexp.MustCompile(
	`^(?:(?:(\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?([0-9]+(?:-[0-9]+)?)?:)?([0-9]+(?:-[0-9]+)?)(/(?:tcp|udp|sctp))?$`)

// publishedPorts returns the ports of the host for a container, from an object or from Compose's list.
func publishedPorts(r sections.Record) []Mapping {
	n, ok := r.Fields["ports"]
	if !ok || n.Tree.Kind != manifest.List {
		return portMappings(r)
	}
	var ports []Mapping
	for _, item := range n.Items() {
		port, ok := shortMapping(r, item)
		if item.Tree.Kind == manifest.Object {
			port, ok = longMapping(item.Record(r.Report, nil))
		}
		if ok {
			checkPortNumbers(r.Report, item.Pos(), port)
			ports = append(ports, port)
		}
	}
	sortMappings(ports)
	return ports
}

// shortMapping reads a port in the short form. A port without the host's is an error: Docker would choose one at each start.
func shortMapping(r sections.Record, n sections.Value) (Mapping, bool) {
	if n.Tree.Kind == manifest.Object {
		return Mapping{}, false
	}
	m := shortPort.FindStringSubmatch(n.Tree.Text)
	switch {
	case m == nil:
		r.Report.Errorf(n.Pos(), `must be "HOST:CONTAINER", such as "80:8080", "127.0.0.1:53:53/udp" or "7000-7010:7000-7010", got %q`,
			n.Tree.Text)
		return Mapping{}, false
	case m[2] == "":
		r.Report.Errorf(n.Pos(), `names no port of the host, and Docker would choose another one at each start: write "%s:%s%s"`,
			m[3], m[3], m[4])
		return Mapping{}, false
	}
	return Mapping{joinAddress(m[1], m[2]), m[3] + strings.TrimSuffix(m[4], "/tcp")}, true
}

// longMapping reads a port in the long form.
func longMapping(r sections.Record) (Mapping, bool) {
	address := r.Text("host_ip")
	if address != "" {
		ip, err := netip.ParseAddr(address)
		if err != nil {
			r.Errorf("host_ip", "must be an IP address, got %q", address)
		}
		if ip.Is6() {
			address = "[" + address + "]"
		}
	}
	if !r.Has("published") {
		if !r.Unknown("published") && r.Has("target") {
			r.Errorf("published", "is missing: Docker would choose another port at each start; write %s", r.Text("target"))
		}
		return Mapping{}, false
	}
	container := r.Text("target")
	if protocol := r.Text("protocol"); protocol != "" && protocol != "tcp" {
		container += "/" + protocol
	}
	return Mapping{joinAddress(address, r.Text("published")), container}, r.Has("target")
}

// joinAddress returns a port with an address in front.
func joinAddress(address, port string) string {
	if address == "" {
		return port
	}
	return address + ":" + port
}

// sortMappings sorts by host, then by container.
func sortMappings(all []Mapping) {
	slices.SortFunc(all, func(a, b Mapping) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Container, b.Container))
	})
}

// portMappings returns the ports of the host for a container, from an object. The definitions check the form only, so
// the range is checked here.
func portMappings(r sections.Record) []Mapping {
	var ports []Mapping
	for _, e := range r.Entries("ports") {
		port := Mapping{Host: e.Key, Container: e.Tree.Text}
		checkPortNumbers(r.Report, e.Pos(), port)
		ports = append(ports, port)
	}
	return ports
}

// checkPortNumbers reports numbers that are no ports. Both sides may be ranges.
func checkPortNumbers(found *report.Report, at report.Pos, port Mapping) {
	host := port.Host[strings.LastIndex(port.Host, ":")+1:] // without an address in front
	container, _, _ := strings.Cut(port.Container, "/")
	isDash := func(c rune) bool { return c == '-' }
	for _, number := range strings.FieldsFunc(host+"-"+container, isDash) {
		if !validPort(number) {
			found.Errorf(at, "a port is 1 to 65535, got %s", number)
		}
	}
}

// validPort reports whether digits are a port number. It compares text, because the digits may exceed an int.
func validPort(digits string) bool {
	digits = WithoutZeros(digits)
	return digits != "0" && (len(digits) < 5 || len(digits) == 5 && digits <= "65535")
}

// WithoutZeros removes leading zeros.
func WithoutZeros(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}
