package cfn

// Alarm is AWS::CloudWatch::Alarm, on one metric or, in Metrics, on an expression over several. Its Ref is its name.
type Alarm struct {
	Attributes `json:"-"`

	AlarmDescription        string            `json:",omitempty"`
	Namespace               string            `json:",omitempty"`
	MetricName              string            `json:",omitempty"`
	Dimensions              []Dimension       `json:",omitempty"`
	Statistic               string            `json:",omitempty"`
	ExtendedStatistic       string            `json:",omitempty"` // such as p99; in place of Statistic
	Period                  int               `json:",omitempty"` // seconds
	Metrics                 []MetricDataQuery `json:",omitempty"`
	ComparisonOperator      string
	Threshold               float64
	EvaluationPeriods       int
	TreatMissingData        string
	AlarmActions            []Value `json:",omitempty"`
	OKActions               []Value `json:",omitempty"`
	InsufficientDataActions []Value `json:",omitempty"`
	Tags                    []Tag   `json:",omitempty"`
}

func (*Alarm) Type() string { return "AWS::CloudWatch::Alarm" }

// Dimension tells one metric from others of its name.
type Dimension struct {
	Name  string
	Value Value
}

// MetricDataQuery is one input of a metric-math expression, or the expression itself. Exactly one query of an alarm has
// ReturnData: its values are compared with the threshold.
type MetricDataQuery struct {
	Id         string
	Expression string      `json:",omitempty"`
	Label      string      `json:",omitempty"`
	MetricStat *MetricStat `json:",omitempty"`
	ReturnData bool
}

// MetricStat is a metric's statistic over a period.
type MetricStat struct {
	Metric QueriedMetric
	Period int // seconds
	Stat   string
}

// QueriedMetric names a metric.
type QueriedMetric struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension `json:",omitempty"`
}
