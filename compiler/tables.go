package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// bootLogRetention is how many days the instances' boot logs are kept.
const bootLogRetention = 30

// tables makes the orbit's persistent storage in one region: users and their SSH keys, services and their admins, the
// owners of volumes and of locks, the records of deploys, and boot logs. Everything but the records' key has an explicit
// name and survives the stack, so a later deploy can import it.
func tables(net network) *part {
	p := &part{}
	p.Description = "What the orbit " + net.orbit.Name + " keeps in " + net.region.Region + "."
	byName := key{document.AccessName, "S"}
	keep(p, net, "UsersTable", document.UsersTable, byName)
	keep(p, net, "ServicesTable", document.ServicesTable, byName)
	keep(p, net, "VolumesTable", document.VolumesTable, key{document.SlotLabel, "S"}, key{document.SlotIndex, "N"})
	locks := keep(p, net, document.OutputLocks, document.LocksTable, key{document.LockName, "S"})
	locks.TimeToLiveSpecification = &cfn.TimeToLive{AttributeName: document.LockExpires, Enabled: true}
	keep(p, net, document.OutputReleases, document.ReleasesTable, key{document.ReleaseKind, "S"}, key{document.ReleaseID, "S"})
	releasesKey(p, net)
	maintenanceRole(p, net)
	group := add(p, net.region.Pos, "BootLogGroup", keptLogGroup(document.BootLogGroup(net.orbit.Name), bootLogRetention))
	p.Output("BootLogGroup", cfn.Output{Description: "The instances' boot logs.", Value: group.Ref()})
	return p
}

// key is a key attribute: its name, and S for a string or N for a number.
type key struct{ name, kind string }

// keep adds one of the orbit's tables, with a hash key and perhaps a range key.
func keep(p *part, net network, id, name string, keys ...key) *cfn.Table {
	table := &cfn.Table{
		Attributes:                       kept(),
		TableName:                        document.TableName(net.orbit.Name, name),
		BillingMode:                      "PAY_PER_REQUEST",
		PointInTimeRecoverySpecification: cfn.PointInTimeRecovery{PointInTimeRecoveryEnabled: true},
		SSESpecification:                 cfn.SSE{SSEEnabled: true},
		DeletionProtectionEnabled:        true,
	}
	for i, k := range keys {
		definition := cfn.AttributeDefinition{AttributeName: k.name, AttributeType: k.kind}
		table.AttributeDefinitions = append(table.AttributeDefinitions, definition)
		table.KeySchema = append(table.KeySchema, cfn.KeySchema{AttributeName: k.name, KeyType: []string{"HASH", "RANGE"}[i]})
	}
	add(p, net.region.Pos, id, table)
	p.Output(id, cfn.Output{Description: "The table of " + name + ".", Value: table.Ref()})
	return table
}

// kept are the attributes of what outlives its stack, even one that failed: the next deploy adopts it. RetainExceptOnCreate
// would have a first create that fails delete the tables, which their protection forbids, and so never roll back.
func kept() cfn.Attributes {
	return cfn.Attributes{DeletionPolicy: cfn.Retain, UpdateReplacePolicy: cfn.Retain}
}

// keptLogGroup is a log group that outlives its stack; retention in days.
func keptLogGroup(name string, retention int) *cfn.LogGroup {
	return &cfn.LogGroup{Attributes: kept(), LogGroupName: name, RetentionInDays: retention}
}
