package cfn

// DBInstance is AWS::RDS::DBInstance. Its Ref is its identifier.
type DBInstance struct {
	Attributes `json:"-"`

	Engine                   string
	EngineVersion            string
	EngineLifecycleSupport   string `json:",omitempty"`
	AutoMinorVersionUpgrade  bool
	AllowMajorVersionUpgrade bool
	DBInstanceClass          string
	MultiAZ                  bool
	AllocatedStorage         string // GiB
	StorageType              string
	Iops                     int    `json:",omitempty"`
	StorageEncrypted         *bool  `json:",omitempty"` // nil with a snapshot
	DBSnapshotIdentifier     string `json:",omitempty"`
	DBName                   string `json:",omitempty"`
	MasterUsername           string `json:",omitempty"`
	MasterUserPassword       Value
	DBParameterGroupName     Value `json:",omitempty"`
	DBSubnetGroupName        Value
	VPCSecurityGroups        []Value
	PubliclyAccessible       bool
	Port                     string
	BackupRetentionPeriod    int   // days
	DeleteAutomatedBackups   *bool `json:",omitempty"` // nil with a snapshot
	CopyTagsToSnapshot       bool
	DeletionProtection       bool
	Tags                     []Tag `json:",omitempty"`
}

func (*DBInstance) Type() string { return "AWS::RDS::DBInstance" }

// EndpointAddress is the instance's host name.
func (d *DBInstance) EndpointAddress() Value { return d.att("Endpoint.Address") }

// EndpointPort returns the instance's port, as text. CloudFormation's attributes are texts.
func (d *DBInstance) EndpointPort() Value { return d.att("Endpoint.Port") }

// DBParameterGroup is AWS::RDS::DBParameterGroup. Its Ref is its name.
type DBParameterGroup struct {
	Attributes `json:"-"`

	Description string
	Family      string // such as postgres17
	Parameters  map[string]string
	Tags        []Tag `json:",omitempty"`
}

func (*DBParameterGroup) Type() string { return "AWS::RDS::DBParameterGroup" }
