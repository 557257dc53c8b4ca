package cfn

// MixedInstancesPolicy is how a group mixes instance types and purchase options.
type MixedInstancesPolicy struct {
	InstancesDistribution InstancesDistribution
	LaunchTemplate        MixedLaunchTemplate
}

// InstancesDistribution says how much is on demand and how spot capacity is chosen. SpotMaxPrice is dollars an hour; an empty
// one takes away a limit that was set before, which leaving it out would not.
type InstancesDistribution struct {
	OnDemandBaseCapacity                int
	OnDemandPercentageAboveBaseCapacity int
	SpotAllocationStrategy              string
	SpotInstancePools                   int `json:",omitempty"` // of lowest-price
	SpotMaxPrice                        string
}

// MixedLaunchTemplate is a launch template, and the instance types to use it with.
type MixedLaunchTemplate struct {
	LaunchTemplateSpecification LaunchTemplateVersion
	Overrides                   []LaunchTemplateOverride
}

// LaunchTemplateOverride is an instance type in place of the launch template's.
type LaunchTemplateOverride struct{ InstanceType string }
