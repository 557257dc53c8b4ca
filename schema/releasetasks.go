package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	names "github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
	"github.com/pebble/spacel/schema/units"
)

// Task is a release task: a container that one instance of a release runs to its end before the new instances serve.
type Task struct {
	sections.Node
	Name    string
	Once    TaskScope
	Region  string        // the region where it runs: the app's first region, or this one
	Service units.Service // its Environment lacks the variables of the service that it is like
	Timeout time.Duration // in whole seconds
}

// TaskScope tells in how many regions a task runs.
type TaskScope string

// The scopes of a task.
const (
	OnceInApp    TaskScope = "app"
	OnceInRegion TaskScope = "region"
)

// Limits of times. CloudFormation waits at most an hour for an instance's signal (Template Reference, "CreationPolicy" and
// "UpdatePolicy attribute", PauseTime).
const (
	usualTaskTime = 10 * time.Minute
	shortestTask  = 10 * time.Second
	longestBoot   = time.Hour
)

// Containers returns the app's services and the containers of its release tasks.
func (a *AppRegion) Containers() []units.Service {
	all := slices.Clone(a.Services)
	for _, task := range a.Release.Tasks {
		all = append(all, task.Service)
	}
	return all
}

// TasksHere returns the tasks that run in this region.
func (a *AppRegion) TasksHere() []Task {
	return slices.DeleteFunc(slices.Clone(a.Release.Tasks), func(t Task) bool { return t.Region != a.Region })
}

// BootLimit returns the seconds that CloudFormation waits for an instance: those of boot_timeout, and those of the tasks.
func (a *AppRegion) BootLimit() int {
	limit := a.BootTimeout
	for _, task := range a.TasksHere() {
		limit += int(task.Timeout / time.Second)
	}
	return limit
}

// taskReader reads the release tasks of an app in a region.
//
// A task is read like a service, from the same definition of a container. With service, the words of that service fill the missing
// fields. They are put together in the tree of the manifest and not in the model, so each word keeps its place, and a mistake in
// a service's word is reported there. It is found a second time then, and the report drops equal problems.
type taskReader struct {
	appBuilder
	services map[string]sections.Entry // by unit
	first    string                    // the app's first region
}

// tasks reads the release tasks, in the order of their names. It comes after the databases, which decide about the first region.
func tasks(b appBuilder, r sections.Record, a *AppRegion, waves *Waves) []Task {
	reader := taskReader{b, map[string]sections.Entry{}, firstRegion(b, a, waves)}
	if len(r.Entries("tasks")) > 0 {
		for _, e := range b.section.Merged("services", manifest.UnitName, nil) {
			reader.services[e.Key] = e
		}
	}
	var tasks []Task
	for _, e := range r.Entries("tasks") {
		tasks = append(tasks, reader.task(e, a, waves))
	}
	return tasks
}

// checkBootLimit reports more time than CloudFormation waits for an instance.
func checkBootLimit(s sections.Section, a *AppRegion) {
	if most := int(longestBoot / time.Second); a.BootLimit() > most && !s.Unknown("boot_timeout") {
		s.Report.Errorf(a.Release.At("tasks"), "CloudFormation waits at most an hour for an instance, and boot_timeout (%d s) with the "+
			"timeouts of the tasks is longer: make them shorter", a.BootTimeout)
	}
}

// task reads one task. The words of its container come first, then those of its service.
func (b taskReader) task(e sections.Entry, a *AppRegion, waves *Waves) Task {
	own := e.Record(b.scope.report, b.scope.facts.Defaults.Lookup("service"))
	task := Task{Node: own.Node(), Name: e.Key, Once: TaskScope(own.Text("once")), Region: a.Region, Timeout: taskTime(own)}
	b.checkScope(own, &task)
	checkWaveOf(own, task, waves)
	like, known := b.likeService(own)
	whole := own
	if known {
		whole = overlaid(own, like)
	}
	s := b.units().Task(names.TaskUnit(e.Key), own, whole)
	checkTaskNetwork(own, s.Container)
	if known {
		s.Container.EnvOf = manifest.UnitName(own.Text("service"))
	}
	task.Service = s
	return task
}

// taskTime returns the longest time of a task.
func taskTime(r sections.Record) time.Duration {
	if !r.Has("timeout") {
		r.DeriveText("timeout", "10m")
		return usualTaskTime
	}
	limit := units.Duration(r, "timeout").Round(time.Second)
	if limit < shortestTask || limit > longestBoot {
		r.Errorf("timeout", "must be 10s to 1h, got %s", r.Text("timeout"))
		return usualTaskTime
	}
	return limit
}

