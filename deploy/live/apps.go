package live

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pebble/spacel/deploy/cloud"
)

// Apps returns the names of an orbit's deployed apps in some regions, sorted. With an error for some of the regions it still
// returns the apps of the others.
func Apps(ctx context.Context, c *cloud.Cloud, orbit string, regions []string) ([]string, error) {
	stacks := New(c)
	found := make([][]*Stack, len(regions))
	errs := make([]error, len(regions))
	var wait sync.WaitGroup
	for i, region := range regions {
		wait.Go(func() { found[i], errs[i] = stacks.List(ctx, region, orbit) })
	}
	wait.Wait()
	var apps []string
	for _, stack := range slices.Concat(found...) {
		// The orbit's own stacks have no app, and a stack that only holds a change set is not deployed.
		if app := stack.App(); app != "" && stack.Exists() {
			apps = append(apps, app)
		}
	}
	slices.Sort(apps)
	return slices.Compact(apps), errors.Join(errs...)
}
