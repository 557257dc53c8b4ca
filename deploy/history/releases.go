package history

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Release is one release of an app with its records of all regions, sorted by region.
type Release struct {
	Number  int
	ID      string
	Entries []Entry
}

// Regions are read side by side. A region whose DynamoDB does not answer fails the list: without it an old release could look like the
// newest. --region leaves it out.

// Releases reads the newest releases of an app from all regions at once, the newest first. Without lists the regions without a table
// of releases. The limit is that of each region.
func Releases(ctx context.Context, stores []*Store, app string, limit int) (found []Release, without []string, err error) {
	lists := make([][]Entry, len(stores))
	absent := make([]bool, len(stores))
	work, ctx := errgroup.WithContext(ctx)
	for i, s := range stores {
		work.Go(func() (err error) {
			if lists[i], err = s.List(ctx, app, limit); errors.Is(err, ErrNoTable) {
				absent[i], err = true, nil
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, nil, err
	}
	for i, s := range stores {
		if absent[i] {
			without = append(without, s.region.Name)
		}
		for j := range lists[i] {
			// A record that cannot be read does not say its region, and the table does.
			lists[i][j].Region = s.region.Name
		}
		settle(lists[i])
	}
	found = group(slices.Concat(lists...))
	return found[:min(len(found), limit)], without, nil
}

// settle marks records as interrupted whose run has died: a later release of the region has ended, and a stack has one operation at a
// time. The list is one region's, the newest first. Nobody writes these records again.
func settle(list []Entry) {
	ended := false
	for i, e := range list {
		if ended && e.Trusted() && !e.Outcome.Ended() {
			list[i].Outcome, list[i].Why = Interrupted, "the run ended without a word: a later release of this region has ended"
		}
		ended = ended || e.Trusted() && e.Outcome.Ended()
	}
}

// group joins the records of each release: those with the same number and id. Entries without trust join only their own number, since
// their id may be forged.
func group(all []Entry) []Release {
	type key struct {
		number int
		id     string
	}
	byKey := map[key]*Release{}
	var keys []key
	for _, e := range all {
		k := key{e.Number, e.ID}
		if !e.Trusted() {
			k.id = ""
		}
		if byKey[k] == nil {
			byKey[k] = &Release{Number: k.number, ID: k.id}
			keys = append(keys, k)
		}
		byKey[k].Entries = append(byKey[k].Entries, e)
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(b.number-a.number, cmp.Compare(a.id, b.id)) })
	releases := make([]Release, len(keys))
	for i, k := range keys {
		releases[i] = *byKey[k]
		slices.SortStableFunc(releases[i].Entries, func(a, b Entry) int { return cmp.Compare(a.Region, b.Region) })
	}
	return releases
}

// Outcome returns the release's outcome over all of its regions: the worst one, or how far it has come. It is "" when no record is
// trusted.
func (r Release) Outcome() Outcome {
	order := []Outcome{Failed, RolledBack, Interrupted, Running, Waiting, Good}
	worst := len(order)
	for _, e := range r.Entries {
		if e.Trusted() {
			worst = min(worst, slices.Index(order, e.Outcome))
		}
	}
	if worst < 0 || worst == len(order) {
		return ""
	}
	return order[worst]
}
