package cfn

// AutoScalingGroup is AWS::AutoScaling::AutoScalingGroup. CloudFormation takes sizes as text; grace in seconds.
type AutoScalingGroup struct {
	Attributes `json:"-"`

	MinSize                    Value
	MaxSize                    Value
	DesiredCapacity            Value                  `json:",omitempty"`
	LaunchTemplate             *LaunchTemplateVersion `json:",omitempty"`
	MixedInstancesPolicy       *MixedInstancesPolicy  `json:",omitempty"` // in place of LaunchTemplate
	CapacityRebalance          bool                   `json:",omitempty"`
	VPCZoneIdentifier          Value
	TargetGroupARNs            []Value `json:",omitempty"`
	HealthCheckType            string
	HealthCheckGracePeriod     int                         `json:",omitempty"`
	DefaultInstanceWarmup      *int                        `json:",omitempty"`
	InstanceMaintenancePolicy  *InstanceMaintenancePolicy  `json:",omitempty"`
	TerminationPolicies        []string                    `json:",omitempty"`
	MetricsCollection          []MetricsCollection         `json:",omitempty"`
	NotificationConfigurations []NotificationConfiguration `json:",omitempty"`
	Tags                       []GroupTag                  `json:",omitempty"`
}

func (*AutoScalingGroup) Type() string { return "AWS::AutoScaling::AutoScalingGroup" }

// LaunchTemplateVersion is one version of a launch template.
type LaunchTemplateVersion struct {
	LaunchTemplateId Value
	Version          Value
}

// InstanceMaintenancePolicy bounds the healthy instances, in percent of the desired capacity, while the group replaces unhealthy
// ones. The two differ by 100 at most. CloudFormation changes it without interruption.
type InstanceMaintenancePolicy struct {
	MinHealthyPercentage int // 0 to 100
	MaxHealthyPercentage int // 100 to 200
}

// MetricsCollection turns group metrics on.
type MetricsCollection struct{ Granularity string }

// NotificationConfiguration sends a group's events to an SNS topic.
type NotificationConfiguration struct {
	TopicARN          Value
	NotificationTypes []string
}
