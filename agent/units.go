package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	lookPause   = time.Second      // between looks at units that start
	settle      = 10 * time.Second // for which a service must run before it counts as started
	checked     = 3 * time.Second  // the same, when a health check of the app follows: longer than the pause before a restart
	longestLoop = 3 * time.Minute  // for which a service that waits for no other unit may be restarted again and again
)

// unitsTarget wants all units of the app. Starting it starts them in one transaction.
const unitsTarget = "spacel-units.target"

// ready tells systemd of a finished preparation, so waiting units can start. From here on the agent starts units itself, and they
// would wait for it otherwise.
func ready(_ context.Context, b *Boot) error {
	if b.Machine.Notify == nil {
		return nil
	}
	return b.Machine.Notify("READY=1")
}

// units starts the document's units and waits until each runs, or has run if it is meant to end.
func units(ctx context.Context, b *Boot) error {
	if len(b.Document.Units) == 0 {
		return nil
	}
	systemd, err := b.systemd(ctx)
	if err != nil {
		return err
	}
	defer systemd.Close()
	// The timers are asked only now: systemd knows the units they start once it has read their files.
	names, err := toStart(ctx, systemd, slices.Sorted(maps.Keys(b.Document.Units)))
	if err != nil || len(names) == 0 {
		return err
	}
	var starts []*start
	for _, name := range names {
		s, err := enable(ctx, b, systemd, name)
		if err != nil {
			return b.journal().because(ctx, name, err)
		}
		starts = append(starts, s)
	}
	if err := writeTarget(ctx, b, systemd, names); err != nil {
		return err
	}
	jobs, err := systemd.Start(ctx, unitsTarget, names)
	if err != nil {
		return fmt.Errorf("%s cannot be started: %w", strings.Join(names, ", "), err)
	}
	b.Log.Info("starting " + strings.Join(names, ", "))
	return b.watch(ctx, systemd, starts, jobs)
}

// writeTarget makes the target that wants the units, for as long as the machine runs. After a reboot the units start with
// multi-user.target, in one transaction, too.
func writeTarget(ctx context.Context, b *Boot, systemd Systemd, names []string) error {
	text := "[Unit]\nDescription=The units of " + b.Document.App + "\nWants=" + strings.Join(names, " ") + "\n"
	if err := b.Machine.writeFile("/run/systemd/system/"+unitsTarget, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", unitsTarget, err)
	}
	if err := systemd.Reload(ctx); err != nil {
		return fmt.Errorf("have systemd read %s: %w", unitsTarget, err)
	}
	return nil
}

// systemd connects to systemd, and has it read the units that the stage files has written. A machine without it cannot have units.
func (b *Boot) systemd(ctx context.Context) (Systemd, error) {
	if b.Machine.Systemd == nil {
		return nil, errors.New("there is no systemd to start units with")
	}
	systemd, err := b.Machine.Systemd(ctx)
	if err != nil {
		return nil, err
	}
	if err := systemd.Reload(ctx); err != nil {
		systemd.Close()
		return nil, fmt.Errorf("have systemd read the units: %w", err)
	}
	return systemd, nil
}

// toStart returns the units for the agent to start. A service with a timer is left to the timer. A template (name@.service) has
// nothing to start without an instance name.
func toStart(ctx context.Context, systemd Systemd, names []string) ([]string, error) {
	owned := map[string]bool{}
	for _, name := range names {
		if path.Ext(name) != ".timer" {
			continue
		}
		timer, err := systemd.State(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("ask systemd which units %s starts: %w", name, err)
		}
		for _, unit := range timer.Triggers {
			owned[unit] = true
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return owned[name] || strings.HasSuffix(strings.TrimSuffix(name, path.Ext(name)), "@")
	}), nil
}

// start is a unit on its way.
type start struct {
	unit     string
	result   string // of the job, once it is over
	waits    bool   // for another unit of the app
	settle   time.Duration
	since    time.Time // when it was first seen to run, without a restart since
	restarts int       // at that time
	begun    int       // restarts before this boot
	told     int       // restarts in the log so far
	looping  time.Time // when its first restart of this boot was seen
	last     UnitState
}

// enable has a restart of the machine start the unit, too. A unit's restarts so far are noted, because the count goes on over boots
// of the agent. A unit that systemd cannot read is an error here: a target that wants it would start without a word about it.
func enable(ctx context.Context, b *Boot, systemd Systemd, unit string) (*start, error) {
	if err := systemd.Enable(ctx, unit); err != nil {
		return nil, fmt.Errorf("cannot be enabled: %w", err)
	}
	before, err := systemd.State(ctx, unit)
	switch {
	case err != nil:
		return nil, fmt.Errorf("its state cannot be asked for: %w", err)
	case before.Load != "loaded":
		return nil, fmt.Errorf("cannot be started: it is %s%s", before.Load, prefixed(": ", before.Problem))
	}
	waits := slices.ContainsFunc(before.After, func(other string) bool {
		_, own := b.Document.Units[other]
		return own && other != unit
	})
	return &start{unit: unit, waits: waits, settle: b.settle(), begun: before.Restarts, told: before.Restarts}, nil
}

// settle returns how long a service must run without a restart before it counts as started. It is the only evidence in an app without
// a health check. Otherwise a later stage asks the app itself, and the time only shows a service that ends at once.
func (b *Boot) settle() time.Duration {
	if b.Document.LocalHealth != nil || len(b.Document.TargetGroups) > 0 {
		return checked
	}
	return settle
}

