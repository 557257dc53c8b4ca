package cfn

// ReplicationGroup is AWS::ElastiCache::ReplicationGroup, without shards.
type ReplicationGroup struct {
	Attributes `json:"-"`

	ReplicationGroupDescription string
	Engine                      string
	EngineVersion               string
	AutoMinorVersionUpgrade     bool
	CacheNodeType               string
	NumCacheClusters            int
	AutomaticFailoverEnabled    bool
	MultiAZEnabled              bool
	AtRestEncryptionEnabled     bool
	TransitEncryptionEnabled    bool
	AuthToken                   Value
	CacheSubnetGroupName        Value
	SecurityGroupIds            []Value
	Port                        int
	SnapshotRetentionLimit      int   // days
	Tags                        []Tag `json:",omitempty"`
}

func (*ReplicationGroup) Type() string { return "AWS::ElastiCache::ReplicationGroup" }

// PrimaryAddress is the host name that the primary node answers to.
func (g *ReplicationGroup) PrimaryAddress() Value { return g.att("PrimaryEndPoint.Address") }

// ReaderAddress is the host name that the replicas answer to.
func (g *ReplicationGroup) ReaderAddress() Value { return g.att("ReaderEndPoint.Address") }

// NodeAddresses are the host names of all nodes in one text: [a, b].
func (g *ReplicationGroup) NodeAddresses() Value { return g.att("ReadEndPoint.Addresses") }
