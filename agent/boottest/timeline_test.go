//go:build boot

package boottest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// step is a part of a boot, in the order of time.
type step struct {
	name string
	took time.Duration
}

// milestones are the moments before the agent's stages that the guest's systemd knows. Each is a property of a unit, or of systemd
// itself, in microseconds of the kernel's clock (org.freedesktop.systemd1).
var milestones = []struct{ step, unit, property string }{
	{"kernel", "", "UserspaceTimestampMonotonic"},
	{"systemd, network", "network-online.target", "ActiveEnterTimestampMonotonic"},
	{"cloud-init", "spacel-agent.service", "InactiveExitTimestampMonotonic"},
	{"installation", "spacel-agent.service", "ExecMainStartTimestampMonotonic"},
}

// timeline measures a boot that an admin can log in after: from power-on to the signal. It reads the guest's clocks now.
func (w *awsEnv) timeline() ([]step, error) {
	ask := ""
	for _, m := range milestones {
		ask += "systemctl show --value --property=" + m.property + " " + m.unit + "; "
	}
	said, err := w.ada.run(w.machine, ask+"cut -d' ' -f1 /proc/uptime")
	now := time.Now()
	if err != nil {
		return nil, fmt.Errorf("ask systemd for times: %w: %s", err, said)
	}
	lines := strings.Fields(said)
	if len(lines) != len(milestones)+1 {
		return nil, fmt.Errorf("systemd gave the times %q", said)
	}
	uptime, err := strconv.ParseFloat(lines[len(milestones)], 64)
	if err != nil {
		return nil, err
	}
	zero := now.Add(-time.Duration(uptime * float64(time.Second))) // of the kernel's clock
	var steps []step
	before := w.poweredOn
	reach := func(name string, at time.Time) {
		steps = append(steps, step{name, max(0, at.Sub(before))})
		before = at
	}
	if *engine == "qemu" { // a container has no firmware, and its host's clock
		reach("firmware", zero)
	}
	for i, m := range milestones {
		micro, err := strconv.ParseInt(lines[i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the time of %s %s: %w", m.unit, m.property, err)
		}
		reach(m.step, zero.Add(time.Duration(micro)*time.Microsecond))
	}
	stages := agentStages(w.bootLog)
	for _, s := range stages {
		before = before.Add(s.took)
	}
	return append(append(steps, stages...), step{"the rest of the agent", max(0, w.signalledAt.Sub(before))}), nil
}

// doneStage is the agent's line about a stage.
var doneStage = regexp.MustCompile(`stage ([a-z ]+): done in ([0-9a-z.]+)`)

// agentStages returns the agent's own stages, without those that took no time.
func agentStages(log string) []step {
	var all []step
	for _, match := range doneStage.FindAllStringSubmatch(log, -1) {
		if took, err := time.ParseDuration(match[2]); err == nil && took >= 100*time.Millisecond {
			all = append(all, step{"agent: " + match[1], took})
		}
	}
	return all
}

// measured is a case's boot, for the table at the end.
type measured struct {
	name  string
	total time.Duration
	steps []step
}

var boots []measured

// measure adds the case's boot to the table.
func (w *awsEnv) measure() {
	w.t.Helper()
	steps, err := w.timeline()
	if err != nil {
		w.t.Errorf("the boot was not measured: %v", err)
		return
	}
	boots = append(boots, measured{w.name, w.signalledAt.Sub(w.poweredOn), steps})
}

// timelines is the table of measured boots: a line for each step of each case.
func timelines() string {
	var text strings.Builder
	for _, b := range boots {
		fmt.Fprintf(&text, "\n%s: %.1f s from power-on to the signal\n", b.name, b.total.Seconds())
		for _, s := range b.steps {
			fmt.Fprintf(&text, "  %6.1f s  %s\n", s.took.Seconds(), s.name)
		}
	}
	return text.String()
}
