package schema

import (
	"slices"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/resolved"
)

// Values returns the resolved value of each region of the orbit alone, and of each app in each of its regions. regions narrows
// them; none are all. The model must have been loaded with Inputs.Resolve.
func (m *Model) Values(regions []string) []resolved.Value {
	included := func(region string) bool { return len(regions) == 0 || slices.Contains(regions, region) }
	var values []resolved.Value
	for _, region := range m.Orbit.Regions {
		if included(region.Region) {
			values = append(values, resolved.Value{Region: region.Region, Orbit: region.Resolved})
		}
	}
	for _, app := range m.Apps {
		for _, region := range app.Regions {
			if included(region.Region) {
				values = append(values, resolved.Value{
					Region: region.Region, Orbit: m.Orbit.Region(region.Region).Resolved, App: region.Resolved,
				})
			}
		}
	}
	return values
}

// Resolved returns the sections of all regions in one value: orbit.REGION, and apps.NAME.REGION for the apps of this model. A
// hash stands for each secret. regions narrows it; none are all. The model must have been loaded with Inputs.Resolve.
func (m *Model) Resolved(regions []string) *manifest.Tree {
	included := func(region string) bool { return len(regions) == 0 || slices.Contains(regions, region) }
	orbit, apps := &manifest.Tree{Kind: manifest.Object}, &manifest.Tree{Kind: manifest.Object}
	for _, region := range m.Orbit.Regions {
		if included(region.Region) {
			orbit.Set(region.Region, manifest.Place{}, region.Resolved.Redacted())
		}
	}
	for _, app := range m.Apps {
		inRegions := &manifest.Tree{Kind: manifest.Object}
		for _, region := range app.Regions {
			if included(region.Region) {
				inRegions.Set(region.Region, manifest.Place{}, region.Resolved.Redacted())
			}
		}
		apps.Set(app.Name, manifest.Place{}, inRegions)
	}
	return &manifest.Tree{Kind: manifest.Object, Fields: []manifest.Field{{Key: "orbit", Value: orbit}, {Key: "apps", Value: apps}}}
}
