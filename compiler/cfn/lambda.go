package cfn

// Function is AWS::Lambda::Function. Its Ref is its name. Timeout is in seconds, MemorySize in MB.
type Function struct {
	Attributes `json:"-"`

	Description   string   `json:",omitempty"`
	Architectures []string // arm64 or x86_64
	Runtime       string
	Handler       string
	Code          FunctionCode
	Role          Value // ARN
	Environment   FunctionEnvironment
	LoggingConfig FunctionLogging
	MemorySize    int
	Timeout       int
	Tags          []Tag `json:",omitempty"`
}

func (*Function) Type() string { return "AWS::Lambda::Function" }

// Arn is the function's ARN.
func (f *Function) Arn() Value { return f.att("Arn") }

// FunctionCode is where a function's code is: a zip in a bucket of the function's region.
type FunctionCode struct{ S3Bucket, S3Key Value }

// FunctionEnvironment are a function's environment variables.
type FunctionEnvironment struct{ Variables map[string]Value }

// FunctionLogging is where a function logs to.
type FunctionLogging struct {
	LogFormat string // Text or JSON
	LogGroup  Value  // name
}

// Permission is AWS::Lambda::Permission: who else may call a function.
type Permission struct {
	Attributes `json:"-"`

	Action       string
	FunctionName Value // or ARN
	Principal    string
	SourceArn    Value
}

func (*Permission) Type() string { return "AWS::Lambda::Permission" }
