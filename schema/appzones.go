package schema

import (
	"slices"
	"strings"
)

// zones returns the app's zones, in the order of the orbit's, nil unless the manifest has them.
func (b appBuilder) zones() []string {
	if !b.section.Has("azs") {
		return nil
	}
	known := b.scope.region.Zones
	var listed []string
	for _, n := range b.section.List("azs") {
		zone := n.Tree.Text
		switch {
		case !slices.Contains(known, zone):
			b.scope.report.Errorf(n.Pos(), "must be a zone of the orbit in %s (%s), got %q", b.scope.region.Region,
				strings.Join(known, ", "), zone)
		case slices.Contains(listed, zone):
			b.scope.report.Errorf(n.Pos(), "%s is listed twice", zone)
		default:
			listed = append(listed, zone)
		}
	}
	if len(b.section.List("azs")) == 0 && !b.section.Unknown("azs") {
		b.section.Errorf("azs", "must name at least one zone")
	}
	slices.SortFunc(listed, func(a, b string) int { return slices.Index(known, a) - slices.Index(known, b) })
	return listed
}

// checkZones compares the zones with the EBS volumes. An instance in a zone without a free volume would have to move one.
func (b appBuilder) checkZones(a *AppRegion) {
	sized := !slices.ContainsFunc([]string{"instance_min", "instance_max", "volumes", "azs"}, b.section.Unknown)
	if len(a.Zones) == 0 || !a.HasEBS() || !sized {
		return
	}
	fixed := a.fixedVolumes()
	switch {
	case fixed == 0 && len(a.Zones) > 1:
		b.section.Errorf("azs", "must be one zone with EBS volumes, got %d: in several zones, make instance_min, instance_max and "+
			"count equal, and a multiple of the number of zones", len(a.Zones))
	case fixed > 0 && fixed%len(a.Zones) != 0:
		b.section.Errorf("azs", "%d zones do not share %d EBS volumes evenly: list a number of zones that divides %d",
			len(a.Zones), fixed, fixed)
	}
}

// fixedVolumes returns the number of instances when it is fixed, and the number of each of the EBS volumes; else 0.
func (a *AppRegion) fixedVolumes() int {
	for _, v := range a.Volumes {
		if v.Instance == nil && v.Count != a.InstanceMax {
			return 0
		}
	}
	if !a.fixedSize(a.Scaling) {
		return 0
	}
	return a.InstanceMax
}

// VolumeZones returns in how many of some zones an app with EBS volumes runs, if it may choose: in one, or in as many as divide the number
// of its volumes, when each instance has its own.
func (a *AppRegion) VolumeZones(zones int) int {
	for n := min(zones, a.fixedVolumes()); n > 1; n-- {
		if a.fixedVolumes()%n == 0 {
			return n
		}
	}
	return 1
}
