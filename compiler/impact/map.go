package impact

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/template"
)

// Region is a map of one region: what runs there, and who can connect to whom.
type Region struct {
	Name  string
	Zones []string
	Nodes []Node // sorted by key
	Edges []Link // sorted
}

// Node is an end of a connection: an app's instances, its load balancer, a store, the bastions, a NAT gateway, or somebody outside.
type Node struct {
	Key    string // unique in the region
	Name   string
	Kind   NodeKind
	App    string   // owner of a balancer or store
	Detail []string // in words: number and type of instances, public addresses
	Public bool
	From   string // file:line:col in the manifests
	Change Change // empty: as before, or there is nothing to compare with
}

// NodeKind is what a node is.
type NodeKind string

// The kinds of nodes, from the outside to the inside.
const (
	Outside   NodeKind = "outside"
	Bastions  NodeKind = "bastions"
	Gateway   NodeKind = "nat"
	Balancer  NodeKind = "load balancer"
	Instances NodeKind = "instances"
	Store     NodeKind = "store"
)

// Link is a connection that is allowed. From and To are keys of nodes.
type Link struct {
	From, To, Ports string
	Change          Change
}

// Maps draws an artifact's regions, sorted by name.
func Maps(a *assembly.Assembly) ([]Region, error) {
	places, err := a.SourceMap()
	if err != nil {
		return nil, err
	}
	regions := map[string]*regionMap{}
	for _, stack := range a.Manifest.Stacks {
		side, err := newSide(a, stack.Ref(), places)
		if err != nil {
			return nil, err
		}
		if regions[stack.Region] == nil {
			regions[stack.Region] = &regionMap{nodes: map[string]Node{}, links: map[Link]bool{}, zones: map[string]bool{}}
		}
		regions[stack.Region].add(side)
	}
	var out []Region
	for _, name := range slices.Sorted(maps.Keys(regions)) {
		out = append(out, regions[name].region(name))
	}
	return out, nil
}

// regionMap collects the map of one region.
type regionMap struct {
	nodes map[string]Node
	links map[Link]bool
	zones map[string]bool
}

// add puts a stack on the map.
func (m *regionMap) add(s *Side) {
	for _, id := range s.t.IDs() {
		r := s.t.Resources[id]
		if zone := property(r, "AvailabilityZoneId"); r.Type == "AWS::EC2::Subnet" && zone != "" {
			m.zones[zone] = true
		}
		if n, ok := s.node(id, r); ok {
			n.From = s.places[id]
			if known, twice := m.nodes[n.Key]; twice {
				n.Detail = slices.Concat(known.Detail, n.Detail)
			}
			m.nodes[n.Key] = n
		}
	}
	for _, f := range s.facts() {
		if f.Kind != KindReach || f.Edge == nil {
			continue
		}
		m.links[Link{From: f.Edge.fromKey, To: f.Edge.toKey, Ports: f.Edge.Ports}] = true
		m.outside(f.Edge.fromKey, f.Edge.From)
		m.outside(f.Edge.toKey, f.Edge.To)
	}
}

// outside adds an end that no resource stands for. A resource of a stack that comes later replaces it.
func (m *regionMap) outside(key, name string) {
	if _, known := m.nodes[key]; !known {
		m.nodes[key] = Node{Key: key, Name: name, Kind: Outside, Public: strings.HasPrefix(name, "internet")}
	}
}

// region sorts the map.
func (m *regionMap) region(name string) Region {
	out := Region{Name: name, Zones: slices.Sorted(maps.Keys(m.zones))}
	for _, key := range slices.Sorted(maps.Keys(m.nodes)) {
		n := m.nodes[key]
		n.Detail = counted(n.Detail)
		out.Nodes = append(out.Nodes, n)
	}
	out.Edges = slices.SortedFunc(maps.Keys(m.links), compareLinks)
	return out
}

// compareLinks orders links by their ends and ports.
func compareLinks(a, b Link) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Ports, b.Ports))
}

// node is the node that a resource stands for.
func (s *Side) node(id string, r template.Resource) (Node, bool) {
	switch r.Type {
	case autoScalingGroup:
		n := Node{Key: s.subject(), Name: s.subject(), Kind: Instances, App: s.stack.App, Detail: []string{s.instancesCost(r)}}
		if s.stack.App == "" && s.subject() == document.StackBastion {
			n.Key, n.Name, n.Kind, n.Public = bastionsOr(document.OutputBastions), bastionsOr(document.OutputBastions), Bastions, true
		}
		if addresses := len(s.ofType("AWS::EC2::EIP")); addresses > 0 {
			n.Detail = append(n.Detail, quantity(addresses, "public address"))
			n.Public = true
		}
		return n, true
	case loadBalancer:
		o := s.ownerOf(id, r)
		detail := cmp.Or(property(r, "Scheme"), "internet-facing")
		return Node{Key: s.key(o), Name: o.name, Kind: Balancer, App: s.stack.App, Detail: []string{detail},
			Public: o.public != no}, true
	case "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup":
		o := s.ownerOf(id, r)
		return Node{Key: s.key(o), Name: o.name, Kind: Store, App: s.stack.App, Detail: []string{s.cost(id, r)},
			Public: o.public == yes}, true
	case "AWS::EC2::NatGateway":
		return Node{Key: "NAT", Name: "NAT", Kind: Gateway, Detail: []string{"gateway"}, Public: true}, true
	}
	return Node{}, false
}

// key is the key of an owner's node: instances are known by their name in all of the region, the rest within its app.
func (s *Side) key(o owner) string {
	if o.what == "" {
		return o.name
	}
	return s.subject() + "/" + o.what + "/" + o.name
}

// CompareMaps marks on the new map what is new and changed, and adds what is gone.
func CompareMaps(old, now []Region) []Region {
	var out []Region
	index := map[string]Region{}
	for _, r := range old {
		index[r.Name] = r
	}
	names := map[string]bool{}
	for _, r := range now {
		out = append(out, compareRegions(index[r.Name], r))
		names[r.Name] = true
	}
	for _, r := range old {
		if !names[r.Name] {
			out = append(out, compareRegions(r, Region{Name: r.Name, Zones: r.Zones}))
		}
	}
	slices.SortFunc(out, func(a, b Region) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// compareRegions marks the differences of one region.
func compareRegions(old, now Region) Region {
	nodes := map[string]Node{}
	for _, n := range old.Nodes {
		n.Change = Removed
		nodes[n.Key] = n
	}
	for _, n := range now.Nodes {
		was, stayed := nodes[n.Key]
		switch {
		case !stayed:
			n.Change = Added
		case !slices.Equal(was.Detail, n.Detail) || was.Public != n.Public || was.Kind != n.Kind:
			n.Change = Changed
		}
		nodes[n.Key] = n
	}
	links := map[Link]Change{}
	for _, l := range old.Edges {
		links[l] = Removed
	}
	for _, l := range now.Edges {
		if _, stayed := links[l]; stayed {
			links[l] = ""
		} else {
			links[l] = Added
		}
	}
	out := Region{Name: now.Name, Zones: now.Zones}
	for _, key := range slices.Sorted(maps.Keys(nodes)) {
		out.Nodes = append(out.Nodes, nodes[key])
	}
	for l, change := range links {
		l.Change = change
		out.Edges = append(out.Edges, l)
	}
	slices.SortFunc(out.Edges, compareLinks)
	return out
}
