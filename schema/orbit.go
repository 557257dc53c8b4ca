package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
	"github.com/pebble/spacel/schema/sections"
)

// longestStack is CloudFormation's limit for the length of a stack's name.
const longestStack = 128

// orbit makes the model's orbit from its manifest. It also returns the merged section of each region, because
// checks of apps need to know which values were invalid. narrow is the list of --region.
func (m document) orbit(narrow []string) (*Orbit, map[string]sections.Section) {
	top := m.root.Record(m.report, nil)
	o := &Orbit{Node: top.Node(), Name: top.Text("name")}
	if len(names.StackName(o.Name, names.StackBastion)) > longestStack {
		top.Errorf("name", "is too long: %s must have at most %d characters, as CloudFormation wants of a stack's name",
			names.StackName("<name>", names.StackBastion), longestStack)
	}
	o.own(top)
	regions := m.orbitRegions(top, narrow)
	o.Listed = regions
	merged := map[string]sections.Section{}
	m.sections(regions)
	for _, region := range regions {
		merged[region] = m.section(region, m.facts.Defaults.Lookup("orbit"))
		made := m.orbitRegion(merged[region])
		if m.resolves {
			made.Resolved = m.resolvedOrbit(merged[region], o, regions)
		}
		o.Regions = append(o.Regions, made)
	}
	slices.SortFunc(o.Regions, func(a, b *OrbitRegion) int { return cmp.Compare(a.Region, b.Region) })
	return o, merged
}

// orbitRegions returns the regions of the orbit: the manifest's list or, without a list, the regions of --region.
func (m document) orbitRegions(top sections.Record, narrow []string) []string {
	var regions []string
	for _, n := range m.regionList() {
		regions = append(regions, n.Tree.Text)
	}
	// An orbit without a list serves any region: then the command line must name them.
	if !top.Has("regions") {
		regions = narrow
	}
	if len(regions) == 0 && !top.Unknown("regions") && len(top.List("regions")) == 0 {
		top.Errorf("regions", "must list at least one region, such as [\"us-east-1\"]")
	}
	for _, region := range narrow {
		if m.facts.CheckRegion(m.report, region, report.Pos{Path: "--region"}) && len(regions) > 0 && !slices.Contains(regions, region) {
			m.report.Errorf(report.Pos{Path: "--region"}, "%s is not among the orbit's regions: %s", region, strings.Join(regions, ", "))
		}
	}
	// Unknown regions are reported elsewhere. Without zones there is nothing to make of them.
	return slices.DeleteFunc(slices.Clone(regions), func(region string) bool { return m.facts.Regions[region].Zones == nil })
}

// orbitRegion makes the orbit in one region.
func (m document) orbitRegion(s sections.Section) *OrbitRegion {
	checkProvider(s)
	o := &OrbitRegion{
		Node:                s.Node(),
		Region:              s.Region,
		Zones:               zones(m.facts, s),
		Domain:              strings.ToLower(strings.TrimSuffix(s.Text("domain"), ".")),
		NAT:                 NAT(s.Text("nat")),
		PrivateNetwork:      s.Text("private_network"),
		IPv6:                s.Flag("ipv6"),
		FlowLogs:            flowLogs(m.facts, s),
		BastionInstanceType: s.Text("bastion_instance_type"),
		BastionImage:        Image{Debian: s.Text("debian"), AMI: s.Text("bastion_ami")},
		Tags:                tags(s.Record),
	}
	s.DeriveList("azs", o.Zones)
	if s.Has("debian") {
		s.DeriveText("debian", o.BastionImage.Debian)
	}
	if o.Domain != "" {
		s.DeriveText("domain", o.Domain)
	}
	o.ConstrainedZones = constrainedZones(m.facts, s, o)
	o.BastionArchitecture = m.facts.Architecture(o.BastionInstanceType)
	o.BastionInstanceCount = s.Number("bastion_instance_count")
	o.BastionSources = bastionPeers(s)
	checkInstanceType(m.facts, s.Record, "bastion_instance_type")
	return o
}

// checkProvider refuses the 2016 tool's second provider of networks, and warns about the fields that belong to it.
func checkProvider(s sections.Section) {
	if s.Text("provider") == "gdh" {
		s.Errorf("provider",
			"gdh is no longer supported: remove provider, and spacel creates the network of %s, or remove the region from "+
				"regions", s.Region)
		return
	}
	for _, name := range []string{"parent_stack", "deploy_stack"} {
		if s.Has(name) {
			s.Warnf(name, "has no effect: it belongs to provider gdh, which is no longer supported")
		}
	}
}

