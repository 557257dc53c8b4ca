package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Snapshot is the content of one region's tables.
type Snapshot struct {
	Region   string
	Users    map[string][]string // name → keys, sorted
	Services map[string][]string // name → admins, sorted
}

// Read returns the tables of every region, in the order of the regions. It leaves out the regions which it could not
// read. The error names them and the reasons.
func (t *Tables) Read(ctx context.Context) ([]Snapshot, error) {
	var lock sync.Mutex
	read := map[string]Snapshot{}
	outcomes := t.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		found, err := in.snapshot(ctx)
		lock.Lock()
		defer lock.Unlock()
		read[in.region] = found
		return false, err
	})
	var good []Snapshot
	var failed []error
	for _, o := range outcomes {
		if o.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", o.Region, o.Err))
			continue
		}
		good = append(good, read[o.Region])
	}
	return good, errors.Join(failed...)
}

// snapshot reads both tables of one region.
func (t table) snapshot(ctx context.Context) (Snapshot, error) {
	people, err := t.all(ctx, users)
	if err != nil {
		return Snapshot{}, err
	}
	granted, err := t.all(ctx, services)
	return Snapshot{t.region, people, granted}, err
}

// Difference is an item of a table whose content differs between two regions.
type Difference struct {
	Table   string   `json:"table"`             // users or services
	Name    string   `json:"name"`              // the user's or the service's
	Missing []string `json:"missing,omitempty"` // strings only the model has
	Extra   []string `json:"extra,omitempty"`   // strings only this region has
	Absent  bool     `json:"-"`                 // the model has no item of this name
}

// Differences lists the changes that would make this region equal to the model, sorted by table and name.
func (s Snapshot) Differences(model Snapshot) []Difference {
	return slices.Concat(differences(users, s.Users, model.Users), differences(services, s.Services, model.Services))
}

// differences compares one of the two tables. Keys and rights are sets, so their order does not count.
func differences(k kind, have, want map[string][]string) []Difference {
	names := maps.Clone(have)
	maps.Copy(names, want)
	var found []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		_, wanted := want[name]
		d := Difference{Table: k.table, Name: name, Missing: without(want[name], have[name]), Extra: without(have[name], want[name]),
			Absent: !wanted}
		if d.Missing != nil || d.Extra != nil || d.Absent {
			found = append(found, d)
		}
	}
	return found
}

// without returns the words which are not among others, in their order; nil if there are none.
func without(words, others []string) (rest []string) {
	for _, word := range words {
		if !slices.Contains(others, word) {
			rest = append(rest, word)
		}
	}
	return rest
}

// Sync makes every other region equal to the model. It touches only the strings that differed when it read a region,
// so a key that somebody adds in the meantime stays.
func (t *Tables) Sync(ctx context.Context, model Snapshot) []Outcome {
	others := New(t.cloud, t.orbit, without(t.regions, []string{model.Region}))
	return others.inAllRegions(ctx, func(ctx context.Context, in table) (bool, error) {
		now, err := in.snapshot(ctx)
		if err != nil {
			return false, err
		}
		changes := now.Differences(model)
		for _, d := range changes {
			if err := in.apply(ctx, d); err != nil {
				return true, err
			}
		}
		return len(changes) > 0, nil
	})
}

// apply makes the changes of one difference. An item which the model lacks is removed only when its set is empty by
// then.
func (t table) apply(ctx context.Context, d Difference) error {
	k := users
	if d.Table == services.table {
		k = services
	}
	if len(d.Missing) > 0 {
		if _, err := t.add(ctx, k, d.Name, d.Missing); err != nil {
			return err
		}
	}
	if _, err := t.remove(ctx, k, d.Name, d.Extra); err != nil || !d.Absent {
		return err
	}
	return t.prune(ctx, k, d.Name)
}
