package cfn

// Certificate is AWS::CertificateManager::Certificate. Its Ref is its ARN. DomainName holds at most 64 octets.
type Certificate struct {
	Attributes `json:"-"`

	DomainName              string
	SubjectAlternativeNames []string `json:",omitempty"`
	ValidationMethod        string
	DomainValidationOptions []DomainValidationOption `json:",omitempty"`
	Tags                    []Tag                    `json:",omitempty"`
}

func (*Certificate) Type() string { return "AWS::CertificateManager::Certificate" }

// DomainValidationOption has CloudFormation write a name's validation record into a hosted zone of the account.
type DomainValidationOption struct {
	DomainName   string
	HostedZoneId Value
}
