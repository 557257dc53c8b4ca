package cfn

// Topic is AWS::SNS::Topic. Its Ref is its ARN.
type Topic struct {
	Attributes `json:"-"`

	DisplayName string `json:",omitempty"` // the sender of emails; at most 100 characters
	Tags        []Tag  `json:",omitempty"`
}

func (*Topic) Type() string { return "AWS::SNS::Topic" }

// TopicPolicy is AWS::SNS::TopicPolicy: who may use topics, by their ARNs.
type TopicPolicy struct {
	Attributes `json:"-"`

	PolicyDocument PolicyDocument
	Topics         []Value
}

func (*TopicPolicy) Type() string { return "AWS::SNS::TopicPolicy" }

// Subscription is AWS::SNS::Subscription. The form of Endpoint depends on the protocol: an address (email), a URL
// (https), an ARN (lambda). CloudFormation returns before a person has confirmed an email.
type Subscription struct {
	Attributes `json:"-"`

	TopicArn Value
	Protocol string
	Endpoint Value
}

func (*Subscription) Type() string { return "AWS::SNS::Subscription" }
