package logs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pebble/spacel/deploy/cloud"
)

// maxDelay is the time that CloudWatch Logs may take until a line can be read. Instances send lines in batches, so a
// line can appear after a newer one of another instance.
const maxDelay = 30 * time.Second

// Reader reads several log groups again and again, and returns each line once.
type Reader struct {
	cloud   *cloud.Cloud
	groups  []Group
	pattern string
	since   time.Time
	seen    map[string]time.Time // region and event id → time, of lines that Next may read again
}

// NewReader reads the lines since a time that match a filter pattern of CloudWatch Logs; "" matches all.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func NewReader(c *cloud.Cloud, groups []Group, since time.Time, pattern string) *Reader {
	return &Reader{cloud: c, groups: groups, pattern: pattern, since: since, seen: map[string]time.Time{}}
}

// Next returns the lines of all groups which it has not returned yet, oldest first. A group that fails does not hold
// back the lines of the others.
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

// advanceSince moves the start of the next read to the newest line minus maxDelay, and forgets the ids of lines
// before it.
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
