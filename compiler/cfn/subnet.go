package cfn

// Subnet is AWS::EC2::Subnet. AvailabilityZoneId is a zone id such as use1-az1, the same place in every account.
type Subnet struct {
	Attributes `json:"-"`

	VpcId                       Value
	AvailabilityZoneId          string
	CidrBlock                   string
	Ipv6CidrBlock               Value `json:",omitempty"`
	AssignIpv6AddressOnCreation bool  `json:",omitempty"`
	MapPublicIpOnLaunch         bool
	Tags                        []Tag `json:",omitempty"`
}

// Type returns the resource's type in CloudFormation.
func (*Subnet) Type() string { return "AWS::EC2::Subnet" }
