package cfn

// Table is AWS::DynamoDB::Table. Its Ref is its name.
type Table struct {
	Attributes `json:"-"`

	TableName                        string
	AttributeDefinitions             []AttributeDefinition
	KeySchema                        []KeySchema
	BillingMode                      string
	PointInTimeRecoverySpecification PointInTimeRecovery `json:""`
	SSESpecification                 SSE                 `json:""`
	TimeToLiveSpecification          *TimeToLive         `json:",omitempty"`
	DeletionProtectionEnabled        bool
	Tags                             []Tag `json:",omitempty"`
}

func (*Table) Type() string { return "AWS::DynamoDB::Table" }

// Arn is the table's ARN.
func (t *Table) Arn() Value { return t.att("Arn") }

// AttributeDefinition is a key attribute's name and type: S, N or B.
type AttributeDefinition struct{ AttributeName, AttributeType string }

// KeySchema is a key attribute's part: HASH or RANGE.
type KeySchema struct{ AttributeName, KeyType string }

// PointInTimeRecovery keeps 35 days of backups.
type PointInTimeRecovery struct{ PointInTimeRecoveryEnabled bool }

// TimeToLive has DynamoDB delete items some time after the second since 1970 that an attribute holds. It may take days.
type TimeToLive struct {
	AttributeName string
	Enabled       bool
}

// SSE encrypts with the account's own key for DynamoDB; without it DynamoDB uses a key of Amazon's.
type SSE struct{ SSEEnabled bool }
