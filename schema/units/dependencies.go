package units

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Dependency is a unit that another one waits for.
type Dependency struct {
	sections.Node
	Unit      string // with its suffix
	Condition Condition
	Optional  bool // a failure of the other unit does not keep this one from starting
	Restart   bool // this unit is restarted and stopped together with the other one
}

// Condition tells for how long a unit waits for another one.
type Condition string

// The conditions, as the Compose specification calls them.
const (
	Started   Condition = "service_started"
	Healthy   Condition = "service_healthy"
	Completed Condition = "service_completed_successfully"
)

// dependencies reads depends_on: a list of units, or an object with a condition for each. The unit whose network a container
// shares is one of them, as in Compose.
func dependencies(r sections.Record) []Dependency {
	found := map[string]Dependency{}
	if n, ok := r.Fields["depends_on"]; ok && n.Tree.Kind == manifest.List {
		for _, item := range n.Items() {
			unit := manifest.UnitName(item.Tree.Text)
			found[unit] = Dependency{Node: sections.NewNode(item.Pos(), nil), Unit: unit, Condition: Started}
		}
	}
	for _, e := range r.Entries("depends_on") {
		inner, unit := e.Record(r.Report, nil), manifest.UnitName(e.Key)
		condition := Condition(inner.Text("condition"))
		if condition == "" {
			condition = Started
			inner.DeriveText("condition", string(condition))
		}
		if _, twice := found[unit]; twice {
			r.Report.Errorf(e.Pos(), "%s is listed twice", unit)
		}
		found[unit] = Dependency{
			Node: inner.Node(), Unit: unit, Condition: condition,
			Optional: inner.Has("required") && !inner.Flag("required"), Restart: inner.Flag("restart"),
		}
	}
	if unit, ok := strings.CutPrefix(networkMode(r), "container:"); ok {
		if _, listed := found[unit]; !listed {
			found[unit] = Dependency{Node: sections.NewNode(r.PosOf("network_mode"), nil), Unit: unit, Condition: Started}
		}
	}
	var all []Dependency
	for _, d := range found {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Dependency) int { return strings.Compare(a.Unit, b.Unit) })
	return all
}

// withoutMissing removes dependencies with required: no on units missing in the app, as Compose does. A region may have
// removed the unit.
func withoutMissing(found *report.Report, services []Service) {
	byName := servicesByName(services)
	for i := range services {
		c := &services[i].Container
		c.DependsOn = slices.DeleteFunc(c.DependsOn, func(d Dependency) bool {
			missing := d.Optional && byName[d.Unit] == nil
			if missing {
				found.Notef(d.Pos, "%s is no unit of this app, and is not waited for: required is no", d.Unit)
			}
			return missing
		})
	}
}

// completes marks containers that another unit waits for until they complete: they run once, unless the manifest says otherwise.
func completes(services []Service, records map[string]sections.Record) {
	byName := servicesByName(services)
	for _, s := range services {
		for _, d := range s.Container.DependsOn {
			other := byName[d.Unit]
			if d.Condition != Completed || other == nil || other.Image == "" {
				continue
			}
			r := records[other.Name]
			switch {
			case r.Unknown("restart"):
			case !r.Has("restart"):
				other.Container.Restart = Restart{Policy: RestartNo}
				r.DeriveText("restart", string(RestartNo))
			case other.Container.Restart.Policy != RestartNo:
				r.Errorf("restart", `must be "no": %s waits until %s has completed, and a unit that is started again never completes`,
					s.Name, other.Name)
			}
		}
	}
}

// servicesByName returns the services by unit name. The values are elements of the slice.
func servicesByName(services []Service) map[string]*Service {
	byName := map[string]*Service{}
	for i := range services {
		byName[services[i].Name] = &services[i]
	}
	return byName
}

// checkDependencies reports dependencies impossible for systemd: unknown units, conditions out of reach for the other unit,
// and circles.
func checkDependencies(found *report.Report, services []Service) {
	byName := servicesByName(services)
	var names []string
	for _, s := range services {
		names = append(names, strings.TrimSuffix(s.Name, ".service"))
	}
	for _, s := range services {
		for _, d := range s.Container.DependsOn {
			other := byName[d.Unit]
			switch {
			case other == nil:
				found.Errorf(d.Pos, "%s is no unit of this app%s", d.Unit, report.Suggest(strings.TrimSuffix(d.Unit, ".service"), names))
			case other.Name == s.Name:
				found.Errorf(d.Pos, "a unit cannot wait for itself")
			case d.Condition != Started:
				checkCondition(found, d, *other)
			}
			if strings.TrimPrefix(s.Container.NetworkMode, "container:") == d.Unit && other != nil && other.Image == "" {
				found.Errorf(s.At("network_mode"), "%s has no container whose network could be shared", d.Unit)
			}
		}
	}
	checkCircles(found, services, byName)
}

// checkCondition reports a condition out of reach for the other unit.
func checkCondition(found *report.Report, d Dependency, other Service) {
	health := other.Container.Health
	switch {
	case d.Condition == Healthy && other.Image == "":
		found.Errorf(d.Pos, "%s is written by hand, and only a container has a health check: use service_started", other.Name)
	case d.Condition == Healthy && health != nil && health.Disabled:
		found.Errorf(d.Pos, "the health check of %s is switched off", other.Name)
	case d.Condition == Completed && other.UnitFile != nil && other.UnitFile.Payload == nil && !isOneshot(string(other.UnitFile.Body)):
		found.Errorf(d.Pos, "%s must have Type=oneshot and RemainAfterExit=yes: systemd would not wait for its end, or run it again for "+
			"each start of this unit", other.Name)
	}
}

// isOneshot reports whether a unit's text describes a unit that ends, and counts as active from then on.
func isOneshot(text string) bool {
	settings := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok {
			settings[strings.TrimSpace(key)] = strings.ToLower(strings.TrimSpace(value))
		}
	}
	return settings["Type"] == "oneshot" && slices.Contains([]string{"yes", "true", "on", "1", "y", "t"}, settings["RemainAfterExit"])
}

// checkCircles reports units that wait for each other. Each circle is reported once, at its first unit by name.
func checkCircles(found *report.Report, services []Service, byName map[string]*Service) {
	done := map[string]bool{}
	var path []string
	var visit func(name string)
	visit = func(name string) {
		if at := slices.Index(path, name); at >= 0 {
			if circle := append(slices.Clone(path[at:]), name); len(circle) > 2 {
				found.Errorf(byName[name].At("depends_on"), "units wait for each other: %s", strings.Join(circle, " → "))
			}
			return
		}
		if done[name] || byName[name] == nil {
			return
		}
		path = append(path, name)
		for _, d := range byName[name].Container.DependsOn {
			visit(d.Unit)
		}
		path, done[name] = path[:len(path)-1], true
	}
	for _, s := range services {
		visit(s.Name)
	}
}
