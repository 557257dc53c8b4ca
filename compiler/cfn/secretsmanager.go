package cfn

// Secret is AWS::SecretsManager::Secret. Its Ref is its ARN.
type Secret struct {
	Attributes `json:"-"`

	Description          string
	GenerateSecretString GenerateSecretString `json:",omitzero"`
	SecretString         Value                `json:",omitempty"` // excludes GenerateSecretString
	ReplicaRegions       []ReplicaRegion      `json:",omitempty"`
}

func (*Secret) Type() string { return "AWS::SecretsManager::Secret" }

// Resolve is the dynamic reference to a key of the secret's JSON: CloudFormation puts the value in its place where it uses
// it, and shows it nowhere.
func (s *Secret) Resolve(key string) Value {
	return Sub(String("{{resolve:secretsmanager:"), s.Ref(), String(":SecretString:"+key+"}}"))
}

// GenerateSecretString has Secrets Manager make a password and put it under a key into a JSON object.
type GenerateSecretString struct {
	SecretStringTemplate string // a JSON object
	GenerateStringKey    string
	PasswordLength       int
	ExcludePunctuation   bool
}

// ReplicaRegion is a region that keeps a copy of a secret.
type ReplicaRegion struct {
	Region string
}

// SecretTargetAttachment is AWS::SecretsManager::SecretTargetAttachment: it adds a database's host, port and engine to the
// secret.
type SecretTargetAttachment struct {
	Attributes `json:"-"`

	SecretId   Value
	TargetId   Value
	TargetType string
}

func (*SecretTargetAttachment) Type() string { return "AWS::SecretsManager::SecretTargetAttachment" }
