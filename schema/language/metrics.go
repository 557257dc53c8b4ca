package language

import (
	"slices"
	"strings"
)

// Metrics is the data of metrics.cue: built-in metrics by full name, and the default thresholds of database
// metrics.
type Metrics struct {
	Builtin  map[string]BuiltinMetric `json:"builtin"`
	Database map[string]string        `json:"database"`
	Slow     map[string][]string      `json:"slow"` // metrics with a value every five minutes, by namespace
}

// SlowPeriod is the shortest period of an alarm on a slow metric, in seconds.
const SlowPeriod = 300

// Shortest returns the shortest period of an alarm on a metric, in seconds. A built-in metric's name begins with EC2/ or RDS/, without
// a namespace.
func (m Metrics) Shortest(namespace, name string) int {
	if group, short, ok := strings.Cut(name, "/"); ok && namespace == "" {
		namespace, name = "AWS/"+group, short
	}
	if slices.Contains(m.Slow[namespace], name) {
		return SlowPeriod
	}
	return 60
}

// BuiltinMetric is a metric that spacel knows, with the defaults for an alarm on it.
type BuiltinMetric struct {
	Aliases   []string `json:"aliases"`
	Statistic string   `json:"statistic"`
	Threshold string   `json:"threshold"`
	Period    string   `json:"period"`
	Absent    string   `json:"absent"` // what no data means: zero or unknown
}

// Find returns the full name of a built-in metric by any of its names, in any case, with or without the part
// before the slash.
func (m Metrics) Find(written string) (string, bool) {
	written = strings.ToLower(written)
	for name, known := range m.Builtin {
		group, short, _ := strings.Cut(strings.ToLower(name), "/")
		for _, alias := range append([]string{short}, known.Aliases...) {
			if written == alias || written == group+"/"+alias {
				return name, true
			}
		}
	}
	return "", false
}

// Names returns all names of the built-in metrics, to suggest one.
func (m Metrics) Names() []string {
	var names []string
	for name, known := range m.Builtin {
		_, short, _ := strings.Cut(name, "/")
		names = append(append(names, name, short), known.Aliases...)
	}
	return names
}

// DatabaseMetric returns the metric of RDS selected by the words in a name, as in the 2016 tool. It reports false
// if no word is known.
func DatabaseMetric(written string) (string, bool) {
	word := strings.ToLower(written)
	has := func(part string) bool { return strings.Contains(word, part) }
	switch {
	case has("creditusage"):
		return "CPUCreditUsage", true
	case has("credit"):
		return "CPUCreditBalance", true
	case has("cpu"):
		return "CPUUtilization", true
	case has("read"):
		return "Read" + ioMetric(has), true
	case has("write"):
		return "Write" + ioMetric(has), true
	}
	return "", false
}

// ioMetric returns the second half of a read or write metric. IOPS is the default.
func ioMetric(has func(string) bool) string {
	switch {
	case has("latency"):
		return "Latency"
	case has("throughput"):
		return "Throughput"
	}
	return "IOPS"
}
