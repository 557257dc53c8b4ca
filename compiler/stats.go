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
	return &part{
		document: func(d *document.Document[cfn.Value]) { d.Stats = true },
		statements: []cfn.Statement{
			// CloudWatch knows no resources for metrics; the namespace is what can be said.
			cfn.Allow([]string{"cloudwatch:PutMetricData"}, cfn.String("*")).
				When("StringEquals", "cloudwatch:namespace", cfn.String(document.StatsNamespace)),
			// Which group the instance is of, which its user data cannot say: the group comes after it.
			cfn.Allow([]string{"ec2:DescribeInstances"}, cfn.String("*")),
		},
	}
}