// flowLogs returns nil if flow logs are off.
func flowLogs(facts *language.Facts, s sections.Section) *FlowLogs {
	if !s.Flag("flow_logs") {
		return nil
	}
	logs := s.Child("flow_logs", facts.Defaults.Lookup("flow_logs"))
	return &FlowLogs{Node: logs.Node(), Retention: logs.Number("retention"), Traffic: logs.Text("traffic")}
}

// zones returns the ids of the zones in azs. By default these are all zones of the region but the constrained
// ones. The order is that of regions.cue, where new zones of AWS are appended: the position of a zone selects its
// subnets' addresses, so it must never change.
func zones(facts *language.Facts, s sections.Section) []string {
	all := facts.Regions[s.Region]
	if !s.Has("azs") {
		return slices.Clone(all.Zones)
	}
	known := append(slices.Clone(all.Zones), slices.Sorted(maps.Keys(all.Constrained))...)
	var zones []string
	for _, n := range s.List("azs") {
		zone := n.Tree.Text
		switch {
		case !slices.Contains(known, zone):
			s.Report.Errorf(n.Pos(), "must be a zone of %s (%s), got %q", s.Region, strings.Join(known, ", "), zone)
		case slices.Contains(zones, zone):
			s.Report.Errorf(n.Pos(), "%s is listed twice", zone)
		default:
			zones = append(zones, zone)
		}
	}
	if listed := len(s.List("azs")) + len(s.Fields["azs"].Tree.Reported); listed < 2 || listed > 6 {
		s.Errorf("azs", "must list 2 to 6 zones, got %d", listed)
	}
	// The order in the manifest does not count: the same zones must always get the same subnets.
	slices.SortFunc(zones, func(a, b string) int { return cmp.Compare(slices.Index(known, a), slices.Index(known, b)) })
	return zones
}

// constrainedZones returns the zones in azs that AWS offers no NAT gateway in.
func constrainedZones(facts *language.Facts, s sections.Section, o *OrbitRegion) []string {
	var zones []string
	for _, zone := range o.Zones {
		if _, constrained := facts.Regions[s.Region].Constrained[zone]; constrained {
			zones = append(zones, zone)
		}
	}
	if len(zones) > 0 && len(zones) == len(o.Zones) && o.NAT != NATDisabled {
		s.Errorf("azs", "none of these zones takes a NAT gateway: add another zone, or use nat: disabled")
	}
	return zones
}

// maxTags is the limit for tags in a manifest. AWS allows 50 on a resource, and spacel adds some of its own.
const maxTags = 40

// tags returns the manifest's tags after checking their number and AWS's rules for keys.
func tags(r sections.Record) map[string]string {
	tags := map[string]string{}
	for _, e := range r.Entries("tags") {
		// AWS refuses keys that begin with aws:, in any case of letters. Keys with spacel: say whose a stack is.
		prefix, _, prefixed := strings.Cut(strings.ToLower(e.Key), ":")
		if prefixed && (prefix == "aws" || prefix == "spacel") {
			r.Report.Errorf(e.Pos(), "tags that begin with %s: are not for users", prefix)
		}
		tags[e.Key] = e.Tree.Text
	}
	if len(tags) > maxTags {
		r.Errorf("tags", "must be at most %d tags, got %d", maxTags, len(tags))
	}
	return tags
}

// checkInstanceType refuses an instance type that EC2 has withdrawn, or one that cannot run Debian.
func checkInstanceType(facts *language.Facts, r sections.Record, field string) {
	checkOffered(facts, r.Report, r.PosOf(field), r.Text(field))
}

// checkOffered is checkInstanceType for a type at any place.
func checkOffered(facts *language.Facts, found *report.Report, at report.Pos, kind string) {
	family, _, _ := strings.Cut(kind, ".")
	if instead, gone := facts.Catalog.Withdrawn["instance_families"][family]; gone {
		found.Errorf(at, "EC2 no longer offers %s: use %s", family, instead)
	}
	if facts.Catalog.Architectures.MacOS.MatchString(kind) {
		found.Errorf(at, "%s runs macOS only, and instances run Debian", kind)
	}
}

// resolvedOrbit returns the resolved section of the orbit in one region, with the fields that hold for all of it.
func (m document) resolvedOrbit(s sections.Section, o *Orbit, regions []string) *resolved.Section {
	top := m.root.Record(m.report, nil)
	list := sections.Value{Tree: &manifest.Tree{Kind: manifest.List}, At: m.part("regions").At, Path: "regions"}
	list.Tree.At = list.At
	for _, region := range slices.Sorted(slices.Values(regions)) {
		list.Tree.Items = append(list.Tree.Items, &manifest.Tree{Kind: manifest.Text, Text: region, At: list.At})
	}
	whole := []sections.Value{sections.Extra("name", o.Name, top.PosOf("name")), list}
	return s.Resolve(append(whole, o.ownership(top)...)...)
}
