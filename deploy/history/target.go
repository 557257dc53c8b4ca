package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// Target is the release for a rollback to deploy again in one region.
type Target struct {
	Record Record
	Newer  []Entry  // the records above it, the newest first: those that the rollback undoes
	Notes  []string // about records and updates that the choice could not go by
}

// ErrNoRelease is the error for an app without a record in a region.
var ErrNoRelease = errors.New("no release is recorded")

// lookThrough is how many of a region's releases a rollback knows.
const lookThrough = 200

// Find returns the release to go back to. With a number it is that release. With 0 it is the last good one: the newest, if a later release
// did not end well, or if somebody changed the stack after it without a record; else the good one before it with other content. Changed is
// when the deployed stack was changed last. Untrusted records are never taken.
func (s *Store) Find(ctx context.Context, app string, number int, changed time.Time) (Target, error) {
	entries, err := s.List(ctx, app, lookThrough)
	if err != nil {
		return Target{}, err
	}
	if len(entries) == 0 {
		return Target{}, fmt.Errorf("%w of %s in %s", ErrNoRelease, app, s.Region())
	}
	settle(entries)
	if number > 0 {
		return s.numbered(entries, app, number)
	}
	return s.lastGood(entries, app, changed)
}

// numbered returns the release of a number, if it ended well.
func (s *Store) numbered(entries []Entry, app string, number int) (Target, error) {
	for i, e := range entries {
		switch {
		case e.Number != number:
		case !e.Trusted():
			return Target{}, fmt.Errorf("release %d of %s in %s is not trusted: %s", number, app, s.Region(), e.Problem)
		case e.Outcome != Good:
			return Target{}, fmt.Errorf("release %d of %s in %s is %s, and only a good one can be deployed again", number, app, s.Region(),
				e.Outcome)
		default:
			return Target{Record: e.Record, Newer: entries[:i]}, nil
		}
	}
	return Target{}, fmt.Errorf("%s has no release %d in %s: spacel releases %s lists them; --region leaves regions out", app, number,
		s.Region(), app)
}

// lastGood chooses among the entries, the newest first.
func (s *Store) lastGood(entries []Entry, app string, changed time.Time) (Target, error) {
	t := Target{}
	var newest *Entry
	for i, e := range entries {
		switch {
		case !e.Trusted():
			t.Notes = append(t.Notes, fmt.Sprintf("release %d in %s is not trusted, and not used: %s", e.Number, s.Region(), e.Problem))
		case newest == nil && e.Outcome == Good && !unrecorded(e, changed):
			newest = &entries[i] // it is deployed
		case newest == nil && e.Outcome == Good:
			t.Notes = append(t.Notes, fmt.Sprintf("the stack in %s was changed at %s, after release %d and without a record", s.Region(),
				changed.UTC().Format(time.RFC3339), e.Number))
			return t.take(entries, i), nil
		case newest == nil: // a release that did not end well: the last good one repairs it
			newest = &Entry{Record: Record{Number: e.Number}}
		case e.Outcome == Good && e.Command != "rollback" && e.Number < below(newest.Record) && differs(e.Record, newest.Record):
			return t.take(entries, i), nil
		}
	}
	return Target{}, fmt.Errorf("there is no good release of %s in %s to go back to: spacel releases %s lists them", app, s.Region(), app)
}

// take makes an entry the target.
func (t Target) take(entries []Entry, i int) Target {
	t.Record, t.Newer = entries[i].Record, entries[:i]
	return t
}

// below returns the number under which a rollback looks. After a rollback to release 9, the next one goes on below 9.
func below(newest Record) int {
	if newest.Again > 0 {
		return newest.Again
	}
	return newest.Number
}

// unrecorded reports whether the stack was changed after a release by something that wrote no record.
func unrecorded(e Entry, changed time.Time) bool {
	return e.Stack != nil && !changed.IsZero() && !e.Stack.Changed.Equal(changed)
}

// differs reports whether two releases have another content: a redeploy of the same has not, since only its token differs.
func differs(a, b Record) bool {
	without := func(r Record) map[string]string {
		kept := maps.Clone(r.Parameters)
		delete(kept, document.ParameterToken)
		return kept
	}
	return a.Template != b.Template || !maps.Equal(without(a), without(b))
}
