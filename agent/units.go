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
	lookPause    = time.Second      // between looks at units that start
	settle       = 10 * time.Second // for which a service must run before it counts as started
	mostRestarts = 10               // within which a service must have settled
)

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
	if err := systemd.Reload(ctx); err != nil {
		return fmt.Errorf("have systemd read the units: %w", err)
	}
	// The timers are asked only now: systemd knows the units they start once it has read their files.
	names, err := toStart(ctx, systemd, slices.Sorted(maps.Keys(b.Document.Units)))
	if err != nil {
		return err
	}
	var starts []*start
	for _, name := range names {
		s, err := b.start(ctx, systemd, name)
		if err != nil {
			return b.journal().because(ctx, name, err)
		}
		starts = append(starts, s)
	}
	return b.watch(ctx, systemd, starts)
}

// systemd connects to systemd. A machine without it cannot have units.
func (b *Boot) systemd(ctx context.Context) (Systemd, error) {
	if b.Machine.Systemd == nil {
		return nil, errors.New("there is no systemd to start units with")
	}
	return b.Machine.Systemd(ctx)
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
	job      <-chan string
	result   string    // of the job, once it is over
	since    time.Time // when it was first seen to run, without a restart since
	restarts int       // at that time
	begun    int       // restarts before this boot
	last     UnitState
}

// start enables a unit, so a restart of the machine starts it, too, and begins to start it. It does not wait for the end of the
// job. A unit's restarts so far are noted, because the count goes on over boots of the agent.
func (b *Boot) start(ctx context.Context, systemd Systemd, unit string) (*start, error) {
	if err := systemd.Enable(ctx, unit); err != nil {
		return nil, fmt.Errorf("cannot be enabled: %w", err)
	}
	before, err := systemd.State(ctx, unit)
	if err != nil {
		return nil, fmt.Errorf("its state cannot be asked for: %w", err)
	}
	job, err := systemd.Start(ctx, unit)
	if err != nil {
		return nil, fmt.Errorf("cannot be started: %w", err)
	}
	b.Log.Info("starting " + unit)
	return &start{unit: unit, job: job, begun: before.Restarts}, nil
}

// watch looks at the units until all have started. The first that fail, or the end of ctx, end it: a unit and those that need
// it fail together.
func (b *Boot) watch(ctx context.Context, systemd Systemd, starts []*start) error {
	for {
		var rest []*start
		var failed []error
		for _, s := range starts {
			started, err := s.look(ctx, systemd)
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
			return b.journal().because(ctx, starts[0].unit, fmt.Errorf("has not started: it is %s: %w", starts[0].last, context.Cause(ctx)))
		}
	}
}

// look reports whether the unit has started. It returns an error for a unit with no chance to start any more.
func (s *start) look(ctx context.Context, systemd Systemd) (bool, error) {
	if s.result == "" { // read before the state, which then shows the effect of a finished job
		select {
		case s.result = <-s.job:
		default:
		}
	}
	state, err := systemd.State(ctx, s.unit)
	if err != nil {
		return false, fmt.Errorf("its state cannot be asked for: %w", err)
	}
	s.last = state
	switch {
	// failed is final: systemd has given up its restarts.
	case state.Active == "failed":
		return false, fmt.Errorf("failed: %s", state)
	// These are results of systemd's job for the start (D-Bus API, JobRemoved). "done" and "failed" are judged by the state.
	case slices.Contains([]string{"canceled", "dependency", "timeout", "assert", "unsupported"}, s.result):
		return false, fmt.Errorf("was not started, and the reason is %q", s.result)
	case state.Restarts-s.begun > mostRestarts:
		return false, fmt.Errorf("ends again and again, %d times so far: %s", state.Restarts-s.begun, state)
	case state.Active == "active" || state.Active == "reloading":
		return s.settled(), nil
	case state.Active == "inactive" && s.result != "":
		return s.ended()
	}
	s.since = time.Time{}
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
	return time.Since(s.since) >= settle
}

// ended judges a unit that does not run and has not failed. Ending is right for a oneshot unit and wrong for any other type.
func (s *start) ended() (bool, error) {
	switch {
	// An unmet condition (ConditionPathExists= and others) is not a failure for systemd either.
	case s.last.Unmet, s.last.Type == "oneshot" && s.last.Result == "success":
		return true, nil
	case s.last.Type != "":
		return false, fmt.Errorf("ended right after it was started (%s): a unit that is meant to end says Type=oneshot", s.last)
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
