package compiler

import (
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// databaseAlarms makes the alarms of the databases in this stack. A database in another region has its alarms there,
// because metrics are regional. An instance's Ref is the dimension of its metrics.
func databaseAlarms(a appContext, made map[string]*cfn.DBInstance, to alarmTargets) *part {
	p := &part{}
	for _, d := range a.region.Databases {
		instance := made[d.Name]
		if instance == nil {
			continue // in another region, with its alarms
		}
		for _, t := range d.Alarms {
			add(p, t.Pos, "DatabaseAlarm"+idPart(d.Name+"/"+t.Name), to.alarm(a, t, ofDatabase(t, instance)))
		}
	}
	return p
}

// ofDatabase is the metric of one instance (RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS").
func ofDatabase(t schema.Trigger, instance *cfn.DBInstance) series {
	return series{
		namespace:  "AWS/RDS",
		name:       strings.TrimPrefix(t.Metric.Name, "RDS/"),
		dimensions: [][]cfn.Dimension{{{Name: "DBInstanceIdentifier", Value: instance.Ref()}}},
	}
}
