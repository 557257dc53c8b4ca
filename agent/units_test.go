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
	started  map[string]time.Time
	calls    []string
}

func (f *fakeSystemd) Enable(_ context.Context, unit string) error {
	f.calls = append(f.calls, "enable "+unit)
	return nil
}

func (f *fakeSystemd) Reload(context.Context) error {
	f.calls = append(f.calls, "reload")
	return nil
}

func (f *fakeSystemd) Start(_ context.Context, unit string) (<-chan string, error) {
	f.calls = append(f.calls, "start "+unit)
	if err := f.refuse[unit]; err != nil {
		return nil, err
	}
	f.started[unit] = time.Now()
	result := make(chan string, 1)
	switch told := f.results[unit]; told {
	case "":
		result <- "done"
	case "never":
	default:
		result <- told
	}
	return result, nil
}

func (f *fakeSystemd) State(_ context.Context, unit string) (UnitState, error) {
	began, ok := f.started[unit]
	if !ok {
		return UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Triggers: f.triggers[unit]}, nil
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
	h = newBootEnv(t, document.Document[string]{Units: map[string]document.Content{}})
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
	if f.calls[0] != "reload" || f.calls[len(f.calls)-1] != "close" {
		t.Errorf("the calls are %q, want reload first and close last", f.calls)
	}
	for _, unit := range []string{"tidy.service", "web@.service"} {
		if slices.Contains(f.calls, "start "+unit) || slices.Contains(f.calls, "enable "+unit) {
			t.Errorf("%s was started or enabled: %q", unit, f.calls)
		}
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
		"exits 0": {always(dead), "", nil, []string{"ended right after it was started", "Type=oneshot"}, time.Second},
		"does not parse": {nil, "", errors.New("Unit x.service has a bad unit file setting."),
			[]string{"cannot be started", "bad unit file setting"}, time.Second},
		"was cancelled":    {always(dead), "canceled", nil, []string{`"canceled"`}, time.Second},
		"needs what fails": {always(dead), "dependency", nil, []string{`"dependency"`}, time.Second},
		"loops": {func(s int) UnitState {
			return UnitState{Load: "loaded", Active: "activating", Sub: "auto-restart", Type: "simple", Result: "exit-code", Status: 7,
				Restarts: s / 2}
		}, "", nil, []string{"ends again and again, 11 times so far", "status 7"}, 23 * time.Second},
		"loops between looks": {running, "", nil, []string{"ends again and again, 11 times so far"}, 12 * time.Second},
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
			wantError(t, err, append(test.want, "x.service ", "; it wrote: what the unit wrote | the last of x.service")...)
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

// A later boot finds units that ran, and restarted, before.
func TestUnitsThatRestartedLongAgo(t *testing.T) {
	f := &fakeSystemd{play: map[string]func(int) UnitState{"x.service": always(running(mostRestarts + 5))}}
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
