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

// PrimaryAddress is the host name of the primary node. It stays the same after a failover.
func (g *ReplicationGroup) PrimaryAddress() Value { return g.att("PrimaryEndPoint.Address") }

// ReaderAddress is the host name that balances connections over the replicas.
func (g *ReplicationGroup) ReaderAddress() Value { return g.att("ReaderEndPoint.Address") }

// NodeAddresses is one text with the host names of all nodes, in brackets: [a, b]. CloudFormation returns it as a
// string, not a list.
func (g *ReplicationGroup) NodeAddresses() Value { return g.att("ReadEndPoint.Addresses") }
