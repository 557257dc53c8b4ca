package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// fakeSystemd plays units by the second since they were started.
type fakeSystemd struct {
	play     map[string]func(second int) UnitState // of each unit; nil: it runs
	results  map[string]string                     // of the jobs; done when absent
	refuse   map[string]error                      // of Start
	triggers map[string][]string
	after    map[string][]string
	started  map[string]time.Time
	calls    []string

	unreadable map[string]string // units with a mistake in their text, and the mistake
}

func (f *fakeSystemd) Enable(_ context.Context, unit string) error {
	f.calls = append(f.calls, "enable "+unit)
	return nil
}

func (f *fakeSystemd) Reload(context.Context) error {
	f.calls = append(f.calls, "reload")
	return nil
}

func (f *fakeSystemd) Start(_ context.Context, target string, units []string) (<-chan JobResult, error) {
	f.calls = append(f.calls, "start "+target)
	results := make(chan JobResult, len(units)+1)
	for _, unit := range units {
		if err := f.refuse[unit]; err != nil {
			return nil, err
		}
		f.started[unit] = time.Now()
		switch told := f.results[unit]; told {
		case "":
			results <- JobResult{unit, "done"}
		case "never":
		default:
			results <- JobResult{unit, told}
		}
	}
	results <- JobResult{target, "done"}
	return results, nil
}

func (f *fakeSystemd) State(_ context.Context, unit string) (UnitState, error) {
	began, ok := f.started[unit]
	if !ok {
		state := UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Triggers: f.triggers[unit], After: f.after[unit]}
		if problem := f.unreadable[unit]; problem != "" {
			state.Load, state.Problem = "bad-setting", problem
		}
		return state, nil
	}
	if play := f.play[unit]; play != nil {
		return play(int(time.Since(began) / time.Second)), nil
	}
	return running(0), nil
}

func (f *fakeSystemd) Close() { f.calls = append(f.calls, "close") }

func running(restarts int) UnitState {
	return UnitState{Load: "loaded", Active: "active", Sub: "running", Type: "simple", Result: "success", Restarts: restarts}
}

func always(s UnitState) func(int) UnitState { return func(int) UnitState { return s } }

// onUnits runs the stage with an hour of a clock of its own.
func onUnits(t *testing.T, f *fakeSystemd, names ...string) (h *bootEnv, took time.Duration, err error) {
	t.Helper()
	return onUnitsOf(t, f, document.Document[string]{}, names...)
}

// onUnitsOf is onUnits for a document with more than units.
func onUnitsOf(t *testing.T, f *fakeSystemd, d document.Document[string], names ...string) (h *bootEnv, took time.Duration, err error) {
	t.Helper()
	d.Units = map[string]document.Content{}
	h = newBootEnv(t, d)
	for _, name := range names {
		h.Document.Units[name] = document.Content{}
	}
	f.started = map[string]time.Time{}
	h.Machine.Systemd = func(context.Context) (Systemd, error) { return f, nil }
	h.Machine.Run = func(_ context.Context, program string, args ...string) (string, error) {
		return "what the unit wrote\nthe last of " + strings.TrimPrefix(args[0], "--unit=") + "\n", nil
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, errors.New("time is up"))
		defer cancel()
		began := time.Now()
		err = units(ctx, h.Boot)
		took = time.Since(began)
	})
	return h, took, err
}

// An app with a health check is asked itself after its units, so that a unit need not run for long before.
func TestCheckedUnitsStartSooner(t *testing.T) {
	for _, d := range []document.Document[string]{
		{LocalHealth: &document.LocalHealth{Protocol: "TCP", Port: 80}}, {TargetGroups: []string{"arn:group"}},
	} {
		if _, took, err := onUnitsOf(t, &fakeSystemd{}, d, "web.service"); err != nil || took != checked {
			t.Errorf("took %s, want %s: %v", took, checked, err)
		}
		// It is longer than the pause before a restart: a service that ends at once has not started.
		f := &fakeSystemd{play: map[string]func(int) UnitState{"web.service": func(second int) UnitState {
			if second%3 == 0 {
				return running(second / 3)
			}
			return UnitState{Load: "loaded", Active: "activating", Sub: "auto-restart", Type: "simple", Restarts: second / 3}
		}}}
		if _, took, err := onUnitsOf(t, f, d, "web.service"); err == nil || took < longestLoop {
			t.Errorf("a service that ends at once has started after %s", took)
		}
	}
	if _, took, err := onUnits(t, &fakeSystemd{}, "web.service"); err != nil || took != settle {
		t.Errorf("without a check it took %s, want %s: %v", took, settle, err)
	}
}

