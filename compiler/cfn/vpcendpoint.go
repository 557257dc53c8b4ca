package cfn

// VPCEndpoint is AWS::EC2::VPCEndpoint: here, a gateway endpoint, which is a route and free of charge. Without a
// PolicyDocument it lets everything through that its caller may do.
type VPCEndpoint struct {
	Attributes `json:"-"`

	VpcId           Value
	VpcEndpointType string
	ServiceName     string
	RouteTableIds   []Value
	Tags            []Tag `json:",omitempty"`
}

func (*VPCEndpoint) Type() string { return "AWS::EC2::VPCEndpoint" }
