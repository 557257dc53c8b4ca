package schema

import (
	"slices"
	"strings"
	"testing"
)

// A mistake in the orbit's settings for all apps is one line, although each app has it in other words.
func TestMistakeInTheOrbitsApps(t *testing.T) {
	files := `
-- orbit.cue --
name: "test"
regions: ["us-east-1", "eu-west-1"]
all: domain: "example.com"
apps: {
	instance_min: 5
	alarms: triggers: t: {metric: "m", namespace: "N", statistic: "Sum", threshold: ">1", endpoints: "up"}
	idle_timeout: 60
}
-- b.yaml --
{name: b, all: {instance_max: 2, services: {w: {image: a/b}}}}
-- a.yaml --
{name: a, all: {instance_max: 3, services: {w: {image: a/b}}}, eu-west-1: {instance_max: 4}}
-- c.yaml --
{name: c, all: {services: {w: {image: a/b}}}}
-- d.yaml --
{name: d, all: {instance_max: 9, services: {w: {image: a/b}}}}
`
	want := []string{
		`orbit.cue:5:2: apps.instance_min: must be at most instance_max, got 5 and 3 in app a, and 2 more apps have this problem`,
		`orbit.cue:6:88: apps.alarms.triggers.t.endpoints: unknown endpoint "up"`,
	}
	if got := lines(reportOn(t, files, "d.yaml", "c.yaml", "b.yaml", "a.yaml")); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	want[0] = `orbit.cue:5:2: apps.instance_min: must be at most instance_max, got 5 and 3 in app a`
	if got := lines(reportOn(t, files, "a.yaml")); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
