package cfn

// FlowLog is AWS::EC2::FlowLog, written to CloudWatch Logs.
type FlowLog struct {
	Attributes `json:"-"`

	ResourceType             string
	ResourceId               Value
	TrafficType              string
	LogDestinationType       string
	LogGroupName             Value
	DeliverLogsPermissionArn Value
	Tags                     []Tag `json:",omitempty"`
}

// Type returns the resource's type in CloudFormation.
func (*FlowLog) Type() string { return "AWS::EC2::FlowLog" }
