package compiler

import (
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// capacity is the group's purchase option: one type on demand, or a mix of types on spot.
type capacity struct {
	mix       *cfn.InstancesDistribution // nil: on demand
	types     []string
	rebalance bool // replace a spot instance early when AWS recommends it
}

// spot is how the app's group buys its instances. Every instance counts as one, whatever its type: CloudFormation waits for a
// signal from each of a number of instances, which weights would make another number.
func spot(app *schema.AppRegion) capacity {
	s := app.Spot
	if s == nil {
		return capacity{}
	}
	strategy, pools := s.Strategy, 0
	if strategy == "diversified" { // the fleet's word; a group spreads over the cheapest so many
		strategy, pools = "lowest-price", min(len(s.Types), maxSpotPools)
	}
	return capacity{
		mix: &cfn.InstancesDistribution{
			OnDemandBaseCapacity:   s.OnDemandBase,
			SpotAllocationStrategy: strategy,
			SpotInstancePools:      pools,
			SpotMaxPrice:           s.Price,
		},
		types: s.Types,
		// With EBS volumes the replacement would start beside its predecessor and wait for the predecessor's volume.
		rebalance: strategy != "lowest-price" && !app.HasEBS(),
	}
}

// maxSpotPools is the most pools that lowest-price spreads over (API reference, InstancesDistribution).
const maxSpotPools = 20

// policy mixes instances of one version of a launch template.
func (c capacity) policy(version cfn.LaunchTemplateVersion) *cfn.MixedInstancesPolicy {
	policy := &cfn.MixedInstancesPolicy{
		InstancesDistribution: *c.mix,
		LaunchTemplate:        cfn.MixedLaunchTemplate{LaunchTemplateSpecification: version},
	}
	for _, kind := range c.types {
		policy.LaunchTemplate.Overrides = append(policy.LaunchTemplate.Overrides, cfn.LaunchTemplateOverride{InstanceType: kind})
	}
	return policy
}
