package compiler

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// instanceSubnets are the subnets of the app's instances: one in each of the orbit's zones, or in those of azs, or in those of the EBS
// volumes. A change of the subnets replaces the instances.
func instanceSubnets(a appContext, p *part) cfn.Value {
	if len(a.region.Zones) == 0 && !a.region.HasEBS() {
		return a.net.subnets(p, instanceTier(a.region))
	}
	vpc := document.StackName(a.net.orbit.Name, document.StackVPC)
	of := assembly.Output{Region: a.region.Region, Stack: vpc, Output: string(instanceTier(a.region)) + "Subnets"}
	p.after = append(p.after, assembly.StackRef{Region: of.Region, Name: of.Stack})
	source := assembly.Subnets{Of: of, Zones: a.region.Zones}
	if a.region.HasEBS() {
		ofVolumes(a, &source)
	}
	return p.parameter("InstanceSubnets", cfn.Parameter{
		Type:        "List<AWS::EC2::Subnet::Id>",
		Description: "The subnets of the instances, in the zones of the app.",
	}, assembly.ValueFrom{Subnets: &source}).Ref()
}

// ofVolumes says which zones an app with EBS volumes may run in. Zones without a NAT gateway of their own are not chosen
// (schema/regions.cue), unless there are no others.
func ofVolumes(a appContext, source *assembly.Subnets) {
	for _, v := range a.region.Volumes {
		if v.Instance == nil {
			source.Volumes = append(source.Volumes, document.VolumeKey(a.app.Name, v.Label))
		}
	}
	slices.Sort(source.Volumes)
	source.BootTimeout = a.region.BootTimeout
	if len(source.Zones) > 0 {
		return
	}
	source.Candidates = slices.DeleteFunc(slices.Clone(a.net.region.Zones), func(zone string) bool {
		return slices.Contains(a.net.region.ConstrainedZones, zone)
	})
	if len(source.Candidates) == 0 {
		source.Candidates = a.net.region.Zones
	}
	source.Count = a.region.VolumeZones(len(source.Candidates))
	source.InstanceTypes = launched(a.region)
}

// launched are the types of the app's instances, sorted.
func launched(app *schema.AppRegion) []string {
	kinds := []string{app.InstanceType}
	if app.Spot != nil {
		kinds = append(kinds, app.Spot.Types...)
	}
	slices.SortFunc(kinds, strings.Compare)
	return slices.Compact(kinds)
}
