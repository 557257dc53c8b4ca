package cfn

// EIP is AWS::EC2::EIP, an elastic address of the VPC.
type EIP struct {
	Attributes `json:"-"`

	Domain string
	Tags   []Tag `json:",omitempty"`
}

func (*EIP) Type() string { return "AWS::EC2::EIP" }

// AllocationId is the address's id.
func (e *EIP) AllocationId() Value { return e.att("AllocationId") }

// PublicIp is the address, which is what Ref gives.
func (e *EIP) PublicIp() Value { return e.Ref() }