// checkScope finds the region of a task. In one region both scopes mean the same.
func (b taskReader) checkScope(r sections.Record, task *Task) {
	switch {
	case task.Once == OnceInApp:
		task.Region = b.first
	case task.Once == "" && len(b.scope.regions) > 1 && !r.Unknown("once"):
		r.Errorf("once", "is missing: write app to run the task in %s only, which is the app's first region, or region to run it in "+
			"each of %s", b.first, strings.Join(b.scope.regions, ", "))
	}
	if task.Once == "" {
		task.Once = OnceInRegion
		r.DeriveText("once", string(OnceInRegion))
	}
}

// firstRegion returns the region of tasks with once: app. A global database is changed in its own region only.
func firstRegion(b appBuilder, a *AppRegion, waves *Waves) string {
	for _, d := range a.Databases {
		if d.Global != "" {
			return d.Global
		}
	}
	if waves != nil {
		return waves.Regions[0][0]
	}
	return b.scope.regions[0]
}

// checkWaveOf reports waves in which regions get the new code before the task has run.
func checkWaveOf(r sections.Record, task Task, waves *Waves) {
	if task.Once != OnceInApp || waves == nil || slices.Contains(waves.Regions[0], task.Region) {
		return
	}
	r.Errorf("once", "runs in %s, which has the global database, and the first wave (%s) would get the new version before: put %s into "+
		"the first wave", task.Region, strings.Join(waves.Regions[0], ", "), task.Region)
}

// likeService returns the record of the service of a task.
func (b taskReader) likeService(r sections.Record) (like sections.Record, known bool) {
	image := r.Has("image") || r.Unknown("image")
	name := manifest.UnitName(r.Text("service"))
	found, ok := b.services[name]
	switch {
	case r.Unknown("service"):
		return sections.Record{}, false
	case !r.Has("service"):
		if !image {
			r.Report.Errorf(r.At, "must have service (a container of this app) or image")
		}
		return sections.Record{}, false
	case !ok && b.section.Unknown("services"):
		return sections.Record{}, false
	case !ok:
		var known []string
		for _, unit := range slices.Sorted(maps.Keys(b.services)) {
			known = append(known, strings.TrimSuffix(unit, ".service"))
		}
		r.Errorf("service", "%s is no service of this app%s", r.Text("service"), report.Suggest(r.Text("service"), known))
		return sections.Record{}, false
	}
	like = found.Record(b.scope.report, nil)
	switch {
	case like.Has("unit_file"):
		r.Errorf("service", "%s is written by hand, so it has no container to take over: write image", name)
	case !r.Has("command") && !r.Has("entrypoint") && !r.Unknown("command") && !r.Unknown("entrypoint") && !image:
		r.Errorf("command", "is missing: the task would run %s itself, which does not end", name)
	}
	return like, true
}

// A service that needs another unit, such as a container that prepares a volume, cannot be the model of a task as it is: at the time of a
// task no unit of the app runs. depends_on is not taken over, and a shared network is an error. Ports are left out, or
// a task could take a port from the service of the same instance.

// notTaken are fields of a service without effect on a task. Its variables are read from its .env file. The others are about
// units that run on: a task has ended before these start.
var notTaken = []string{"environment", "env_file", "ports", "healthcheck", "restart", "schedule", "exclusive", "depends_on", "unit_file"}

// overlaid returns the fields of a task, and the other ones of its service.
func overlaid(own, like sections.Record) sections.Record {
	whole := own
	whole.Fields, whole.Reported = maps.Clone(own.Fields), maps.Clone(own.Reported)
	for name, field := range like.Fields {
		if _, has := whole.Fields[name]; !has && !slices.Contains(notTaken, name) {
			whole.Fields[name] = field
		}
	}
	for name := range like.Reported {
		if _, has := own.Fields[name]; !has {
			if whole.Reported == nil {
				whole.Reported = map[string]bool{}
			}
			whole.Reported[name] = true
		}
	}
	return whole
}

// checkTaskNetwork reports the network of another container, which does not run yet.
func checkTaskNetwork(own sections.Record, c units.Container) {
	if other, shares := strings.CutPrefix(c.NetworkMode, "container:"); shares {
		at := cmp.Or(map[bool]string{true: "network_mode"}[own.Has("network_mode")], "service")
		own.Errorf(at, "shares the network of %s, which starts after the task: write network_mode: bridge, host or none in the task", other)
	}
}
