package units

import (
	"path"
	"strings"

	"github.com/pebble/spacel/agent/calendar"
	"github.com/pebble/spacel/schema/sections"
)

// readJob reads the schedule of a container. A job is run by its timer only, and once each time.
func readJob(r sections.Record, c *Container) {
	c.Schedule, c.Exclusive = r.Text("schedule"), r.Flag("exclusive")
	if c.Schedule == "" {
		if r.Has("exclusive") && !r.Unknown("schedule") {
			r.Errorf("exclusive", "works only with schedule: it is about the times at which a job runs")
		}
		return
	}
	if _, err := calendar.Parse(c.Schedule); err != nil {
		r.Errorf("schedule", "%q is not a calendar expression of systemd: %s", c.Schedule, calendarProblem(err))
	}
	runsOnce(r, c, "schedule")
}

// runsOnce makes a container a job. Restarts would run it again right after its end, for ever.
func runsOnce(r sections.Record, c *Container, because string) {
	if r.Has("restart") && c.Restart.Policy != RestartNo && !r.Unknown("restart") {
		r.Errorf("restart", "a container with %s runs once each time: remove restart", because)
	}
	c.Job, c.Restart = true, Restart{Policy: RestartNo}
	r.DeriveText("restart", string(RestartNo))
}

// checkTimers makes the container of a hand-written timer a job, and reports a timer of the manifest beside a schedule.
func checkTimers(services []Service, records map[string]sections.Record) {
	byName := map[string]*Service{}
	for i := range services {
		byName[services[i].Name] = &services[i]
	}
	for _, timer := range services {
		if path.Ext(timer.Name) != ".timer" {
			continue
		}
		unit := triggeredUnit(timer)
		s := byName[unit]
		if s == nil || s.Image == "" {
			continue
		}
		if s.Container.Schedule != "" {
			records[unit].Errorf("schedule", "makes a timer of its own, and %s starts this unit, too: remove one of them", timer.Name)
			continue
		}
		runsOnce(records[unit], &s.Container, "a timer ("+timer.Name+")")
	}
	for _, s := range services {
		name := TimerName(s.Name)
		if s.Container.Schedule != "" && byName[name] != nil && triggeredUnit(*byName[name]) != s.Name {
			records[s.Name].Errorf("schedule", "makes the unit %s, which the manifest has, too: rename one of them", name)
		}
	}
}

// TimerName returns the name of the timer of a job.
func TimerName(service string) string { return strings.TrimSuffix(service, ".service") + ".timer" }

// triggeredUnit returns the unit of a timer: that of Unit=, or else the service of the timer's name (systemd.timer(5)). An
// encrypted timer counts as one without Unit=.
func triggeredUnit(timer Service) string {
	unit := strings.TrimSuffix(timer.Name, ".timer") + ".service"
	if timer.UnitFile == nil {
		return unit
	}
	for _, u := range unitSettings(string(timer.UnitFile.Body), func(int, string, string) {}, ".timer") {
		if u.section == "Timer" && u.name == "Unit" && u.value != "" {
			unit = u.value
		}
	}
	return unit
}
