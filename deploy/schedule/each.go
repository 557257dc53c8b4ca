package schedule

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Each calls do for the numbers below n, each of which is in a region. Regions are worked on side by side, with at most
// limit calls at a time in each; 0: DefaultConcurrency. The first error cancels the others, and Each returns it when all calls have
// returned.
func Each(ctx context.Context, n, limit int, region func(i int) string, do func(ctx context.Context, i int) error) error {
	byRegion := map[string][]int{}
	for i := range n {
		byRegion[region(i)] = append(byRegion[region(i)], i)
	}
	regions, ctx := errgroup.WithContext(ctx)
	for _, some := range byRegion {
		regions.Go(func() error {
			work, ctx := errgroup.WithContext(ctx)
			work.SetLimit(orDefault(limit))
			for _, i := range some {
				work.Go(func() error { return do(ctx, i) })
			}
			return work.Wait()
		})
	}
	return regions.Wait()
}

// orDefault returns a limit of stacks in each region, or the one for users who give none.
func orDefault(limit int) int {
	if limit <= 0 {
		return DefaultConcurrency
	}
	return limit
}
