package live

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/deploy/cloud"
)

// Apps are the names of an orbit's deployed apps in these regions, sorted.
func Apps(ctx context.Context, c *cloud.Cloud, orbit string, regions []string) ([]string, error) {
	stacks := New(c)
	found := make([][]*Stack, len(regions))
	group, ctx := errgroup.WithContext(ctx)
	for i, region := range regions {
		group.Go(func() (err error) {
			found[i], err = stacks.List(ctx, region, orbit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var apps []string
	for _, stack := range slices.Concat(found...) {
		if app := stack.App(); app != "" && stack.Exists() {
			apps = append(apps, app)
		}
	}
	slices.Sort(apps)
	return slices.Compact(apps), nil
}