func TestUnitsStart(t *testing.T) {
	f := &fakeSystemd{
		triggers: map[string][]string{"tidy.timer": {"tidy.service"}},
		play: map[string]func(int) UnitState{
			"tidy.timer":    always(UnitState{Load: "loaded", Active: "active", Sub: "waiting"}),
			"setup.service": always(UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Type: "oneshot", Result: "success"}),
			"stays.service": always(UnitState{Load: "loaded", Active: "active", Sub: "exited", Type: "oneshot", Result: "success"}),
			"unmet.service": always(UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Type: "simple", Result: "success",
				Unmet: true}),
			"data.mount": always(UnitState{Load: "loaded", Active: "active", Sub: "mounted", Result: "success"}),
			"pulls.service": func(second int) UnitState {
				if second < 200 {
					return UnitState{Load: "loaded", Active: "activating", Sub: "start-pre", Type: "simple", Result: "success"}
				}
				return running(0)
			},
			"wobbles.service": func(second int) UnitState {
				switch {
				case second < 5:
					return running(0)
				case second < 7:
					return UnitState{Load: "loaded", Active: "activating", Sub: "auto-restart", Type: "simple", Result: "exit-code",
						Status: 1, Restarts: 1}
				}
				return running(1)
			},
		},
		results: map[string]string{"wobbles.service": "failed"},
	}
	h, took, err := onUnits(t, f, "laika.service", "tidy.service", "tidy.timer", "setup.service", "stays.service", "unmet.service",
		"data.mount",
		"pulls.service", "wobbles.service", "web@.service")
	if err != nil {
		t.Fatal(err)
	}
	if took < 210*time.Second || took > 215*time.Second {
		t.Errorf("it took %s, want the 200 s of pulls.service and the 10 s for which it must run", took)
	}
	// One start, of a target: a second one would be a second transaction, whose jobs systemd does not order after those of the first.
	if n := len(f.calls); f.calls[0] != "reload" || !slices.Equal(f.calls[n-3:], []string{"reload", "start spacel-units.target", "close"}) {
		t.Errorf("the calls are %q, want reload first, and the target's start before close", f.calls)
	}
	target := h.text("run/systemd/system/spacel-units.target")
	for _, unit := range []string{"tidy.service", "web@.service"} {
		if strings.Contains(target, " "+unit) || strings.Contains(target, "="+unit) || slices.Contains(f.calls, "enable "+unit) {
			t.Errorf("%s was started or enabled: %q %q", unit, target, f.calls)
		}
	}
	if !strings.Contains(target, "\nWants=data.mount laika.service pulls.service setup.service stays.service tidy.timer ") {
		t.Errorf("the target is %s", target)
	}
	for _, line := range []string{"laika.service is active (running)", "setup.service is inactive (dead)",
		"unmet.service is not started, since its conditions are not met"} {
		if !strings.Contains(h.log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, h.log)
		}
	}
}

func TestUnitsThatFail(t *testing.T) {
	failed := UnitState{Load: "loaded", Active: "failed", Sub: "failed", Type: "simple", Result: "exit-code", Status: 1}
	dead := UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Type: "simple", Result: "success"}
	for name, test := range map[string]struct {
		play   func(int) UnitState
		result string
		refuse error
		want   []string
		within time.Duration
	}{
		"exits 1": {always(failed), "", nil, []string{"failed: failed (failed, exit-code, status 1)"}, time.Second},
		"exits 1 later": {func(s int) UnitState { return []UnitState{running(0), failed}[min(s/9, 1)] }, "", nil, []string{"failed:"},
			10 * time.Second},
		"exits 0":          {always(dead), "", nil, []string{"ended right after it was started", "Type=oneshot"}, time.Second},
		"is refused":       {nil, "", errors.New("Transaction order is cyclic."), []string{"cannot be started", "cyclic"}, time.Second},
		"was cancelled":    {always(dead), "canceled", nil, []string{`"canceled"`}, time.Second},
		"needs what fails": {always(dead), "dependency", nil, []string{`"dependency"`}, time.Second},
		"loops": {func(s int) UnitState {
			return UnitState{Load: "loaded", Active: "activating", Sub: "auto-restart", Type: "simple", Result: "exit-code", Status: 7,
				Restarts: s / 2}
		}, "", nil, []string{"ends again and again, 91 times in 3m0s", "status 7"}, 183 * time.Second},
		"loops between looks": {running, "", nil, []string{"ends again and again, 181 times in 3m0s"}, 182 * time.Second},
		"is dropped":          {always(dead), "never", nil, []string{"dropped its start", "make a circle"}, time.Second},
		"never starts": {always(UnitState{Load: "loaded", Active: "activating", Sub: "start-pre", Type: "simple", Result: "success"}),
			"never", nil,
			[]string{"has not started", "activating (start-pre)", "time is up"}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeSystemd{
				play:    map[string]func(int) UnitState{"x.service": test.play},
				results: map[string]string{"x.service": test.result},
				refuse:  map[string]error{"x.service": test.refuse},
			}
			_, took, err := onUnits(t, f, "laika.service", "x.service")
			wantError(t, err, append(test.want, "x.service ")...)
			if test.refuse == nil {
				wantError(t, err, "; it wrote: what the unit wrote | the last of x.service")
			}
			if took > test.within {
				t.Errorf("it took %s, want at most %s", took, test.within)
			}
		})
	}
}

