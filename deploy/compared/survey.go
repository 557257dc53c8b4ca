package compared

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
)

// Survey reads the states of stacks, all of a region by one listing, and the items. Regions are read side by side. Afterwards
// stacks.Get answers for these stacks without a call. A region with a handful of stacks is left to calls by name, and so is one that
// cannot be listed.
//
// A stack that has an item and is missing in the listing is asked for by name. CloudFormation may list a stack late, and a deployed
// stack must not be taken for a new one. Without an item, a stack that CloudFormation lists late would be refused when deploy wants to
// create it, and is then read by name.
//
// It returns for each region without items the reason, nil for an orbit whose tables stack has none yet. No error ends the work:
// without items, or without a listing, everything is compared in full.
func (r *Register) Survey(ctx context.Context, stacks *live.Stacks, refs []assembly.StackRef, handful int) map[string]error {
	var mu sync.Mutex
	without := map[string]error{}
	var wait sync.WaitGroup
	for region, names := range beyond(refs, handful) {
		wait.Go(func() {
			err := r.surveyRegion(ctx, stacks, region, names)
			if err == nil || isAbsent(err) {
				r.use(region)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			without[region] = err
		})
	}
	wait.Wait()
	return without
}

// Read reads the items of stacks that the caller has listed itself. It tells nothing: without items everything is compared in full.
func (r *Register) Read(ctx context.Context, refs []assembly.StackRef) {
	var wait sync.WaitGroup
	for region := range beyond(refs, Handful) {
		wait.Go(func() { _, _ = r.read(ctx, region) })
	}
	wait.Wait()
}

// beyond returns the names of the stacks by region, without the regions that have a handful.
func beyond(refs []assembly.StackRef, handful int) map[string][]string {
	byRegion := map[string][]string{}
	for _, ref := range refs {
		byRegion[ref.Region] = append(byRegion[ref.Region], ref.Name)
	}
	maps.DeleteFunc(byRegion, func(_ string, names []string) bool { return len(names) <= handful })
	return byRegion
}

// surveyRegion lists a region and reads its items at the same time. The error is that of the items.
func (r *Register) surveyRegion(ctx context.Context, stacks *live.Stacks, region string, names []string) error {
	var known map[string]bool
	var unread error
	var wait sync.WaitGroup
	wait.Go(func() { known, unread = r.read(ctx, region) })
	found, err := stacks.Listed(ctx, region, names)
	wait.Wait()
	if err != nil {
		return unread // each stack is asked for by name when it is needed
	}
	late := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return found[name] != nil || !known[name]
	})
	stacks.Remember(region, names, found)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(schedule.DefaultConcurrency)
	for _, name := range late {
		stacks.Forget(assembly.StackRef{Region: region, Name: name}) // an error of this call comes again when the stack is needed
		work.Go(func() error {
			_, _ = stacks.Get(ctx, assembly.StackRef{Region: region, Name: name})
			return nil
		})
	}
	_ = work.Wait()
	return unread
}
