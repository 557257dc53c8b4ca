package cfn

// Role is AWS::IAM::Role. Its Ref is its name. CloudFormation makes up the name, so two stacks never compete for one.
type Role struct {
	Attributes `json:"-"`

	AssumeRolePolicyDocument PolicyDocument
	Policies                 []RolePolicy `json:",omitempty"`
	Tags                     []Tag        `json:",omitempty"`
}

func (*Role) Type() string { return "AWS::IAM::Role" }

// Arn is the role's ARN.
func (r *Role) Arn() Value { return r.att("Arn") }

// RolePolicy is a named policy inside a role.
type RolePolicy struct {
	PolicyName     string
	PolicyDocument PolicyDocument
}

// IAMPolicy is AWS::IAM::Policy, an inline policy as a separate resource. It may name resources that refer to the role.
// A policy inside the role could not, because CloudFormation refuses the cycle.
type IAMPolicy struct {
	Attributes `json:"-"`

	PolicyName     string
	PolicyDocument PolicyDocument
	Roles          []Value
}

func (*IAMPolicy) Type() string { return "AWS::IAM::Policy" }

// InstanceProfile is AWS::IAM::InstanceProfile. EC2 gives a role to an instance only inside of a profile, which holds exactly one.
type InstanceProfile struct {
	Attributes `json:"-"`

	Roles []Value
}

func (*InstanceProfile) Type() string { return "AWS::IAM::InstanceProfile" }

// Arn is the profile's ARN.
func (p *InstanceProfile) Arn() Value { return p.att("Arn") }

// PolicyDocument is an IAM policy.
type PolicyDocument struct {
	Version   string
	Statement []Statement
}

// Policies makes a document of statements, in the current policy language.
func Policies(statements ...Statement) PolicyDocument {
	return PolicyDocument{"2012-10-17", statements}
}

// Statement is one statement of an IAM policy. Condition is operator → key → value.
type Statement struct {
	Sid         string                      `json:",omitempty"`
	Effect      string                      // Allow or Deny
	Principal   map[string]Value            `json:",omitempty"`
	Action      []string                    `json:",omitempty"`
	NotAction   []string                    `json:",omitempty"`
	Resource    []Value                     `json:",omitempty"`
	NotResource []Value                     `json:",omitempty"`
	Condition   map[string]map[string]Value `json:",omitempty"`
}

// Allow is a statement that allows actions on resources.
func Allow(actions []string, resources ...Value) Statement {
	return Statement{Effect: "Allow", Action: actions, Resource: resources}
}

// When returns the statement with one more condition. The receiver's maps are copied, because statements are built from
// shared ones.
func (s Statement) When(operator, key string, value Value) Statement {
	next := map[string]map[string]Value{}
	for op, keys := range s.Condition {
		next[op] = keys
	}
	merged := map[string]Value{key: value}
	for k, v := range next[operator] {
		merged[k] = v
	}
	next[operator] = merged
	s.Condition = next
	return s
}

// AssumedBy is a role's trust policy for an AWS service, such as ec2.amazonaws.com.
func AssumedBy(service string) PolicyDocument {
	return Policies(Statement{
		Effect:    "Allow",
		Principal: map[string]Value{"Service": String(service)},
		Action:    []string{"sts:AssumeRole"},
	})
}
