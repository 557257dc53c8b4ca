package units

import (
	"path"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/calendar"
	"github.com/pebble/spacel/schema/report"
)

// unitSections lists the section of each type of unit, beside [Unit] and [Install] (systemd.unit(5)). A target has none.
var unitSections = map[string]string{
	".service": "Service", ".timer": "Timer", ".socket": "Socket", ".path": "Path", ".mount": "Mount", ".automount": "Automount",
	".swap": "Swap", ".slice": "Slice",
}

// unitSetting is an assignment in a unit file.
type unitSetting struct {
	section, name, value string
	line                 int // from 1
}

// checkUnitText reports a hand-written unit that systemd would refuse, or of which it would ignore a section. An encrypted text
// cannot be checked.
func checkUnitText(found *report.Report, s Service) {
	if s.UnitFile == nil || s.UnitFile.Body == nil {
		return
	}
	at, text := s.At("unit_file"), string(s.UnitFile.Body)
	if strings.TrimSpace(text) == "" {
		found.Errorf(at, "is empty: systemd takes an empty unit for one that must never start; {} in a region removes a unit there")
		return
	}
	kind := path.Ext(s.Name)
	settings := unitSettings(text, func(line int, problem, fix string) {
		found.Errorf(at, "line %d of the unit: %s: %s", line, problem, fix)
	},
		kind)
	has := func(section string, names ...string) bool {
		return slices.ContainsFunc(settings, func(u unitSetting) bool {
			return u.section == section && slices.Contains(names, u.name) && u.value != ""
		})
	}
	// systemd refuses to load these (core/service.c, core/timer.c).
	switch kind {
	case ".service":
		if !has("Service", "ExecStart", "ExecStop", "SuccessAction") {
			found.Errorf(at, "runs nothing: [Service] has no ExecStart=")
		}
	case ".timer":
		if !has("Timer", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnCalendar", "OnClockChange",
			"OnTimezoneChange") {
			found.Errorf(at, "never elapses: [Timer] has no OnCalendar= or other time")
		}
		checkCalendars(found, at, settings)
	}
}

// unitSettings returns the assignments of a unit file (systemd.syntax(7)). odd is told of lines that systemd ignores.
func unitSettings(text string, odd func(line int, problem, fix string), kind string) []unitSetting {
	var settings []unitSetting
	section, known := "", false
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first := i + 1
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		// A backslash at the end continues the line, with a space in its place. Comments in between are left out.
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			if next := strings.TrimSpace(lines[i]); next == "" || next[0] != '#' && next[0] != ';' {
				line = strings.TrimSuffix(line, `\`) + " " + next
			}
		}
		if line[0] == '[' {
			section = strings.TrimSuffix(line[1:], "]")
			known = knownSection(section, kind)
			if !known {
				sections := slices.DeleteFunc([]string{"Unit", unitSections[kind], "Install"}, func(s string) bool { return s == "" })
				odd(first, line+" is an unknown section, which systemd ignores", "a "+kind[1:]+" has ["+strings.Join(sections, "], [")+"]"+
					report.Suggest(section, sections))
			}
			continue
		}
		name, value, assigns := strings.Cut(line, "=")
		switch {
		case section == "":
			odd(first, "a line before the first section, which systemd ignores", "begin with [Unit] or ["+unitSections[kind]+"]")
			return settings
		case !assigns && known && !strings.HasPrefix(section, "X-"):
			odd(first, "systemd ignores a line without =", "write NAME=value")
		default:
			settings = append(settings, unitSetting{section, strings.TrimSpace(name), strings.TrimSpace(value), first})
		}
	}
	return settings
}

// knownSection reports whether a unit may have the section. systemd leaves sections with X- to others.
func knownSection(section, kind string) bool {
	return section == "Unit" || section == "Install" || section != "" && section == unitSections[kind] || strings.HasPrefix(section, "X-")
}

// checkCalendars reads each OnCalendar= of a timer. systemd ignores a wrong one.
func checkCalendars(found *report.Report, at report.Pos, settings []unitSetting) {
	for _, u := range settings {
		if u.section != "Timer" || u.name != "OnCalendar" || u.value == "" || strings.Contains(u.value, "%") {
			continue
		}
		if _, err := calendar.Parse(u.value); err != nil {
			found.Errorf(at, "line %d of the unit: OnCalendar=%s: %s", u.line, u.value, calendarProblem(err))
		}
	}
}
