package cfn

// ScalingPolicy is AWS::AutoScaling::ScalingPolicy: how a group's size changes. Its Ref is its ARN.
type ScalingPolicy struct {
	Attributes `json:"-"`

	AutoScalingGroupName        Value
	PolicyType                  string           // SimpleScaling, StepScaling or TargetTrackingScaling
	AdjustmentType              string           `json:",omitempty"` // ChangeInCapacity or PercentChangeInCapacity
	MinAdjustmentMagnitude      int              `json:",omitempty"` // of PercentChangeInCapacity: instances
	ScalingAdjustment           int              `json:",omitempty"` // of SimpleScaling
	Cooldown                    string           `json:",omitempty"` // of SimpleScaling: seconds
	StepAdjustments             []StepAdjustment `json:",omitempty"`
	TargetTrackingConfiguration *TargetTracking  `json:",omitempty"`
}

func (*ScalingPolicy) Type() string { return "AWS::AutoScaling::ScalingPolicy" }

// StepAdjustment is what to do while a metric's distance from the alarm's threshold is between two bounds; nil is no bound.
type StepAdjustment struct {
	MetricIntervalLowerBound *float64 `json:",omitempty"`
	MetricIntervalUpperBound *float64 `json:",omitempty"`
	ScalingAdjustment        int
}

// TargetTracking keeps a metric near a value.
type TargetTracking struct {
	PredefinedMetricSpecification *PredefinedMetric `json:",omitempty"` // this or the next
	CustomizedMetricSpecification *CustomizedMetric `json:",omitempty"`
	TargetValue                   float64
	DisableScaleIn                bool
}

// CustomizedMetric is a metric of CloudWatch that goes up when the group is too small, and down when it grows.
type CustomizedMetric struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension
	Statistic  string
}

// PredefinedMetric is a metric of a group that AWS knows.
type PredefinedMetric struct {
	PredefinedMetricType string
	ResourceLabel        Value `json:",omitempty"` // of ALBRequestCountPerTarget
}

// ScheduledAction is AWS::AutoScaling::ScheduledAction: a group's size from a time on.
type ScheduledAction struct {
	Attributes `json:"-"`

	AutoScalingGroupName Value
	Recurrence           string // cron, five fields
	TimeZone             string
	MinSize              *int `json:",omitempty"`
	MaxSize              *int `json:",omitempty"`
	DesiredCapacity      *int `json:",omitempty"`
}

func (*ScheduledAction) Type() string { return "AWS::AutoScaling::ScheduledAction" }
