package cfn

// SecurityGroup is AWS::EC2::SecurityGroup. Rules are resources of their own, so that two groups can name each other.
type SecurityGroup struct {
	Attributes `json:"-"`

	GroupDescription string
	VpcId            Value
	Tags             []Tag `json:",omitempty"`
}

func (*SecurityGroup) Type() string { return "AWS::EC2::SecurityGroup" }

// GroupId returns the group's id.
func (g *SecurityGroup) GroupId() Value { return g.att("GroupId") }

// SecurityGroupIngress is AWS::EC2::SecurityGroupIngress: one of the four sources is set.
type SecurityGroupIngress struct {
	Attributes `json:"-"`

	GroupId               Value
	IpProtocol            string
	FromPort              int    `json:",omitempty"` // of all protocols (-1) left out
	ToPort                int    `json:",omitempty"`
	CidrIp                Value  `json:",omitempty"`
	CidrIpv6              Value  `json:",omitempty"`
	SourceSecurityGroupId Value  `json:",omitempty"`
	SourcePrefixListId    Value  `json:",omitempty"`
	Description           string `json:",omitempty"`
}

func (*SecurityGroupIngress) Type() string { return "AWS::EC2::SecurityGroupIngress" }

// SecurityGroupEgress is AWS::EC2::SecurityGroupEgress. Writing one removes the group's default rule, which lets all out. One of the
// three destinations is set.
type SecurityGroupEgress struct {
	Attributes `json:"-"`

	GroupId                    Value
	IpProtocol                 string
	FromPort                   int    `json:",omitempty"` // of all protocols (-1) left out
	ToPort                     int    `json:",omitempty"`
	CidrIp                     Value  `json:",omitempty"`
	CidrIpv6                   Value  `json:",omitempty"`
	DestinationSecurityGroupId Value  `json:",omitempty"`
	Description                string `json:",omitempty"`
}

func (*SecurityGroupEgress) Type() string { return "AWS::EC2::SecurityGroupEgress" }
