package schema

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/pebble/spacel/schema/sections"
)

// A prefix list is AWS's named set of address blocks; its ids begin with pl-. A word that matches appName may be an app.
var (
	prefixList = regexp.MustCompile(`^pl-[0-9a-f]+$`)
	appName    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)
)

// everyone returns the peers that stand for the whole internet.
func everyone(at sections.Node, ipv6 bool) []Peer {
	all := []Peer{{Node: at, Kind: CIDRv4, Value: "0.0.0.0/0"}}
	if ipv6 {
		all = append(all, Peer{Node: at, Kind: CIDRv6, Value: "::/0"})
	}
	return all
}

// address returns the kind of a peer, if it is a CIDR block or a prefix list. ok is false for any other word. If the
// word is an address but no valid block, mistake tells the fix.
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
	// ::ffff:10.0.0.0/104 is IPv4 in the notation of IPv6, which security groups do not take.
	case err != nil || block.Addr().Is4In6():
		return 0, false, "must be a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"
	case block != block.Masked():
		return 0, false, "has bits set beyond its mask: write " + block.Masked().String()
	case block.Addr().Is4():
		return CIDRv4, true, ""
	}
	return CIDRv6, true, ""
}

// privateBlocks are the address blocks for private networks (RFC 1918, and RFC 4193 for IPv6).
var privateBlocks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("fc00::/7"),
}

// public reports whether a CIDR block includes addresses of the internet.
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

// bastionPeers returns the peers that may connect to the bastions: everyone by default.
func bastionPeers(s sections.Section) []Peer {
	if !s.Has("bastion_sources") {
		all := everyone(sections.NewNode(s.PosOf("bastion_sources"), nil), s.Flag("ipv6"))
		derivePeers(s.Record, "bastion_sources", all)
		return all
	}
	var peers []Peer
	for _, n := range s.List("bastion_sources") {
		kind, ok, mistake := address(n.Tree.Text)
		switch {
		case ok:
			peers = addPeer(peers, n, kind, s)
		case mistake != "":
			s.Report.Errorf(n.Pos(), "%s, got %q", mistake, n.Tree.Text)
		default:
			s.Report.Errorf(n.Pos(), "must be a CIDR block such as 10.0.0.0/8 or a prefix list (pl-…), got %q", n.Tree.Text)
		}
	}
	if len(s.List("bastion_sources")) == 0 && !s.Unknown("bastion_sources") && s.Number("bastion_instance_count") > 0 {
		s.Errorf("bastion_sources", "is empty, so nobody could reach the bastions: add a CIDR block, or set bastion_instance_count to 0")
	}
	return peers
}

// derivePeers records peers for the resolved value: a default, or the written ones that remain.
func derivePeers(r sections.Record, name string, peers []Peer) {
	var words []string
	for _, p := range peers {
		words = append(words, p.Value)
	}
	r.DeriveList(name, words)
}

// addPeer adds an address to peers, unless it is a duplicate, or an IPv6 block in a region of the orbit without
// IPv6.
func addPeer(peers []Peer, n sections.Value, kind PeerKind, orbit sections.Section) []Peer {
	if kind == CIDRv6 && !orbit.Flag("ipv6") {
		if !orbit.Unknown("ipv6") {
			orbit.Report.Errorf(n.Pos(),
				"%s is an IPv6 block, and the orbit has no IPv6 here: set ipv6 in its manifest, or leave the block out", n.Tree.Text)
		}
		return peers
	}
	for _, p := range peers {
		if p.Value == n.Tree.Text {
			orbit.Report.Warnf(n.Pos(), "%s is listed twice", n.Tree.Text)
			return peers
		}
	}
	return append(peers, Peer{Node: sections.NewNode(n.Pos(), nil), Kind: kind, Value: n.Tree.Text})
}

// peers returns the peers in a list.
func (c appScope) peers(list []sections.Value) []Peer {
	var peers []Peer
	for _, n := range list {
		if kind, ok := c.peerKind(n); ok {
			peers = addPeer(peers, n, kind, c.orbitSection)
		}
	}
	return peers
}

// peerKind returns the kind of a word in a list of peers. A region of AWS outside of the orbit is skipped with a
// note, because one manifest may serve several orbits.
func (c appScope) peerKind(n sections.Value) (PeerKind, bool) {
	word := n.Tree.Text
	kind, ok, mistake := address(word)
	_, known := c.facts.Regions[word]
	switch {
	case ok:
		return kind, true
	case mistake != "":
		c.report.Errorf(n.Pos(), "%s, got %q", mistake, word)
	case known && c.orbit.Region(word) != nil:
		return Region, true
	case known:
		c.report.Notef(n.Pos(), "%s is skipped: the orbit is not in this region", word)
	case c.facts.LooksLikeRegion(word):
		c.facts.CheckRegion(c.report, word, n.Pos())
	case word == c.app:
		c.report.Errorf(n.Pos(), "is the app itself: its instances reach each other through private_ports")
	case appName.MatchString(word):
		return OtherApp, true
	default:
		c.report.Errorf(n.Pos(), "must be a CIDR block, a region, a prefix list (pl-…) or the name of an app, got %q", word)
	}
	return 0, false
}
