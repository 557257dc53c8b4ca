package schema

import (
	"slices"
	"strconv"

	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// spot returns the settings for spot capacity, nil if the app uses none.
func (b appBuilder) spot(a *AppRegion) *Spot {
	if !b.section.Flag("spot") {
		return nil
	}
	r := b.section.Child("spot", b.scope.facts.Defaults.Lookup("spot"))
	s := &Spot{
		Node:         r.Node(),
		Types:        b.spotTypes(r, a),
		Price:        r.Text("price"),
		Strategy:     r.Text("strategy"),
		OnDemandBase: r.Number("on_demand_base"),
	}
	if modern, ok := strategies[s.Strategy]; ok {
		s.Strategy = modern
		r.DeriveText("strategy", modern)
	}
	r.DeriveList("types", s.Types)
	r.LeaveOut("weights") // types holds them
	if r.Has("price") {
		r.Warnf("price", "is a limit and not a bid: while spot capacity costs more, no instance starts. "+
			"Remove it, and the limit is the on-demand price")
	}
	if s.OnDemandBase > a.InstanceMax && !b.section.Unknown("instance_max") {
		r.Errorf("on_demand_base", "must be at most instance_max, got %d and %d", s.OnDemandBase, a.InstanceMax)
	}
	return s
}

// maxSpotTypes is the largest number of launch template overrides in a group (EC2 Auto Scaling User Guide,
// "Quotas").
const maxSpotTypes = 40

// spotTypes returns the instance types in the order of the list types, which is their priority, followed by the
// keys of weights, the 2016 tool's form of the list.
func (b appBuilder) spotTypes(r sections.Record, a *AppRegion) []string {
	var types []string
	for _, n := range r.List("types") {
		if slices.Contains(types, n.Tree.Text) {
			r.Report.Warnf(n.Pos(), "%s is listed twice", n.Tree.Text)
			continue
		}
		b.checkSpotType(n.Pos(), n.Tree.Text, a)
		types = append(types, n.Tree.Text)
	}
	for _, e := range r.Entries("weights") {
		if !slices.Contains(types, e.Key) {
			b.checkSpotType(e.Pos(), e.Key, a)
			types = append(types, e.Key)
		}
		if weight, _ := strconv.Atoi(e.Tree.Text); weight > 1 {
			r.Report.Warnf(e.Pos(), "has no effect: the group counts instances, and %s counts as one; "+
				"instance_min and instance_max limit their number", e.Key)
		}
	}
	if len(types) == 0 {
		return []string{a.InstanceType}
	}
	if len(types) > maxSpotTypes {
		r.Report.Errorf(r.At, "must name at most %d instance types, got %d", maxSpotTypes, len(types))
	}
	return types
}

// checkSpotType checks whether a type can replace the app's instance_type: all types boot the same machine image, so
// they need the same architecture.
func (b appBuilder) checkSpotType(at report.Pos, kind string, a *AppRegion) {
	checkOffered(b.scope.facts, b.scope.report, at, kind)
	if architecture := b.scope.facts.Architecture(kind); architecture != a.Architecture && !b.section.Unknown("instance_type") {
		b.scope.report.Errorf(at,
			"%s is %s, and instance_type %s is %s: one image serves them all", kind, architecture, a.InstanceType, a.Architecture)
	}
}

// strategies maps older spellings of allocation strategies to the current ones.
var strategies = map[string]string{
	"lowestPrice": "lowest-price", "capacityOptimized": "capacity-optimized", "priceCapacityOptimized": "price-capacity-optimized",
}

// types returns the instance types for the app.
func (a *AppRegion) types() []string {
	if a.Spot == nil {
		return []string{a.InstanceType}
	}
	return a.Spot.Types
}
