package compiler

import (
	"strings"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// tasks puts the release tasks of this region into the instance document.
func tasks(a appContext) *part {
	here := a.region.TasksHere()
	if len(here) == 0 {
		return &part{}
	}
	return &part{document: func(d *document.Document[cfn.Value]) {
		for _, task := range here {
			addTask(a, d, task)
		}
	}}
}

// The units of tasks are not among the document's units, for two reasons. The agent starts those all at once, after the tasks. And a unit
// of a task has no [Install] section, so a restart of the machine does not start it.

// addTask adds a task to the document. A task with a service reads the service's .env file. Any other has a file as a service
// has one, with the variables of databases and caches.
func addTask(a appContext, d *document.Document[cfn.Value], task schema.Task) {
	s := task.Service
	s.Volumes = append(s.Volumes[:len(s.Volumes):len(s.Volumes)], authorities(a)...)
	made := document.Task{
		Name: task.Name, Unit: document.Content{Lines: containerUnit(s, false)}, Definition: definition(task),
		Timeout: int(task.Timeout / time.Second),
	}
	if s.Container.EnvOf == "" {
		d.Environments[strings.TrimSuffix(s.Name, ".service")+".env"] = environment(s)
	} else if len(s.Environment) > 0 {
		made.Environment = environment(s)
	}
	d.Tasks = append(d.Tasks, made)
}

// definition returns the digest of a task's image and command. The version stands for itself, since it is another part of the lock's name.
func definition(task schema.Task) string {
	c := task.Service.Container
	return document.Definition(task.Service.Image, c.Entrypoint, c.Command)
}
