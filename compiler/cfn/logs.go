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

// MetricFilter is AWS::Logs::MetricFilter: a metric made of log lines.
type MetricFilter struct {
	Attributes `json:"-"`

	LogGroupName          Value
	FilterPattern         string
	MetricTransformations []MetricTransformation
}

func (*MetricFilter) Type() string { return "AWS::Logs::MetricFilter" }

// MetricTransformation is the value that each matching line adds to a metric: a number, or a field of the pattern such
// as $size.
type MetricTransformation struct {
	MetricNamespace string
	MetricName      string
	MetricValue     string
}
