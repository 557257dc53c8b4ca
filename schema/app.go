package schema

import (
	"cmp"
	"slices"
	"strings"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/sections"
)

// app makes the model's app from its manifest. It covers the regions that both the app and the orbit are in.
func (m document) app(orbit *Orbit, orbitSections map[string]sections.Section) *App {
	top := m.root.Record(m.report, nil)
	a := &App{Node: top.Node(), Name: top.Text("name")}
	m.stackName(top, orbit, a.Name)
	regions := m.appRegions(top, orbit)
	for _, region := range regions {
		b := appBuilder{
			section: m.section(region, m.facts.Defaults.Lookup("app")),
			scope: appScope{
				facts: m.facts, report: m.report, orbit: orbit, region: orbit.Region(region), orbitSection: orbitSections[region],
				app: a.Name, regions: regions,
			},
		}
		made := b.build()
		if m.resolves {
			made.Resolved = b.section.Resolve(sections.Extra("name", a.Name, a.At("name")))
		}
		a.Regions = append(a.Regions, made)
	}
	slices.SortFunc(a.Regions, func(x, y *AppRegion) int { return cmp.Compare(x.Region, y.Region) })
	return a
}

// stackName checks the app's name as the name of its stack: CloudFormation's limit of length, the orbit's own
// stacks, and names that look like a region. A list of sources can name apps and regions, and must be able to tell
// them apart.
func (m document) stackName(top sections.Record, orbit *Orbit, name string) {
	switch {
	case len(names.StackName(orbit.Name, name)) > longestStack:
		top.Errorf("name",
			"is too long: %s must have at most %d characters, as CloudFormation wants of a stack's name",
			names.StackName(orbit.Name, "<name>"), longestStack)
	case slices.Contains(names.OrbitStacks(), strings.ToLower(name)):
		top.Errorf("name", "%s is a name of the orbit's own: two stacks would be named %s", name, names.StackName(orbit.Name, name))
	case m.facts.LooksLikeRegion(name):
		top.Errorf("name", "%s looks like a region: a list of sources could not tell the two apart", name)
	}
}

// appRegions returns the regions that app and orbit share. Without a list of regions, an app is in all
// regions of its orbit. A region outside of the orbit is skipped with a note, because one manifest may serve
// several orbits.
func (m document) appRegions(top sections.Record, orbit *Orbit) []string {
	var listed []string
	active := slices.Clone(orbit.Listed)
	list := m.regionList()
	if len(top.List("regions")) == 0 {
		m.skipped(top, orbit)
		return active
	}
	for _, n := range list {
		if orbit.Region(n.Tree.Text) == nil {
			m.report.Notef(n.Pos(), "%s is skipped: the orbit is not in this region", n.Tree.Text)
			continue
		}
		listed = append(listed, n.Tree.Text)
	}
	m.unlisted(list)
	// If some names were no regions at all, list is shorter: those mistakes are reported, and this one would only follow.
	if len(listed) == 0 && len(list) == len(top.List("regions")) && len(active) > 0 {
		top.Errorf("regions", "none of them is a region of the orbit, which is in %s", strings.Join(active, ", "))
	}
	return listed
}

// skipped notes sections for regions outside of the orbit. They have no effect in this build.
func (m document) skipped(top sections.Record, orbit *Orbit) {
	for key, n := range top.Fields {
		if key == "name" || key == "regions" || key == "all" || !m.facts.CheckRegion(m.report, key, n.Pos()) || orbit.Region(key) != nil {
			continue
		}
		m.report.Notef(n.Pos(), "is skipped: the orbit is not in this region")
	}
}

// unlisted notes sections for regions outside of the manifest's own list. They have no effect.
func (m document) unlisted(list []sections.Value) {
	var listed []string
	for _, n := range list {
		listed = append(listed, n.Tree.Text)
	}
	m.sections(listed)
}
