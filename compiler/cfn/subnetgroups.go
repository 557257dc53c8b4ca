package cfn

// DBSubnetGroup is AWS::RDS::DBSubnetGroup. Its Ref is its name.
type DBSubnetGroup struct {
	Attributes `json:"-"`

	DBSubnetGroupDescription string
	SubnetIds                []Value
	Tags                     []Tag `json:",omitempty"`
}

func (*DBSubnetGroup) Type() string { return "AWS::RDS::DBSubnetGroup" }

// CacheSubnetGroup is AWS::ElastiCache::SubnetGroup. Its Ref is its name.
type CacheSubnetGroup struct {
	Attributes `json:"-"`

	Description string
	SubnetIds   []Value
	Tags        []Tag `json:",omitempty"`
}

func (*CacheSubnetGroup) Type() string { return "AWS::ElastiCache::SubnetGroup" }
