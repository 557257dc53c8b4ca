package cfn

// LogGroup is AWS::Logs::LogGroup.
type LogGroup struct {
	Attributes `json:"-"`

	LogGroupName    string `json:",omitempty"`
	RetentionInDays int
	Tags            []Tag `json:",omitempty"`
}

func (*LogGroup) Type() string { return "AWS::Logs::LogGroup" }

// Arn is the group's ARN, with the ":*" that stands for its streams.
func (g *LogGroup) Arn() Value { return g.att("Arn") }
