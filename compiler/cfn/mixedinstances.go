package cfn

// MixedInstancesPolicy is how a group mixes instance types and purchase options.
type MixedInstancesPolicy struct {
	InstancesDistribution InstancesDistribution
	LaunchTemplate        MixedLaunchTemplate
}

// InstancesDistribution sets the share of on-demand instances and the strategy for spot capacity. SpotMaxPrice is in
// dollars per hour. An empty SpotMaxPrice removes an earlier limit, but a missing one would leave it in place (EC2 Auto
// Scaling API Reference, InstancesDistribution).
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
