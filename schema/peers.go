package schema

import (
	"net/netip"
	"regexp"
	"strings"
)

var (
	prefixList = regexp.MustCompile(`^pl-[0-9a-f]+$`)
	appName    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)
)

// everyone is the source that is anyone on the internet.
func everyone(at Node, ipv6 bool) []Peer {
	all := []Peer{{Node: at, Kind: CIDRv4, Value: "0.0.0.0/0"}}
	if ipv6 {
		all = append(all, Peer{Node: at, Kind: CIDRv6, Value: "::/0"})
	}
	return all
}

// address is a source that is a CIDR block or a prefix list. It says no when the word is something else, which may be an
// address that isn't written as a block: the mistake then says so.
func address(word string) (kind PeerKind, ok bool, mistake string) {
	if prefixList.MatchString(word) {
		return PrefixList, true, ""
	}
	if addr, err := netip.ParseAddr(word); err == nil {
		return 0, false, "must be a CIDR block: write " + netip.PrefixFrom(addr.WithZone(""), addr.BitLen()).String()
	}
	if !strings.Contains(word, "/") {
		return 0, false, ""
	}
	block, err := netip.ParsePrefix(word)
	switch {
	case err != nil || block.Addr().Is4In6():
		return 0, false, "must be a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"
	case block != block.Masked():
		return 0, false, "has bits set beyond its mask: write " + block.Masked().String()
	case block.Addr().Is4():
		return CIDRv4, true, ""
	}
	return CIDRv6, true, ""
}

var privateBlocks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("fc00::/7"),
}

// public says whether a CIDR block holds addresses of the internet.
func public(cidr string) bool {
	block, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	for _, private := range privateBlocks {
		if private.Contains(block.Addr()) && block.Bits() >= private.Bits() {
			return false
		}
	}
	return true
}

// bastionSources are who may reach the bastions.
func (m document) bastionSources(s section, ipv6 bool) []Peer {
	if !s.has("bastion_sources") {
		return everyone(NewNode(s.posOf("bastion_sources"), nil), ipv6)
	}
	var sources []Peer
	for _, n := range s.list("bastion_sources") {
		kind, ok, mistake := address(n.value.Text)
		switch {
		case ok:
			sources = m.addSource(sources, n, kind, s.region, ipv6)
		case mistake != "":
			s.Errorf(n.pos(), "%s, got %q", mistake, n.value.Text)
		default:
			s.Errorf(n.pos(), "must be a CIDR block such as 10.0.0.0/8 or a prefix list (pl-…), got %q", n.value.Text)
		}
	}
	if len(s.list("bastion_sources")) == 0 && !s.unknown("bastion_sources") && s.number("bastion_instance_count") > 0 {
		s.mistake("bastion_sources", "is empty, so nobody could reach the bastions: name someone, or set bastion_instance_count to 0")
	}
	return sources
}

// addSource adds an address to sources, unless it is there already or the orbit can't have it.
func (m document) addSource(sources []Peer, n node, kind PeerKind, region string, ipv6 bool) []Peer {
	if kind == CIDRv6 && !ipv6 && m.loader.orbit[region].unknown("ipv6") {
		return sources
	}
	if kind == CIDRv6 && !ipv6 {
		m.report.Errorf(n.pos(), "%s is an IPv6 block, and the orbit has no IPv6 here: set ipv6 in its manifest, or leave the block out", n.value.Text)
		return sources
	}
	for _, s := range sources {
		if s.Value == n.value.Text {
			m.report.Warnf(n.pos(), "%s is listed twice", n.value.Text)
			return sources
		}
	}
	return append(sources, Peer{Node: NewNode(n.pos(), nil), Kind: kind, Value: n.value.Text})
}

// clients says who the words of a list of sources are, in one region of an app.
type clients struct {
	document
	app    string
	orbit  *Orbit
	region *OrbitRegion
}

// of are the sources that a list names.
func (c clients) of(list []node) []Peer {
	var sources []Peer
	for _, n := range list {
		if kind, ok := c.kind(n); ok {
			sources = c.addSource(sources, n, kind, c.region.Region, c.region.IPv6)
		}
	}
	return sources
}

// kind says what a word is. A region of AWS that the orbit doesn't have is none: one manifest serves several orbits.
func (c clients) kind(n node) (PeerKind, bool) {
	word := n.value.Text
	kind, ok, mistake := address(word)
	_, known := c.facts.Regions[word]
	switch {
	case ok:
		return kind, true
	case mistake != "":
		c.report.Errorf(n.pos(), "%s, got %q", mistake, word)
	case known && c.orbit.Region(word) != nil:
		return Region, true
	case known:
		c.report.Notef(n.pos(), "%s is skipped: the orbit isn't there", word)
	case c.facts.LooksLikeRegion(word):
		c.knownRegion(word, n.pos())
	case word == c.app:
		c.report.Errorf(n.pos(), "is the app itself: its instances reach each other through private_ports")
	case appName.MatchString(word):
		return OtherApp, true
	default:
		c.report.Errorf(n.pos(), "must be a CIDR block, a region, a prefix list (pl-…) or the name of an app, got %q", word)
	}
	return 0, false
}
