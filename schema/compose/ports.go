package compose

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// port is a container's port, published on the instance.
type port struct {
	service   string
	path      []string
	host      int
	container int
	protocol  string
	address   string // of the host; "" for all of them
	http      bool
	store     bool // of a database or cache, which is not for the public
}

// plainTCP lists ports of containers whose protocol is not HTTP. A load balancer passes their connections on as they are.
var plainTCP = []int{
	21, 22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 853, 993, 995, 1433, 1521, 1883, 2222, 3306, 4222, 5222, 5432, 5671, 5672, 6379,
	6432, 6443, 7687, 8443, 8883, 9042, 9092, 11211, 25565, 27017, 33060, 61613, 61616,
}

// takePorts writes the ports of a service. A port on the loopback address of the host is published on all addresses if it becomes
// the public one, since the load balancer reaches no other.
func (s *service) takePorts() {
	var all []port
	for _, f := range s.objects("ports") {
		if p, ok := s.takePort(f); ok {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return
	}
	s.long = true
	s.ports = append(s.ports, all...)
	s.out.set("ports", &yaml.Node{Kind: yaml.SequenceNode}) // writePorts fills it when the public ports are known
}

// takePort reads a port in the long form, in which compose-go gives every port.
func (s *service) takePort(f *fields) (port, bool) {
	published, target := f.text("published"), f.text("target")
	p := port{service: s.name, path: f.path, protocol: strings.ToLower(f.text("protocol")), address: f.text("host_ip")}
	app := strings.ToLower(f.text("app_protocol"))
	if mode := f.text("mode"); mode != "" && mode != "ingress" && mode != "host" {
		f.left("unknown mode "+mode, f.at("mode")...)
	}
	if p.protocol == "" {
		p.protocol = "tcp"
	}
	if ip, err := netip.ParseAddr(p.address); err == nil && ip.IsUnspecified() {
		p.address = ""
	}
	p.container, _ = strconv.Atoi(target)
	// compose-go has written a range of both sides as one item for each port. A range of
	// the host's alone lets Docker choose, which a manifest cannot leave open.
	switch from, to, isRange := strings.Cut(published, "-"); {
	case published == "" || published == "0":
		p.host = p.container
		f.changed(fmt.Sprintf("is published on port %d of the instance: Docker would choose another one at each start", p.host), f.path...)
	case isRange:
		p.host, _ = strconv.Atoi(from)
		f.changed(fmt.Sprintf("is published on port %d, the first of %s-%s", p.host, from, to), f.at("published")...)
	default:
		p.host, _ = strconv.Atoi(published)
	}
	p.store = storeOf(s.image) != nil
	p.http = p.protocol == "tcp" && !slices.Contains(plainTCP, p.container) && !slices.Contains(plainTCP, p.host)
	if app != "" {
		p.http = p.protocol == "tcp" && (app == "http" || app == "http2" || app == "https" || app == "grpc")
	}
	if p.container == 0 || p.host == 0 {
		f.left("is not a port", f.path...)
		return p, false
	}
	return p, true
}

// loopback reports whether a port is published on the loopback address only.
func (p port) loopback() bool {
	// Compose has no names of hosts here, so an address that cannot be read is not the
	// loopback one. The build refuses it later.
	ip, err := netip.ParseAddr(p.address)
	return err == nil && ip.IsLoopback()
}

// public writes public_ports, and the ports of the containers behind them.
func (i *importer) public(all mapping) {
	i.withoutClashes()
	// The services are complete by now, so all ports of the app are known.
	chosen := i.choosePublic()
	out, udpOnly := newMapping(), len(chosen) > 0
	for _, c := range chosen {
		udpOnly = udpOnly && c.protocol == "udp"
		inside := newMapping()
		scheme := map[bool]string{true: "", false: strings.ToUpper(c.protocol)}[c.http]
		inside.set("scheme", scheme)
		if c.public != c.host {
			inside.set("internal_port", c.host)
		}
		key := out.set(strconv.Itoa(c.public), inline(inside))
		key.Tag = "!!int"
		comment(key, fmt.Sprintf("port %d of %s", c.container, c.service))
	}
	i.writePorts()
	switch {
	case len(chosen) == 0:
		all.set("elb_availability", "disabled").HeadComment = "No port is for the public, so there is no load balancer."
		return
	case udpOnly:
		key := all.set("elb_availability", "disabled")
		key.HeadComment = "The instances have the public ports: a load balancer has no health check by UDP."
		all.set("instance_availability", "internet-facing")
	}
	key := all.set("public_ports", out)
	key.HeadComment = "The ports of the load balancer. For HTTPS, write 443: {internal_port: …}, and give the orbit a domain."
}

// sshPort is the port on which an instance's own sshd listens.
const sshPort = 22

// withoutClashes removes ports with two users: two containers, or a container and sshd.
func (i *importer) withoutClashes() {
	var kept []port
	// Compose fails at the second container that publishes a port. Here the second one keeps
	// running without it, because other containers still reach it on the app's network.
	for _, p := range i.ports {
		clash := slices.ContainsFunc(kept, func(k port) bool {
			return k.host == p.host && k.protocol == p.protocol && (k.address == p.address || k.address == "" || p.address == "")
		})
		switch {
		case clash:
			i.left(fmt.Sprintf("port %d of the instance is published already", p.host), p.path...)
		case p.host == sshPort && p.protocol == "tcp" && !p.loopback():
			i.left("port 22 of the instance is that of its own sshd: publish another one", p.path...)
		default:
			kept = append(kept, p)
		}
	}
	i.ports = kept
}

// publicPort is a port of the load balancer.
type publicPort struct {
	port
	public int
}

// choosePublic decides which ports are public: the ones published on all addresses, except the ports of databases and caches.
// Without one for HTTP, the first port for HTTP on a loopback address becomes port 80: in Compose a proxy on the host has the public
// port, and here it is the load balancer.
func (i *importer) choosePublic() []publicPort {
	// A network load balancer serves TCP and UDP, and one with HTTP only is an application
	// load balancer. spacel chooses the kind by the schemes, so a port gets a scheme here
	// only if HTTP, the default, would be wrong.
	var chosen []publicPort
	taken := map[int]*port{}
	http := false
	for _, n := range i.tcpFirst() {
		p := &i.ports[n]
		switch other := taken[p.host]; {
		case p.loopback():
		case p.store:
			i.changed(fmt.Sprintf("port %d is not for the public: clients outside of the app need public_ports, with sources", p.host),
				p.path...)
		case p.protocol == "sctp":
			i.left("a load balancer has no SCTP, so the port is not public", p.path...)
		case p.address != "":
			i.changed(fmt.Sprintf("the instance does not have the address %s, so the port is published on all of its addresses", p.address),
				p.path...)
			p.address = ""
			fallthrough
		default:
			if other != nil {
				i.left(fmt.Sprintf("a load balancer has one protocol on a port, and %d is %s already", p.host, other.protocol), p.path...)
				continue
			}
			taken[p.host] = p
			http = http || p.http
			chosen = append(chosen, publicPort{*p, p.host})
		}
	}
	// Ports on a loopback address come last: they count only when no other port is for
	// HTTP. A second one stays private, since it may be a tool for administrators.
	for n := range i.ports {
		p := &i.ports[n]
		switch {
		case !p.loopback() || p.store:
		case !http && p.http && taken[80] == nil:
			http = true
			i.changed(fmt.Sprintf("the load balancer's port 80 leads to it, in place of a proxy on the host, so it is published on all "+
				"addresses of the instance as %d", p.host), p.path...)
			p.address = ""
			chosen = append(chosen, publicPort{*p, 80})
		default:
			i.note(fmt.Sprintf("stays private; for the public, write \"%d:%d\" and public_ports: {%d: {}}", p.host, p.container, p.host),
				p.path...)
		}
	}
	slices.SortStableFunc(chosen, func(a, b publicPort) int { return a.public - b.public })
	return chosen
}

// tcpFirst returns the indices of the ports. Those of TCP come first: where a port has two protocols, TCP is the public one.
func (i *importer) tcpFirst() []int {
	var order []int
	for n := range i.ports {
		order = append(order, n)
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(i.ports[a].protocol, i.ports[b].protocol) })
	return order
}

