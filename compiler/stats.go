package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// stats lets each instance publish its use of memory and disk, when the manifest asks for it.
func stats(a appContext) *part {
	if !a.region.CWStats {
		return &part{}
	}
	namespace := a.statsNamespace()
	return &part{
		document: func(d *document.Document[cfn.Value]) { d.Stats = namespace },
		statements: []cfn.Statement{
			// CloudWatch knows no resources for metrics; the namespace is what can be said.
			cfn.Allow([]string{"cloudwatch:PutMetricData"}, cfn.String("*")).
				When("StringEquals", "cloudwatch:namespace", cfn.String(namespace)),
			// Which group the instance is of, which its user data cannot say: the group comes after it.
			cfn.Allow([]string{"ec2:DescribeInstances"}, cfn.String("*")),
		},
	}
}

// statsNamespace is the namespace of the metrics that the app's instances publish.
func (a appContext) statsNamespace() string {
	return document.StatsNamespace(a.net.orbit.Name, a.app.Name)
}
