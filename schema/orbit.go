package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/report"
)

// longestStack is CloudFormation's limit for a stack's name.
const longestStack = 128

// orbit makes the model's orbit of its manifest.
func (m document) orbit() *Orbit {
	top := m.root.record(m.report, nil)
	o := &Orbit{Node: top.node(), Name: top.text("name")}
	if len(names.StackName(o.Name, names.StackBastion)) > longestStack {
		top.mistake("name", "is too long: %s must have at most %d characters, as CloudFormation wants of a stack's name",
			names.StackName("<name>", names.StackBastion), longestStack)
	}
	regions := m.orbitRegions(top)
	m.sections(regions)
	for _, region := range regions {
		o.Regions = append(o.Regions, m.orbitRegion(region))
	}
	slices.SortFunc(o.Regions, func(a, b *OrbitRegion) int { return cmp.Compare(a.Region, b.Region) })
	return o
}

// orbitRegions are the regions that the orbit is in: those listed, or without a list those of --region.
func (m document) orbitRegions(top record) []string {
	var regions []string
	for _, n := range m.regionList() {
		regions = append(regions, n.value.Text)
	}
	if !top.has("regions") {
		regions = m.narrow
	}
	if len(regions) == 0 && !top.unknown("regions") && len(top.list("regions")) == 0 {
		top.mistake("regions", "must list at least one region, such as [\"us-east-1\"]")
	}
	for _, region := range m.narrow {
		if m.knownRegion(region, report.Pos{Path: "--region"}) && len(regions) > 0 && !slices.Contains(regions, region) {
			m.report.Errorf(report.Pos{Path: "--region"}, "%s is not among the orbit's regions: %s", region, strings.Join(regions, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(regions), func(region string) bool { return m.facts.Regions[region].Zones == nil })
}

func (m document) orbitRegion(name string) *OrbitRegion {
	s := m.section(name, m.facts.Defaults.Lookup("orbit"))
	m.loader.orbit[name] = s
	m.provider(s)
	o := &OrbitRegion{
		Node:                s.node(),
		Region:              name,
		Zones:               m.zones(s),
		Domain:              strings.ToLower(strings.TrimSuffix(s.text("domain"), ".")),
		NAT:                 NAT(s.text("nat")),
		PrivateNetwork:      s.text("private_network"),
		IPv6:                s.flag("ipv6"),
		FlowLogs:            m.flowLogs(s),
		BastionInstanceType: s.text("bastion_instance_type"),
		BastionImage:        Image{Debian: s.text("debian"), AMI: s.text("bastion_ami")},
		Tags:                m.tags(s.record),
	}
	o.ConstrainedZones = m.constrainedZones(s, o)
	o.BastionArchitecture = m.facts.Architecture(o.BastionInstanceType)
	o.BastionInstanceCount = s.number("bastion_instance_count")
	o.BastionSources = m.bastionSources(s, o.IPv6)
	m.instanceType(s.record, "bastion_instance_type")
	return o
}

// provider refuses the 2016 tool's other provider of networks, and what belongs to it.
func (m document) provider(s section) {
	if s.text("provider") == "gdh" {
		s.mistake("provider", "gdh is no more: remove provider, and spacel makes the network of %s itself, or take the region out of regions", s.region)
		return
	}
	for _, name := range []string{"parent_stack", "deploy_stack"} {
		if s.has(name) {
			s.Warnf(s.posOf(name), "does nothing: it belongs to provider gdh, which is no more")
		}
	}
}

func (m document) flowLogs(s section) *FlowLogs {
	if !s.flag("flow_logs") {
		return nil
	}
	logs := s.child("flow_logs", m.facts.Defaults.Lookup("flow_logs"))
	return &FlowLogs{Node: logs.node(), Retention: logs.number("retention"), Traffic: logs.text("traffic")}
}

// zones are the zone ids that azs names, or all of the region's but the constrained ones. Their order is regions.cue's,
// where a zone that AWS adds goes last, so that it moves nothing.
func (m document) zones(s section) []string {
	all := m.facts.Regions[s.region]
	if !s.has("azs") {
		return slices.Clone(all.Zones)
	}
	known := append(slices.Clone(all.Zones), slices.Sorted(maps.Keys(all.Constrained))...)
	var zones []string
	for _, n := range s.list("azs") {
		zone := n.value.Text
		switch {
		case !slices.Contains(known, zone):
			s.Errorf(n.pos(), "must be a zone of %s (%s), got %q", s.region, strings.Join(known, ", "), zone)
		case slices.Contains(zones, zone):
			s.Errorf(n.pos(), "%s is listed twice", zone)
		default:
			zones = append(zones, zone)
		}
	}
	if listed := len(s.list("azs")) + len(s.fields["azs"].value.Reported); listed < 2 || listed > 6 {
		s.mistake("azs", "must list 2 to 6 zones, got %d", listed)
	}
	slices.SortFunc(zones, func(a, b string) int { return cmp.Compare(slices.Index(known, a), slices.Index(known, b)) })
	return zones
}

// constrainedZones are the zones that azs names although AWS has no NAT gateway there.
func (m document) constrainedZones(s section, o *OrbitRegion) []string {
	var zones []string
	for _, zone := range o.Zones {
		if _, constrained := m.facts.Regions[s.region].Constrained[zone]; constrained {
			zones = append(zones, zone)
		}
	}
	if len(zones) > 0 && len(zones) == len(o.Zones) && o.NAT != NATDisabled {
		s.mistake("azs", "none of these zones takes a NAT gateway: add another zone, or use nat: disabled")
	}
	return zones
}

// maxTags is how many tags a manifest may have. A resource takes 50, of which spacel adds a few.
const maxTags = 40

// tags are a manifest's tags.
func (m document) tags(r record) map[string]string {
	tags := map[string]string{}
	for _, e := range r.entries("tags") {
		if prefix, _, _ := strings.Cut(strings.ToLower(e.key), ":"); strings.Contains(e.key, ":") && (prefix == "aws" || prefix == "spacel") {
			r.Errorf(e.pos(), "tags that begin with %s: are not for users", prefix)
		}
		tags[e.key] = e.value.Text
	}
	if len(tags) > maxTags {
		r.mistake("tags", "must be at most %d tags, got %d", maxTags, len(tags))
	}
	return tags
}

// instanceType refuses types that EC2 offers no more and those that can't run Debian.
func (m document) instanceType(r record, field string) { m.offered(r.posOf(field), r.text(field)) }

func (m document) offered(at report.Pos, kind string) {
	family, _, _ := strings.Cut(kind, ".")
	if instead, gone := m.facts.Catalog.Withdrawn["instance_families"][family]; gone {
		m.report.Errorf(at, "EC2 no longer offers %s: use %s", family, instead)
	}
	if m.facts.Catalog.Architectures.MacOS.MatchString(kind) {
		m.report.Errorf(at, "%s runs nothing but macOS", kind)
	}
}
