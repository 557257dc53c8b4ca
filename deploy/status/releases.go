package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
)

// Release is a release of an app in one region, by its record.
type Release struct {
	Number  int             `json:"number"`
	Version string          `json:"version,omitempty"` // of the app
	Outcome history.Outcome `json:"outcome,omitempty"` // absent of a record that is not trusted
	Since   *time.Time      `json:"since,omitempty"`   // when the release ended, or began if it has not ended
	By      string          `json:"by,omitempty"`      // the ARN of the caller
	Why     string          `json:"why,omitempty"`     // one line, when the outcome is not good

	// Problem says why the record is not trusted. Only the number of such a release is certain.
	Problem string `json:"problem,omitempty"`
}

// mostApps is the greatest number of apps of a region whose records are read. Each costs a Query and a VerifyMac.
const mostApps = 50

// readers is the number of apps of a region that are read at a time.
const readers = 8

// addReleases adds the last releases to the stacks of one region. It returns what could not be read: the stacks' states are known
// without it, as with the health of instances.
func addReleases(ctx context.Context, c *cloud.Cloud, region, orbit string, kept bool, stacks []*Stack) (note string, err error) {
	switch {
	case !kept:
		return fmt.Sprintf("%s: releases are not known: %s has no table of releases: deploy the orbit's own stacks once", region,
			document.StackName(orbit, document.StackTables)), nil
	case len(stacks) > mostApps:
		return fmt.Sprintf("%s: the last releases of %d apps are not read, only those of up to %d: choose some with --app", region,
			len(stacks), mostApps), nil
	}
	store := history.Open(c, orbit, region)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(readers)
	for _, stack := range stacks {
		work.Go(func() error { return stack.addRelease(ctx, store) })
	}
	switch err := work.Wait(); {
	case errors.Is(err, history.ErrNoTable):
		return fmt.Sprintf("%s: releases are not known: %v", region, err), nil
	case cloud.IsDenied(err):
		return fmt.Sprintf("%s: releases are not known: %v", region, err), nil
	default:
		return "", err
	}
}

// addRelease adds what the records say about a stack.
func (s *Stack) addRelease(ctx context.Context, store *history.Store) error {
	var changed time.Time
	if s.Changed != nil {
		changed = *s.Changed
	}
	found, there, err := store.Latest(ctx, s.App, s.version, changed)
	if err != nil || !there {
		return err
	}
	s.LastRelease = releaseOf(found.Newest)
	if found.Running != nil {
		s.Release = releaseOf(history.Entry{Record: *found.Running})
	}
	switch {
	case s.State == Busy:
	case found.Unrecorded:
		s.LastRelease.Why = fmt.Sprintf("the stack was changed at %s without a record", changed.UTC().Format(time.RFC3339))
	case s.LastRelease.Outcome == history.Running:
		s.LastRelease.Why = "CloudFormation runs no operation: the run waits, or was killed"
	case s.LastRelease.Outcome == history.Waiting:
		s.LastRelease.Why = "an earlier wave of regions has its turn, or the run was killed"
	}
	return nil
}

// releaseOf returns the facts of a record. A record that is not trusted has a number only: somebody may have forged the rest.
func releaseOf(e history.Entry) *Release {
	if !e.Trusted() {
		return &Release{Number: e.Number, Problem: e.Problem}
	}
	since := e.Began.Add(time.Duration(e.Seconds * float64(time.Second))).Truncate(time.Second)
	return &Release{Number: e.Number, Version: e.Version, Outcome: e.Outcome, Since: &since, By: e.By, Why: e.Why}
}
