package compiler

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

func onSpot(spot schema.Spot) appChange {
	return func(app *schema.AppRegion) { app.Spot = &spot }
}

func TestSpot(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = "m5.large"
	}
	for name, c := range map[string]struct {
		spot      schema.Spot
		volumes   []schema.Volume
		want      string
		rebalance string
	}{
		"plain": {
			schema.Spot{Types: []string{"t3.nano"}, Strategy: "price-capacity-optimized"}, nil,
			`"OnDemandBaseCapacity":0,"OnDemandPercentageAboveBaseCapacity":0,"SpotAllocationStrategy":"price-capacity-optimized",` +
				`"SpotMaxPrice":""`, "true",
		},
		"a base and a limit": {
			schema.Spot{Types: []string{"t3.nano"}, Strategy: "capacity-optimized", Price: "0.5", OnDemandBase: 2}, nil,
			`"OnDemandBaseCapacity":2,"OnDemandPercentageAboveBaseCapacity":0,"SpotAllocationStrategy":"capacity-optimized",` +
				`"SpotMaxPrice":"0.5"`, "true",
		},
		"the fleet's diversified spreads over every type": {
			schema.Spot{Types: []string{"t3.nano", "t3.micro"}, Strategy: "diversified"}, nil,
			`"SpotAllocationStrategy":"lowest-price","SpotInstancePools":2`, "",
		},
		"over as many as a group may": {
			schema.Spot{Types: many, Strategy: "diversified"}, nil, `"SpotInstancePools":20`, "",
		},
		"lowest price": {
			schema.Spot{Types: []string{"t3.nano"}, Strategy: "lowest-price"}, nil,
			`"SpotAllocationStrategy":"lowest-price","SpotMaxPrice":""`, "",
		},
		"a volume can't be held by two": {
			schema.Spot{Types: []string{"t3.nano"}, Strategy: "capacity-optimized"}, []schema.Volume{{Label: "data", Count: 2}},
			`"SpotAllocationStrategy":"capacity-optimized"`, "",
		},
		"a disk of its own can": {
			schema.Spot{Types: []string{"m5d.large"}, Strategy: "capacity-optimized"}, []schema.Volume{{Label: "data", Instance: new(int)}},
			`"SpotAllocationStrategy":"capacity-optimized"`, "true",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := lower(t, onSpot(c.spot), func(app *schema.AppRegion) { app.Volumes = c.volumes })
			group := func(property string) string { return v.get("Resources", "Asg", "Properties", property) }
			if got := group("MixedInstancesPolicy"); !strings.Contains(got, c.want) ||
				strings.Count(got, `"InstanceType"`) != len(c.spot.Types) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if got := group("LaunchTemplate"); got != "" {
				t.Errorf("a launch template beside the policy: %s", got)
			}
			if got := group("CapacityRebalance"); got != c.rebalance {
				t.Errorf("CapacityRebalance is %s", got)
			}
		})
	}
}

// The group of an app that is not on spot has a launch template and no policy.
func TestOnDemand(t *testing.T) {
	v := lower(t)
	if got := v.get("Resources", "Asg", "Properties", "MixedInstancesPolicy"); got != "" {
		t.Error(got)
	}
	if got := v.get("Resources", "Asg", "Properties", "LaunchTemplate", "Version"); !strings.Contains(got, "LatestVersionNumber") {
		t.Error(got)
	}
}
