package compared

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	kms "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Handful is the number of stacks of a region up to which each is asked for by name. A listing would be cheaper from then on only in
// an account with few other stacks.
const Handful = 10

// Register has the items of an orbit during one run. It is safe for concurrent use.
type Register struct {
	cloud  *cloud.Cloud
	orbit  string
	verify bool // trusts no item

	mu      sync.Mutex
	uses    map[string]bool            // the regions with items, or with items as soon as there is a table
	stores  map[string]*store          // by region
	items   map[assembly.StackRef]Item // trusted ones
	checked map[assembly.StackRef]Item // found by a full comparison; written if the stack stays in this state
	proven  map[assembly.StackRef]Item // after an operation of this run, which was the stack's last one
}

// New returns an empty register. With verify no item is trusted, so that every stack is compared in full, and new items are written.
func New(c *cloud.Cloud, orbit string, verify bool) *Register {
	return &Register{cloud: c, orbit: orbit, verify: verify, uses: map[string]bool{}, stores: map[string]*store{},
		items: map[assembly.StackRef]Item{}, checked: map[assembly.StackRef]Item{}, proven: map[assembly.StackRef]Item{}}
}

// writePause is the time between two attempts to write items that DynamoDB did not take.
const writePause = 500 * time.Millisecond

// read reads the items of a region, and returns the names of all stacks with an item there, trusted or not.
func (r *Register) read(ctx context.Context, region string) (map[string]bool, error) {
	store, err := openStore(ctx, r.cloud.Region(region), r.orbit)
	if err != nil {
		return nil, err
	}
	items, names, err := store.read(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stores[region] = store
	for name, item := range items {
		r.items[assembly.StackRef{Region: region, Name: name}] = item
	}
	return names, nil
}

// isAbsent reports whether an error means that the orbit's tables stack is older than the items, or is not deployed.
func isAbsent(err error) bool {
	_, noTable := errors.AsType[*types.ResourceNotFoundException](err)
	_, noKey := errors.AsType[*kms.NotFoundException](err)
	return noTable || noKey
}

// Of returns the item of a stack's present state, false if there is none that can be trusted.
func (r *Register) Of(s *live.Stack) (Item, bool) {
	state, proves := stateOf(s)
	if !proves || r.verify {
		return Item{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	item, known := r.items[s.StackRef]
	return item, known && item.equal(state)
}

// use says that items of a region are written. The table may appear during the run.
func (r *Register) use(region string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uses[region] = true
}

// Uses reports whether items are written in a region.
func (r *Register) Uses(region string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.uses[region]
}

// Checked notes that a full comparison found a stack's template equal. The stack is as it was read before the comparison.
func (r *Register) Checked(s *live.Stack, template string, hidden map[string]string) {
	r.note(r.checked, s, template, hidden)
}

// Proven notes the template of a stack's last operation, which was this run's. The stack is as it was read after it.
func (r *Register) Proven(s *live.Stack, template string, hidden map[string]string) {
	r.note(r.proven, s, template, hidden)
}

// note takes an item into a list, unless the table has the same one.
func (r *Register) note(list map[assembly.StackRef]Item, s *live.Stack, template string, hidden map[string]string) {
	state, proves := stateOf(s)
	if !proves {
		return
	}
	item := Item{Format: Format, Stack: s.Name, State: state, Template: template}
	for name, version := range hidden {
		if version == "" {
			continue // its source has no version, so the next deploy asks CloudFormation about it
		}
		if item.Hidden == nil {
			item.Hidden = map[string]string{}
		}
		item.Hidden[name] = version
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.items[s.StackRef]; !r.uses[s.Region] || ok && known.same(item) {
		return
	}
	list[s.StackRef] = item
}

// KeepChecked writes the items of the stacks that were compared in full. Each region with such stacks is listed once more: a stack
// that is not in the same state any more may have changed during the comparison, and gets no item.
func (r *Register) KeepChecked(ctx context.Context, stacks *live.Stacks) error {
	return r.keep(ctx, r.checked, func(ctx context.Context, region string, items []Item) ([]Item, error) {
		names := make([]string, len(items))
		for i, item := range items {
			names[i] = item.Stack
		}
		now, err := stacks.Listed(ctx, region, names)
		return slices.DeleteFunc(items, func(item Item) bool {
			state, proves := stateOf(now[item.Stack])
			return !proves || !item.equal(state)
		}), err
	})
}

// KeepProven writes the items of the stacks that this run changed.
func (r *Register) KeepProven(ctx context.Context) error {
	return r.keep(ctx, r.proven, func(_ context.Context, _ string, items []Item) ([]Item, error) { return items, nil })
}

// keep writes a list's items in all regions at once, after another look at them, and empties the list.
func (r *Register) keep(ctx context.Context, list map[assembly.StackRef]Item,
	look func(context.Context, string, []Item) ([]Item, error)) error {
	r.mu.Lock()
	byRegion := map[string][]Item{}
	for _, ref := range slices.SortedFunc(maps.Keys(list), assembly.StackRef.Compare) {
		byRegion[ref.Region] = append(byRegion[ref.Region], list[ref])
	}
	clear(list)
	stores := maps.Clone(r.stores)
	r.mu.Unlock()
	regions := slices.Sorted(maps.Keys(byRegion))
	errs := make([]error, len(regions))
	var wait sync.WaitGroup
	for i, region := range regions {
		wait.Go(func() {
			items, err := look(ctx, region, byRegion[region])
			if err == nil && len(items) > 0 {
				err = r.write(ctx, region, stores[region], items)
			}
			if !isAbsent(err) {
				errs[i] = err
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// write writes items of a region. A store that could not be opened before is tried again, since this run may have made the table.
func (r *Register) write(ctx context.Context, region string, s *store, items []Item) (err error) {
	if s == nil {
		if s, err = openStore(ctx, r.cloud.Region(region), r.orbit); err != nil {
			return err
		}
	}
	return s.write(ctx, items)
}
