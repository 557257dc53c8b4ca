package compiler

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebble/spacel/internal/needs"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/units"
)

// systemd reads each unit that is generated for the containers of the golden cases without a complaint.
func TestSystemdVerifiesUnits(t *testing.T) {
	needs.Program(t, "systemd-analyze")
	cases, err := filepath.Glob("../testdata/golden/*/orbit.*")
	if err != nil {
		t.Fatal(err)
	}
	verified := 0
	for _, orbit := range cases {
		apps, _ := filepath.Glob(filepath.Join(filepath.Dir(orbit), "*.[cjy]*"))
		for _, path := range apps {
			if path == orbit {
				continue
			}
			var r report.Report
			model, err := schema.Load(context.Background(), schema.Inputs{Orbit: orbit, Apps: []string{path}}, &r)
			if err != nil || model == nil {
				continue // a case of its own kind, such as two apps in one build
			}
			for _, region := range model.Apps[0].Regions {
				verified += verifyUnits(t, path, region.Services)
			}
		}
	}
	if verified < 50 {
		t.Errorf("%d units verified", verified)
	}
}

// verifyUnits has systemd-analyze read the units of containers, and the timers of jobs. It returns their number.
func verifyUnits(t *testing.T, path string, services []units.Service) int {
	dir, names := t.TempDir(), []string{}
	// systemd-analyze looks for the programs, and Docker and the agent need not be here.
	here := strings.NewReplacer("/usr/bin/docker", "/usr/bin/env", "/usr/local/bin/spacel-agent", "/usr/bin/env",
		"__VERSION__", "v1")
	write := func(name string, lines ...string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(here.Replace(strings.Join(lines, "\n"))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"docker.service", "spacel-agent.service"} {
		write(other, "[Service]", "ExecStart=/bin/true")
	}
	for _, s := range services {
		if s.Image == "" {
			write(s.Name, "[Unit]", "[Service]", "ExecStart=/bin/true")
			continue
		}
		write(s.Name, containerUnit(s, true)...)
		names = append(names, filepath.Join(dir, s.Name))
		if s.Container.Schedule != "" {
			timer := units.TimerName(s.Name)
			write(timer, jobTimer(s)...)
			names = append(names, filepath.Join(dir, timer))
		}
	}
	if len(names) == 0 {
		return 0
	}
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, names...)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	out, err := cmd.CombinedOutput()
	if own := aboutUnits(string(out), dir, names); err != nil || own != "" {
		t.Errorf("%s: %v\n%s", path, err, out)
	}
	return len(names)
}

// aboutUnits returns the lines of systemd-analyze that name one of the units. The machine's own units may have mistakes.
func aboutUnits(out, dir string, names []string) string {
	var own strings.Builder
	for line := range strings.Lines(out) {
		for _, name := range names {
			if strings.Contains(line, dir) || strings.Contains(line, filepath.Base(name)) {
				own.WriteString(line)
				break
			}
		}
	}
	return own.String()
}
