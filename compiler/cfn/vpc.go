package cfn

// VPC is AWS::EC2::VPC. Its Ref is its id. EnableDnsHostnames has an effect only together with EnableDnsSupport. Another CidrBlock
// replaces the VPC and everything in it.
type VPC struct {
	Attributes `json:"-"`

	CidrBlock          string
	EnableDnsHostnames bool
	EnableDnsSupport   bool
	Tags               []Tag `json:",omitempty"`
}

func (*VPC) Type() string { return "AWS::EC2::VPC" }

// Ipv6CidrBlocks is a list of /56 blocks. It is empty until a VPCCidrBlock has associated one, so users of it must
// depend on that resource.
func (v *VPC) Ipv6CidrBlocks() Value { return v.att("Ipv6CidrBlocks") }

// VPCCidrBlock is AWS::EC2::VPCCidrBlock: here, Amazon's own IPv6 addresses for a VPC.
type VPCCidrBlock struct {
	Attributes `json:"-"`

	VpcId                       Value
	AmazonProvidedIpv6CidrBlock bool
}

func (*VPCCidrBlock) Type() string { return "AWS::EC2::VPCCidrBlock" }

// InternetGateway is AWS::EC2::InternetGateway. It does nothing before it is attached to a VPC.
type InternetGateway struct {
	Attributes `json:"-"`

	Tags []Tag `json:",omitempty"`
}

func (*InternetGateway) Type() string { return "AWS::EC2::InternetGateway" }

// VPCGatewayAttachment is AWS::EC2::VPCGatewayAttachment. What goes through the gateway must depend on it, which
// CloudFormation cannot see by itself.
type VPCGatewayAttachment struct {
	Attributes `json:"-"`

	VpcId             Value
	InternetGatewayId Value
}

func (*VPCGatewayAttachment) Type() string { return "AWS::EC2::VPCGatewayAttachment" }

// EgressOnlyInternetGateway is AWS::EC2::EgressOnlyInternetGateway, IPv6's way out without a way in.
type EgressOnlyInternetGateway struct {
	Attributes `json:"-"`

	VpcId Value
	Tags  []Tag `json:",omitempty"`
}

func (*EgressOnlyInternetGateway) Type() string { return "AWS::EC2::EgressOnlyInternetGateway" }
