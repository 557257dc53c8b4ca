package history

import (
	"context"
	"slices"
	"time"
)

// Latest tells what the records say about an app's stack in one region.
type Latest struct {
	Newest  Entry   // the newest record, trusted or not
	Running *Record // the good release that the stack runs; nil when the records do not tell

	// Unrecorded means that the stack was changed after the newest release, by something that wrote no record.
	Unrecorded bool
}

// Latest returns the latest of an app, false if it has no record. Changed is when the deployed stack was changed last, and version its
// parameter of that name.
//
// A record holds the time of the stack's last change at the end of its release. The same time now means that the stack is as the
// record says. After a rollback by CloudFormation the stack is as after the good release before it, whose version it has.
func (s *Store) Latest(ctx context.Context, app, version string, changed time.Time) (l Latest, there bool, err error) {
	items, err := s.newest(ctx, app, question{limit: lookForGood})
	if err != nil || len(items) == 0 {
		return l, false, err
	}
	if l.Newest, err = s.read(ctx, app, items[0]); err != nil {
		return l, false, err
	}
	l.Unrecorded = l.Newest.Trusted() && l.Newest.Outcome.Ended() && unrecorded(l.Newest, changed)
	at := slices.IndexFunc(items, func(i item) bool { return s.unverified(app, i).leftStackAt(changed) })
	if at < 0 {
		return l, true, nil
	}
	e := l.Newest
	if at > 0 {
		if e, err = s.read(ctx, app, items[at]); err != nil {
			return l, false, err
		}
	}
	if e.Trusted() && e.Outcome == RolledBack {
		before, _, err := s.Before(ctx, app, e.Number)
		if err != nil {
			return l, false, err
		}
		e = before
	}
	if e.Trusted() && e.Outcome == Good && e.Version == version {
		l.Running = &e.Record
	}
	return l, true, nil
}

// leftStackAt reports whether a record says that the stack was changed last at a time.
func (e Entry) leftStackAt(changed time.Time) bool {
	return e.Stack != nil && !changed.IsZero() && e.Stack.Changed.Equal(changed)
}
