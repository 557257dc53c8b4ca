package history

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// Target is the release for a rollback to deploy again in one region.
type Target struct {
	Record Record
	Newer  []Entry  // the records with tasks above it, the newest first: the rollback undoes these releases, and none of their tasks
	Notes  []string // about records and updates that the choice could not go by

	// Unfinished means that the newest release is a rollback to this one which did not end well: it is done again.
	Unfinished bool
}

// ErrNoRelease is the error for an app without a record in a region.
var ErrNoRelease = errors.New("no release is recorded")

// lookThrough is how many of a region's releases a rollback looks through.
const lookThrough = 200

// Find returns the release to go back to. With a number it is that release. With 0 it is the last good one: the newest, if a later release
// did not end well, or if somebody changed the stack after it without a record; else the good one before it with other content. After a
// rollback that did not end well it is that one's release, so the same command goes on. Changed is when the deployed stack was changed
// last. Untrusted records are never taken.
func (s *Store) Find(ctx context.Context, app string, number int, changed time.Time) (Target, error) {
	items, err := s.newest(ctx, app, question{limit: lookThrough})
	if err != nil {
		return Target{}, err
	}
	if len(items) == 0 {
		return Target{}, fmt.Errorf("%w of %s in %s", ErrNoRelease, app, s.Region())
	}
	if number > 0 {
		return s.numbered(ctx, items, app, number)
	}
	return s.lastGood(ctx, items, app, changed)
}

// numbered returns the release of a number, if it ended well. Items are the newest ones, which need not reach down to that number.
func (s *Store) numbered(ctx context.Context, items []item, app string, number int) (Target, error) {
	e, there, err := s.Get(ctx, app, number)
	if err != nil {
		return Target{}, err
	}
	newer := items[:0:0]
	for _, each := range items {
		if n, ok := numberOf(textOf(each, document.ReleaseID)); ok && n > number {
			newer = append(newer, each)
		}
	}
	switch {
	case !there:
		return Target{}, noNumber{fmt.Sprintf("%s has no release %d in %s: spacel releases %s lists them; --region leaves regions out", app,
			number, s.Region(), app)}
	case !e.Trusted():
		return Target{}, fmt.Errorf("release %d of %s in %s is not trusted: %s", number, app, s.Region(), e.Problem)
	case e.Outcome != Good:
		outcome, err := s.settled(ctx, newer, app, e)
		if err != nil {
			return Target{}, err
		}
		return Target{}, fmt.Errorf("release %d of %s in %s is %s, and only a good one can be deployed again", number, app, s.Region(),
			outcome)
	}
	t := Target{Record: e.Record}
	if len(newer) == lookThrough {
		t.Notes = []string{fmt.Sprintf("of the releases after %d in %s only the last %d were looked through for tasks", number, s.Region(),
			lookThrough)}
	}
	return t, s.addNewer(ctx, &t, newer, app)
}

// settled returns the outcome that the list of releases shows: interrupted for a release without an end after which another has ended.
func (s *Store) settled(ctx context.Context, newer []item, app string, e Entry) (Outcome, error) {
	if e.Outcome.Ended() {
		return e.Outcome, nil
	}
	entries, err := s.readAll(ctx, app, newer)
	entries = append(entries, e)
	settle(entries)
	return entries[len(entries)-1].Outcome, err
}

// addNewer adds the releases that a rollback undoes. Only their tasks are of interest, so the others stay unverified and are left out.
func (s *Store) addNewer(ctx context.Context, t *Target, newer []item, app string) (err error) {
	t.Newer, err = s.readAll(ctx, app, slices.DeleteFunc(newer, func(i item) bool { return len(s.unverified(app, i).Tasks) == 0 }))
	return err
}

// Each signature costs a call of KMS. So records are verified from the newest on, a few at a time, until the release is found.

