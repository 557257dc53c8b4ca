package cfn

// NatGateway is AWS::EC2::NatGateway, in one zone.
type NatGateway struct {
	Attributes `json:"-"`

	SubnetId     Value
	AllocationId Value
	Tags         []Tag `json:",omitempty"`
}

func (*NatGateway) Type() string { return "AWS::EC2::NatGateway" }