// prefixed returns a text with a prefix, "" for an empty one.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// watch looks at the units until all have started. The first that fail, or the end of ctx, end it: a unit and those that need
// it fail together.
func (b *Boot) watch(ctx context.Context, systemd Systemd, starts []*start, jobs <-chan JobResult) error {
	results := map[string]string{}
	for {
		collect(jobs, results) // before the states, which then show the effect of a finished job
		var rest []*start
		var failed []error
		for _, s := range starts {
			s.result = results[s.unit]
			started, err := s.look(ctx, systemd, results[unitsTarget] != "")
			s.tellRestarts(ctx, b)
			switch {
			case err != nil:
				failed = append(failed, b.journal().because(ctx, s.unit, err))
			case started:
				b.Log.Info(fmt.Sprintf("%s is %s", s.unit, s.last))
			default:
				rest = append(rest, s)
			}
		}
		if starts = rest; len(starts) == 0 || len(failed) > 0 {
			return errors.Join(failed...)
		}
		if !sleep(ctx, lookPause) {
			for _, s := range starts {
				late := fmt.Errorf("has not started: it is %s: %w", s.last, context.Cause(ctx))
				failed = append(failed, b.journal().because(ctx, s.unit, late))
			}
			return errors.Join(failed...)
		}
	}
}

// collect reads the results so far.
func collect(jobs <-chan JobResult, results map[string]string) {
	for {
		select {
		case r := <-jobs:
			results[r.Unit] = r.Result
		default:
			return
		}
	}
}

// tellRestarts logs restarts of a unit, with its last line. Two restarts between looks are one line.
func (s *start) tellRestarts(ctx context.Context, b *Boot) {
	if s.last.Restarts <= s.told {
		return
	}
	s.told = s.last.Restarts
	line := b.journal().lastOf(ctx, s.unit)
	b.Log.Warn(fmt.Sprintf("%s was restarted, %s so far: %s%s", s.unit, times(s.told-s.begun), s.last, prefixed("; its last line: ", line)))
}

// times returns a count in words.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// look reports whether the unit has started. It returns an error for a unit with no chance to start any more. A unit that ends and
// is restarted may wait for something that is not up yet. Only the time ends that: the stage's deadline when the unit starts
// after another one of the app, longestLoop when it waits for nothing. over says that systemd has finished with the target.
func (s *start) look(ctx context.Context, systemd Systemd, over bool) (bool, error) {
	state, err := systemd.State(ctx, s.unit)
	if err != nil {
		return false, fmt.Errorf("its state cannot be asked for: %w", err)
	}
	s.last = state
	if s.looping.IsZero() && state.Restarts > s.begun {
		s.looping = time.Now()
	}
	switch {
	// failed is final: systemd has given up its restarts.
	case state.Active == "failed":
		return false, fmt.Errorf("failed: %s", state)
	// These are results of systemd's job for the start (D-Bus API, JobRemoved). "done" and "failed" are judged by the state.
	case slices.Contains([]string{"canceled", "dependency", "timeout", "assert", "unsupported"}, s.result):
		return false, fmt.Errorf("was not started, and the reason is %q", s.result)
	case state.Active == "active" || state.Active == "reloading":
		if s.settled() {
			return true, nil
		}
	case state.Active == "inactive" && s.result != "":
		return s.ended()
	// systemd drops the start of a unit that only another one wants, when it must to break a circle.
	case state.Active == "inactive" && over && !state.Queued:
		return false, errors.New("was not started: systemd dropped its start, since After= and Before= make a circle")
	default:
		s.since = time.Time{}
	}
	if !s.waits && !s.looping.IsZero() && time.Since(s.looping) >= longestLoop {
		return false, fmt.Errorf("ends again and again, %s in %s: %s", times(state.Restarts-s.begun), longestLoop, state)
	}
	return false, nil
}

// settled reports whether the unit has run for long enough to believe it. Only a service's process can end by itself. A restart
// begins the time again, since a service that crashes every few seconds is active in between.
func (s *start) settled() bool {
	if path.Ext(s.unit) != ".service" || s.last.Sub == "exited" {
		return true
	}
	if s.since.IsZero() || s.restarts != s.last.Restarts {
		s.since, s.restarts = time.Now(), s.last.Restarts
	}
	return time.Since(s.since) >= s.settle
}

// ended judges a unit that does not run and has not failed. Ending is right for a oneshot unit and wrong for any other type.
func (s *start) ended() (bool, error) {
	switch {
	// An unmet condition (ConditionPathExists= and others) is not a failure for systemd either.
	case s.last.Unmet, s.last.Type == "oneshot" && s.last.Result == "success":
		return true, nil
	case s.last.Type != "":
		return false, fmt.Errorf("ended right after it was started (%s): a unit that is meant to end says Type=oneshot, and a "+
			`container says restart: "no"`, s.last)
	}
	return false, fmt.Errorf("is not active after it was started (%s)", s.result)
}

// String returns a unit's state for messages, such as: failed (exit-code, status 1).
func (s UnitState) String() string {
	switch {
	case s.Unmet && s.Active == "inactive":
		return "not started, since its conditions are not met"
	case s.Load != "" && s.Load != "loaded":
		return s.Active + " (" + s.Load + ")"
	case s.Result != "" && s.Result != "success":
		return fmt.Sprintf("%s (%s, %s, status %d)", s.Active, s.Sub, s.Result, s.Status)
	}
	return s.Active + " (" + s.Sub + ")"
}
