package cfn

// Key is AWS::KMS::Key. Its Ref is its id.
type Key struct {
	Attributes `json:"-"`

	Description string
	KeySpec     string // such as HMAC_256
	KeyUsage    string // such as GENERATE_VERIFY_MAC; it must fit KeySpec
	KeyPolicy   PolicyDocument
	Tags        []Tag `json:",omitempty"`
}

func (*Key) Type() string { return "AWS::KMS::Key" }

// Alias is AWS::KMS::Alias, a name for a key. Its Ref is the name.
type Alias struct {
	Attributes `json:"-"`

	AliasName   string // begins with alias/
	TargetKeyId Value
}

func (*Alias) Type() string { return "AWS::KMS::Alias" }