// writePorts writes the ports of the services.
func (i *importer) writePorts() {
	byService := map[string][]port{}
	for _, p := range i.ports {
		byService[p.service] = append(byService[p.service], p)
	}
	for _, name := range sortedKeys(byService) {
		if list := valueOf(valueOf(i.services.Node, i.units[name]), "ports"); list != nil {
			*list = *sequence(joinPorts(byService[name]))
		}
		i.manifest.from([]string{"services", name, "ports"}, "services", i.units[name], "ports")
	}
}

// joinPorts returns ports in the short form. A run of ports becomes one range.
func joinPorts(ports []port) []string {
	// A media server may publish ten thousand ports. compose-go lists each of them.
	var all []string
	for n := 0; n < len(ports); {
		first, length := ports[n], 1
		for n+length < len(ports) {
			next := ports[n+length]
			if next.host != first.host+length || next.container != first.container+length || next.protocol != first.protocol ||
				next.address != first.address {
				break
			}
			length++
		}
		all = append(all, first.short(length))
		n += length
	}
	return all
}

// short returns a run of ports as [ADDRESS:]HOST:CONTAINER[/PROTOCOL].
func (p port) short(length int) string {
	host, container := strconv.Itoa(p.host), strconv.Itoa(p.container)
	if length > 1 {
		host, container = fmt.Sprintf("%s-%d", host, p.host+length-1), fmt.Sprintf("%s-%d", container, p.container+length-1)
	}
	address := p.address
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	if address != "" {
		address += ":"
	}
	protocol := ""
	if p.protocol != "tcp" {
		protocol = "/" + p.protocol
	}
	return address + host + ":" + container + protocol
}
