package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

const third = "us-west-2"

// waved is a release of an app in three waves: east, west, third. An alarm guards it.
func waved(pause int, version string) []built {
	var stacks []built
	for i, region := range []string{east, west, third} {
		s := scalable("rolling", "ami-"+version, func(s *assembly.Stack) {
			s.Region, s.Template = region, region+"/test-web.template.json"
			s.Release = &assembly.Release{Wave: i + 1, Waves: 3, Pause: pause}
			s.Guard = &assembly.Guard{Alarms: []assembly.GuardAlarm{{Name: "errors", LogicalID: "AlarmErrors"}}}
		})
		const alarm = `"AlarmErrors": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": 1}}, `
		s.template = strings.Replace(s.template, `"Topic": {`, alarm+`"Topic": {`, 1)
		sum := sha256.Sum256([]byte(s.template))
		s.Digest = hex.EncodeToString(sum[:])
		stacks = append(stacks, s)
	}
	return stacks
}

// began lists the regions whose operations began, in order, with the pauses between.
func (b *deployEnv) began() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.events {
		switch e.Kind {
		case activity.Started:
			out = append(out, e.Region)
		case activity.Paused:
			out = append(out, "pause")
		}
	}
	b.events = nil
	return strings.Join(out, " ")
}

// A wave begins when the one before has ended and the pause is over. A second run of the same release waits for nothing.
func TestWaves(t *testing.T) {
	b := newEnv(t)
	b.options.Minute = 100 * time.Millisecond
	b.expect(b.deploy(waved(0, "v1")...), "test-web created, test-web created, test-web created")
	if got, want := b.began(), "us-east-1 eu-west-1 us-west-2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	d := b.prepared(waved(3, "v2")...)
	want := []WavePlan{{App: "web", Waves: [][]string{{east}, {west}, {third}}, Pause: 3, Minutes: 3*10 + 2*3}}
	if fmt.Sprint(d.Plan.Waves) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", d.Plan.Waves, want)
	}
	begin := time.Now()
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-web updated, test-web updated, test-web updated")
	if took := time.Since(begin); took < 600*time.Millisecond {
		t.Errorf("two pauses of 300 ms took %s", took)
	}
	for _, e := range b.events {
		if e.Kind == activity.Paused && (e.Until.Before(e.Time) || !strings.Contains(e.Reason, "3 min after the wave before")) {
			t.Errorf("%+v", e)
		}
	}
	if got, want := b.began(), "us-east-1 pause eu-west-1 pause us-west-2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.expect(b.deploy(waved(3, "v2")...), "test-web unchanged, test-web unchanged, test-web unchanged")
	if got := b.began(); got != "" {
		t.Errorf("unchanged stacks wait: %s", got)
	}
	// Some of the regions: the waves among these.
	b.options.Regions = []string{third, east}
	b.expect(b.deploy(waved(1, "v3")...), "test-web updated, test-web updated")
	if got, want := b.began(), "us-east-1 pause us-west-2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A failure stops the waves after it. The end of the run says how far the release came, and how to go back.
func TestFailureStopsTheWaves(t *testing.T) {
	b := newEnv(t)
	b.deploy(waved(0, "v1")...)
	b.cf.Fail(cloudtest.Failure{Region: west, Stack: "test-web", Logical: "LaunchTemplate", When: cloudtest.Update, Reason: "no"})
	r := b.deploy(waved(0, "v2")...)
	b.expect(r, "test-web failed, test-web updated, test-web skipped")
	b.says(r.Stacks[2].Why, "comes in a wave after eu-west-1/test-web, which failed")
	b.says(strings.Join(r.Warnings, "\n"), "the release of web is in us-east-1 and not in eu-west-1, us-west-2: "+
		"run the same command again to go on, or take it back with spacel rollback web --orbit test --region us-east-1")
	// The same command goes on.
	b.began()
	b.expect(b.deploy(waved(0, "v2")...), "test-web updated, test-web unchanged, test-web updated")
	if got, want := b.began(), "eu-west-1 us-west-2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// An alarm that goes off in the pause ends the release there, and so do instances that do not become healthy.
func TestUnhealthyWave(t *testing.T) {
	b := newEnv(t)
	b.options.Minute = 100 * time.Millisecond
	b.deploy(waved(0, "v1")...)
	b.listeners = append(b.listeners, func(e activity.Event) {
		if e.Kind == activity.Paused {
			b.alarms().Set(b.alarmOf("AlarmErrors"), "ALARM", "Threshold Crossed: 9 > 5")
		}
	})
	r := b.deploy(waved(5, "v2")...)
	b.expect(r, "test-web failed, test-web updated, test-web skipped")
	b.says(r.Failures[0].What, "eu-west-1/test-web: the wave before is not healthy, so this one does not begin", "the alarm errors")
	b.listeners = nil
	b.alarms().Set(b.alarmOf("AlarmErrors"), "OK", "over")

	b.options.Minute = 10 * time.Millisecond
	g := b.cf.Group(east, "test-web", "Asg")
	g.Boot = func(*cloudtest.Group, *cloudtest.Instance) cloudtest.Signal { return cloudtest.Success }
	for _, i := range g.Alive() {
		i.Unhealthy = true
	}
	r = b.deploy(waved(0, "v2")...)
	b.expect(r, "test-web failed, test-web unchanged, test-web skipped")
	b.says(r.Failures[0].What, "the wave before is not healthy", "us-east-1/test-web has 0 healthy instances in service, and should have 2")
}

// An interrupt in a pause ends the run at once. The next run waits for the rest of the pause.
func TestInterruptInAPause(t *testing.T) {
	b := newEnv(t)
	b.options.Minute = time.Second
	b.deploy(waved(0, "v1")...)
	control := activity.NewControl()
	b.listeners = append(b.listeners, func(e activity.Event) {
		if e.Kind == activity.Paused {
			control.Stop()
		}
	})
	begin := time.Now()
	r, err := b.prepared(waved(60, "v2")...).Execute(t.Context(), b.user, control)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-web skipped, test-web updated, test-web skipped")
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	b.listeners = nil
	b.began()
	b.expect(b.deploy(waved(2, "v2")...), "test-web updated, test-web unchanged, test-web updated")
	if got := b.began(); got != "pause eu-west-1 pause us-west-2" && got != "eu-west-1 pause us-west-2" {
		t.Error(got)
	}
}

// The time of the waves is compared with the end of the credentials.
func TestWavesAndCredentials(t *testing.T) {
	b := newEnv(t)
	for _, c := range []struct {
		session Session
		want    string
	}{
		{Session{}, ""},
		{Session{End: time.Now().Add(3 * time.Hour)}, ""},
		{Session{End: time.Now().Add(time.Hour)}, "the waves of web take about 1 h 30 min, and the credentials end at "},
		{Session{Unknown: true}, "a session of a role that another role assumed ends after an hour"},
	} {
		b.options.Session = c.session
		said := strings.Join(slices.DeleteFunc(b.prepared(waved(30, "v1")...).Plan.Warnings, func(w string) bool {
			return !strings.Contains(w, "the waves of")
		}), "\n")
		if c.want == "" && said != "" || !strings.Contains(strings.ToLower(said), c.want) {
			t.Errorf("%+v: got %q, want %q", c.session, said, c.want)
		}
	}
}
