package logs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pebble/spacel/deploy/cloud"
)

// maxDelay is how much later than its time a line may come to be read.
const maxDelay = 30 * time.Second

// Reader reads several groups, each line once.
type Reader struct {
	cloud   *cloud.Cloud
	groups  []Group
	pattern string
	since   time.Time
	seen    map[string]time.Time // of lines that may be read again: id → time
}

// NewReader reads lines from a time on that match a filter pattern of CloudWatch Logs; "" matches all.
func NewReader(c *cloud.Cloud, groups []Group, since time.Time, pattern string) *Reader {
	return &Reader{cloud: c, groups: groups, pattern: pattern, since: since, seen: map[string]time.Time{}}
}

// Next gives the lines of all groups that were not given yet, oldest first. What one group refuses does not keep the others'
// lines back.
func (r *Reader) Next(ctx context.Context) ([]Line, error) {
	read := make([][]Line, len(r.groups))
	errs := make([]error, len(r.groups))
	var wait sync.WaitGroup
	for i, g := range r.groups {
		wait.Go(func() { read[i], errs[i] = g.Read(ctx, r.cloud, r.since, r.pattern) })
	}
	wait.Wait()
	var fresh []Line
	for _, line := range slices.Concat(read...) {
		if _, known := r.seen[line.Region+line.id]; !known {
			r.seen[line.Region+line.id] = line.Time
			fresh = append(fresh, line)
		}
	}
	slices.SortStableFunc(fresh, func(a, b Line) int { return a.Time.Compare(b.Time) })
	r.advanceSince(fresh)
	return fresh, errors.Join(errs...)
}

// advanceSince moves on to the newest line, less what may come late.
func (r *Reader) advanceSince(fresh []Line) {
	if len(fresh) == 0 {
		return
	}
	if from := fresh[len(fresh)-1].Time.Add(-maxDelay); from.After(r.since) {
		r.since = from
	}
	for id, at := range r.seen {
		if at.Before(r.since) {
			delete(r.seen, id)
		}
	}
}
