package cfn

// RecordSet is AWS::Route53::RecordSet. TTL is seconds as text; an alias has none.
type RecordSet struct {
	Attributes `json:"-"`

	HostedZoneId    Value
	Name            string
	Type_           string       `json:"Type"`
	TTL             string       `json:",omitempty"`
	ResourceRecords []Value      `json:",omitempty"`
	AliasTarget     *AliasTarget `json:",omitempty"`
	SetIdentifier   string       `json:",omitempty"`
	Region          string       `json:",omitempty"` // latency routing
	Weight          *int         `json:",omitempty"` // weighted routing
}

func (*RecordSet) Type() string { return "AWS::Route53::RecordSet" }

// AliasTarget points a record at an AWS resource.
type AliasTarget struct {
	DNSName              Value
	HostedZoneId         Value
	EvaluateTargetHealth bool
}