// verified returns the entries of items, the newest first. Its error is in *failed.
func (s *Store) verified(ctx context.Context, app string, items []item, failed *error) iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		// The last good release is mostly the newest or the one before.
		for from, n := 0, 2; from < len(items); from, n = from+n, verifiers {
			entries, err := s.readAll(ctx, app, items[from:min(from+n, len(items))])
			if err != nil {
				*failed = err
				return
			}
			for i, e := range entries {
				if !yield(from+i, e) {
					return
				}
			}
		}
	}
}

// lastGood chooses among the items, the newest first.
func (s *Store) lastGood(ctx context.Context, items []item, app string, changed time.Time) (Target, error) {
	t := Target{}
	var newest *Record
	var failed error
	take := func(e Entry, i int) (Target, error) {
		t.Record = e.Record
		return t, s.addNewer(ctx, &t, slices.Clone(items[:i]), app)
	}
	for i, e := range s.verified(ctx, app, items, &failed) {
		switch {
		case !e.Trusted():
			t.Notes = append(t.Notes, fmt.Sprintf("release %d in %s is not trusted, and not used: %s", e.Number, s.Region(), e.Problem))
		case newest == nil && e.Outcome == Good && !unrecorded(e, changed):
			newest = &e.Record // it is deployed
		case newest == nil && e.Outcome == Good:
			t.Notes = append(t.Notes, fmt.Sprintf("the stack in %s was changed at %s, after release %d and without a record", s.Region(),
				changed.UTC().Format(time.RFC3339), e.Number))
			return take(e, i)
		case newest == nil && e.Again > 0: // a rollback that did not end well
			return s.again(ctx, items, app, e.Record, t.Notes)
		case newest == nil: // a release that did not end well: the last good one repairs it
			newest = &Record{Number: e.Number}
		case e.Outcome == Good && e.Command != "rollback" && e.Number < below(*newest) && differs(e.Record, *newest):
			return take(e, i)
		}
	}
	if failed != nil {
		return Target{}, failed
	}
	// The notes name the records that were not used, and perhaps the one that the user means.
	return Target{}, fmt.Errorf("there is no good release of %s in %s to go back to: %sspacel releases %s lists them", app, s.Region(),
		strings.Join(append(t.Notes, ""), "; "), app)
}

// again returns the release of a rollback that did not end well.
func (s *Store) again(ctx context.Context, items []item, app string, unfinished Record, notes []string) (Target, error) {
	t, err := s.numbered(ctx, items, app, unfinished.Again)
	t.Unfinished = true
	t.Notes = slices.Concat(notes, t.Notes, []string{fmt.Sprintf("release %d in %s, a rollback to release %d, did not end well: the same "+
		"again; --to chooses another release", unfinished.Number, s.Region(), unfinished.Again)})
	return t, err
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
	return e.Stack != nil && !changed.IsZero() && !e.leftStackAt(changed)
}

// Same reports whether two records are of one release of the app, perhaps of two runs: their numbers or their artifacts and versions
// are equal. A record without an artifact has only its number.
func (r Record) Same(other Record) bool {
	if r.Artifact == nil || other.Artifact == nil {
		return r.Number == other.Number
	}
	return r.Number == other.Number && r.ID == other.ID || r.Artifact.Digest == other.Artifact.Digest && r.Version == other.Version
}

// ErrNoNumber is the error for a region without a release of a number.
var ErrNoNumber = errors.New("there is no such release")

// noNumber is ErrNoNumber with a text.
type noNumber struct{ text string }

func (n noNumber) Error() string        { return n.text }
func (n noNumber) Is(target error) bool { return target == ErrNoNumber }

// differs reports whether two releases have another content: a redeploy of the same has not, since only its token differs.
func differs(a, b Record) bool {
	without := func(r Record) map[string]string {
		kept := maps.Clone(r.Parameters)
		delete(kept, document.ParameterToken)
		return kept
	}
	return a.Template != b.Template || !maps.Equal(without(a), without(b))
}
