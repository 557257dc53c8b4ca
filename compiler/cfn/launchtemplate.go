package cfn

// LaunchTemplate is AWS::EC2::LaunchTemplate.
type LaunchTemplate struct {
	Attributes `json:"-"`

	LaunchTemplateData LaunchTemplateData
	TagSpecifications  []TagSpecification `json:",omitempty"`
}

func (*LaunchTemplate) Type() string { return "AWS::EC2::LaunchTemplate" }

// LatestVersionNumber is the number of the version that this stack update created. An auto scaling group refuses
// $Latest, and with a number CloudFormation sees that the group changes.
func (l *LaunchTemplate) LatestVersionNumber() Value { return l.att("LatestVersionNumber") }

// LaunchTemplateData holds the launch parameters of an instance. UserData is base64.
type LaunchTemplateData struct {
	ImageId             Value
	InstanceType        string               `json:",omitempty"`
	IamInstanceProfile  ProfileReference     `json:""`
	MetadataOptions     MetadataOptions      `json:""`
	BlockDeviceMappings []BlockDeviceMapping `json:",omitempty"`
	SecurityGroupIds    []Value              `json:",omitempty"`
	NetworkInterfaces   []NetworkInterface   `json:",omitempty"`
	Monitoring          *Monitoring          `json:",omitempty"`
	CreditSpecification *CreditSpecification `json:",omitempty"`
	TagSpecifications   []TagSpecification   `json:",omitempty"`
	UserData            Value                `json:",omitempty"`
}

// ProfileReference names an instance profile by its ARN.
type ProfileReference struct{ Arn Value }

// MetadataOptions guards the instance metadata service.
type MetadataOptions struct {
	HttpEndpoint            string
	HttpTokens              string
	HttpPutResponseHopLimit int
	InstanceMetadataTags    string `json:",omitempty"`
}

// Monitoring turns one-minute metrics on.
type Monitoring struct{ Enabled bool }

// CreditSpecification is how a burstable instance spends: standard or unlimited.
type CreditSpecification struct{ CpuCredits string }

// BlockDeviceMapping maps a device name to an EBS volume or an instance store volume (VirtualName ephemeral0 …).
type BlockDeviceMapping struct {
	DeviceName  string
	VirtualName string          `json:",omitempty"`
	Ebs         *BlockDeviceEbs `json:",omitempty"`
}

// BlockDeviceEbs is an EBS volume; VolumeSize in GiB.
type BlockDeviceEbs struct {
	VolumeSize          int `json:",omitempty"`
	VolumeType          string
	Iops                int `json:",omitempty"`
	Throughput          int `json:",omitempty"`
	Encrypted           bool
	DeleteOnTermination bool
}

// NetworkInterface is an instance's network interface.
type NetworkInterface struct {
	DeviceIndex              int
	AssociatePublicIpAddress bool
	Ipv6AddressCount         int `json:",omitempty"`
	DeleteOnTermination      bool
	Groups                   []Value
}

// TagSpecification tags the resources that a launch creates: instance, volume, network-interface, or the launch-template
// itself. Tags of an auto scaling group reach instances only, not their volumes and interfaces.
type TagSpecification struct {
	ResourceType string
	Tags         []Tag
}
