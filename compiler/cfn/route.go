package cfn

// RouteTable is AWS::EC2::RouteTable. Each table has a route inside the VPC from the start.
type RouteTable struct {
	Attributes `json:"-"`

	VpcId Value
	Tags  []Tag `json:",omitempty"`
}

func (*RouteTable) Type() string { return "AWS::EC2::RouteTable" }

// Route is AWS::EC2::Route: one of the two destinations and one of the targets is set.
type Route struct {
	Attributes `json:"-"`

	RouteTableId                Value
	DestinationCidrBlock        string `json:",omitempty"`
	DestinationIpv6CidrBlock    string `json:",omitempty"`
	GatewayId                   Value  `json:",omitempty"`
	NatGatewayId                Value  `json:",omitempty"`
	EgressOnlyInternetGatewayId Value  `json:",omitempty"`
}

func (*Route) Type() string { return "AWS::EC2::Route" }

// SubnetRouteTableAssociation is AWS::EC2::SubnetRouteTableAssociation. A subnet without one uses the VPC's main route table.
type SubnetRouteTableAssociation struct {
	Attributes `json:"-"`

	SubnetId     Value
	RouteTableId Value
}

func (*SubnetRouteTableAssociation) Type() string { return "AWS::EC2::SubnetRouteTableAssociation" }
