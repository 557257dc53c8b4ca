package history

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// NewID returns the id of a new release.
func NewID() string { return strings.ToLower(rand.Text()) }

// Writer writes the records of one release in all of its regions. All of them have the same number. Two runs at the same time get
// different ones: DynamoDB lets one of them write first in a shared region, and the other takes the next number in all regions.
// It closes its own records under the taken number. Writer is safe for concurrent use.
type Writer struct {
	mu     sync.Mutex
	places []*place
}

// place is the record of a release in one region, with its way to the store.
type place struct {
	store  *Store
	record Record
	state  placeState
}

type placeState int

const (
	toWrite placeState = iota // by Begin
	later                     // by Add: this run makes or updates the table
	written
	absent // the region has no table, so the release has no record there
)

// Region adds a region to the release, before Begin. With late the record is written by Add.
func (w *Writer) Region(s *Store, r Record, late bool) {
	p := &place{store: s, record: r}
	if late {
		p.state = later
	}
	w.places = append(w.places, p)
}

// next sets the next number in all records: one more than the highest in any of the regions. A region without a table counts as 0.
func (w *Writer) next(ctx context.Context) error {
	highest := 0
	for _, p := range w.places {
		n, err := p.store.Last(ctx, p.record.App)
		// An orbit older than records has neither table nor key, so nothing is signed for it.
		if errors.Is(err, ErrNoTable) && p.state == toWrite {
			p.state = absent
		}
		if err != nil && !errors.Is(err, ErrNoTable) {
			return err
		}
		highest = max(highest, n)
	}
	if highest >= maxNumber {
		return fmt.Errorf("app %s has a release %d, and there is no higher number: delete that record if nobody deployed it",
			w.places[0].record.App, highest)
	}
	for _, p := range w.places {
		p.record.Number = highest + 1
	}
	return nil
}

// attempts is how often other runs may take the number first.
const attempts = 20

// Begin numbers the records and writes the first ones.
func (w *Writer) Begin(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writeAll(ctx)
}

// writeAll gives the release a new number, and writes the records that are not for later. After a taken number it tries again.
func (w *Writer) writeAll(ctx context.Context) error {
	for range attempts {
		if err := w.next(ctx); err != nil {
			return err
		}
		err := w.writeOnce(ctx)
		if !errors.Is(err, ErrTaken) {
			return err
		}
		if err := w.withdraw(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("other deploys of app %s took the number of this release %d times: wait until they are done",
		w.places[0].record.App, attempts)
}

// writeOnce writes under the present number.
func (w *Writer) writeOnce(ctx context.Context) error {
	for _, p := range w.places {
		if p.state != toWrite {
			continue
		}
		if err := p.store.Add(ctx, p.record); err != nil {
			return err
		}
		p.state = written
	}
	return nil
}

// withdraw closes the records under a number that another run has taken in another region.
func (w *Writer) withdraw(ctx context.Context) error {
	for _, p := range w.places {
		if p.state != written {
			continue
		}
		r := p.record
		r.Outcome, r.Why = Interrupted, "another run took this number in another region: this release has a later one"
		if err := p.store.Change(ctx, r); err != nil {
			return err
		}
		p.state = toWrite
	}
	return nil
}

// Add writes a late record. It is ErrNoTable if there is still no table.
func (w *Writer) Add(ctx context.Context, region string, change func(*Record)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.place(region)
	change(&p.record)
	if _, err := p.store.Last(ctx, p.record.App); err != nil {
		if errors.Is(err, ErrNoTable) {
			p.state = absent
		}
		return err
	}
	err := p.store.Add(ctx, p.record)
	switch {
	case err == nil:
		p.state = written
	case errors.Is(err, ErrTaken):
		if err := w.withdraw(ctx); err != nil {
			return err
		}
		p.state = toWrite
		return w.writeAll(ctx)
	}
	return err
}

// Change writes a region's record again, as when the release ends there. A record never written stays so.
func (w *Writer) Change(ctx context.Context, region string, change func(*Record)) (Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.place(region)
	if p.state != written {
		return p.record, nil
	}
	change(&p.record)
	return p.record, p.store.Change(ctx, p.record)
}

// IsLate reports whether a region's record waits for Add.
func (w *Writer) IsLate(region string) bool { return w.is(region, later) }

// IsAbsent reports whether the release has no record in a region, because there is no table.
func (w *Writer) IsAbsent(region string) bool { return w.is(region, absent) }

// HasEnded reports whether the end of the release is recorded in a region, or no record was written there.
func (w *Writer) HasEnded(region string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.place(region)
	return p.state != written || p.record.Outcome.Ended()
}

func (w *Writer) is(region string, state placeState) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.place(region).state == state
}

// place returns the place of a region of the release.
func (w *Writer) place(region string) *place {
	return w.places[slices.IndexFunc(w.places, func(p *place) bool { return p.store.region.Name == region })]
}