// What made a unit fail is told with the units that need it, whichever is looked at first.
func TestUnitsThatFailTogether(t *testing.T) {
	f := &fakeSystemd{
		play: map[string]func(int) UnitState{
			"a.service": always(UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Type: "simple", Result: "success"}),
			"b.service": always(UnitState{Load: "loaded", Active: "failed", Sub: "failed", Type: "oneshot", Result: "exit-code",
				Status: 9}),
		},
		results: map[string]string{"a.service": "dependency", "b.service": "failed"},
	}
	_, _, err := onUnits(t, f, "a.service", "b.service", "c.service")
	wantError(t, err, "a.service was not started", "b.service failed", "status 9")
}

// A unit that waits for another one of the app may be restarted until the stage ends: the other one may need the time.
func TestUnitsThatWait(t *testing.T) {
	const up = 500 // second at which the database is there
	f := &fakeSystemd{
		after: map[string][]string{"web.service": {"docker.service", "db.service"}},
		play: map[string]func(int) UnitState{
			"web.service": func(second int) UnitState {
				if second < up {
					return UnitState{Load: "loaded", Active: "activating", Sub: "auto-restart", Type: "simple", Result: "exit-code",
						Status: 1, Restarts: second / 2}
				}
				return running(up / 2)
			},
		},
	}
	h, took, err := onUnits(t, f, "db.service", "web.service")
	if err != nil || took < up*time.Second || took > (up+15)*time.Second {
		t.Errorf("it took %s: %v", took, err)
	}
	const first = "web.service was restarted, once so far: activating (auto-restart, exit-code, status 1); its last line: "
	if log := h.log.String(); !strings.Contains(log, first) || !strings.Contains(log, "web.service was restarted, 249 times so far") {
		t.Errorf("the log lacks the restarts:\n%s", log)
	}
}

// A unit that systemd cannot read is found before anything starts: a target that wants it would start without it.
func TestUnitsThatCannotBeRead(t *testing.T) {
	f := &fakeSystemd{unreadable: map[string]string{"x.service": "Unit x.service has a bad unit file setting."}}
	_, _, err := onUnits(t, f, "laika.service", "x.service")
	wantError(t, err, "x.service cannot be started: it is bad-setting: Unit x.service has a bad unit file setting.")
	if slices.ContainsFunc(f.calls, func(call string) bool { return strings.HasPrefix(call, "start ") }) {
		t.Errorf("something was started: %q", f.calls)
	}
}

// All units that have not started at the deadline are named: the first by name may only wait for another.
func TestUnitsAtTheDeadline(t *testing.T) {
	pending := always(UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Queued: true})
	f := &fakeSystemd{
		results: map[string]string{"a.service": "never", "z.service": "never"},
		play: map[string]func(int) UnitState{"a.service": pending,
			"z.service": always(UnitState{Load: "loaded", Active: "activating", Sub: "start-post", Type: "simple"})},
	}
	_, _, err := onUnits(t, f, "a.service", "z.service")
	wantError(t, err, "a.service has not started: it is inactive (dead)", "z.service has not started: it is activating (start-post)")
}

// A later boot finds units that ran, and restarted, before.
func TestUnitsThatRestartedLongAgo(t *testing.T) {
	f := &fakeSystemd{play: map[string]func(int) UnitState{"x.service": always(running(15))}}
	h := newBootEnv(t, document.Document[string]{Units: map[string]document.Content{"x.service": {}}})
	f.started = map[string]time.Time{"x.service": time.Now().Add(-time.Hour)}
	h.Machine.Systemd = func(context.Context) (Systemd, error) { return f, nil }
	synctest.Test(t, func(t *testing.T) {
		if err := units(t.Context(), h.Boot); err != nil {
			t.Error(err)
		}
	})
}

func TestReady(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	var said []string
	h.Machine.Notify = func(state string) error {
		said = append(said, state)
		return nil
	}
	if err := ready(t.Context(), h.Boot); err != nil || fmt.Sprint(said) != "[READY=1]" {
		t.Errorf("got %q, %v", said, err)
	}
	order := []string{"volumes", "files", "environments", "ready", "units", "local health check", "elastic address", "target health"}
	var names []string
	for _, s := range stages() {
		if slices.Contains(order, s.name) {
			names = append(names, s.name)
		}
	}
	if !slices.Equal(names, order) {
		t.Errorf("the stages come as %q, want %q", names, order)
	}
}

func TestUnitsWithoutSystemd(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	if err := units(t.Context(), h.Boot); err != nil {
		t.Errorf("a document without units: %v", err)
	}
	h.Document.Units = map[string]document.Content{"x.service": {}}
	wantError(t, units(t.Context(), h.Boot), "there is no systemd")
}
