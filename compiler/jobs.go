package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/units"
)

// jobTimer returns the text of the timer of a job. systemd's timers are late by up to a minute unless told otherwise. A time at which
// the instance was not running is not made up for: another instance was.
func jobTimer(service units.Service) []string {
	return []string{
		"[Unit]",
		"Description=" + escaped(service.Name) + " at its times",
		"",
		"[Timer]",
		"OnCalendar=" + escaped(service.Container.Schedule),
		"AccuracySec=1s",
		"",
		"[Install]",
		"WantedBy=timers.target",
		"",
	}
}

// exclusively returns the words before the command of an exclusive job. The agent runs the command on one instance, and waits on the
// others.
func exclusively(c units.Container) []string {
	if !c.Exclusive {
		return nil
	}
	return []string{document.AgentPath, "exclusive", "%n", word(c.Schedule)}
}

// locks lets the instances of an app with exclusive jobs or release tasks use the app's own locks. The table's name comes from the
// orbit's stack, so that deploy refuses the app while that stack is too old to have the table.
func locks(a appContext) *part {
	p := &part{}
	exclusive := len(a.region.TasksHere()) > 0
	for _, s := range a.region.Services {
		exclusive = exclusive || s.Container.Exclusive
	}
	if exclusive {
		p.statements = append(p.statements, lockStatement(a, p))
	}
	return p
}

// lockStatement allows to take, renew and end locks of the app. The condition Null is about requests without a key: all of their none
// begin with the app's name.
func lockStatement(a appContext, p *part) cfn.Statement {
	table := p.parameter(document.OutputLocks, cfn.Parameter{Type: "String", Description: "The orbit's table of locks."},
		assembly.ValueFrom{Output: &assembly.Output{
			Region: a.net.region.Region,
			Stack:  document.StackName(a.net.orbit.Name, document.StackTables),
			Output: document.OutputLocks,
		}})
	return cfn.Allow([]string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, cfn.ARN("dynamodb", cfn.String("table/"), table.Ref())).
		When("ForAllValues:StringLike", "dynamodb:LeadingKeys", cfn.Strings(document.LockKey(a.app.Name, "*"))).
		When("Null", "dynamodb:LeadingKeys", cfn.String("false"))
}
