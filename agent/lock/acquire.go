package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// Repeat says what becomes of work whose owner died while it ran.
type Repeat bool

// Work that may run twice is repeated by the next owner. The other kind ends as Unknown.
const (
	MayRepeat    Repeat = true
	MustNotAgain Repeat = false
)

// Acquire waits until this owner holds the lock, or the work has ended elsewhere. It returns nil and the record in the latter
// case. Waiting is told of each other holder once.
func (t Table) Acquire(ctx context.Context, name string, repeat Repeat, waiting func(Record)) (*Held, Record, error) {
	sent := time.Now()
	now, ok, err := t.write(ctx, name, t.claim(1), absent())
	if err != nil {
		return nil, Record{}, err
	}
	var seen Record
	var since time.Time // when the lock was first seen as it is; Go compares it by the monotonic clock
	for {
		switch {
		// A call whose answer was lost is repeated by the SDK, and then finds this owner's own item.
		case ok, now.Owner == t.Owner && !now.State.Ended():
			return &Held{t, now, sent}, now, nil
		case now.State.Ended():
			return nil, now, nil
		case now.State == "" && now.Name != "":
			return nil, now, t.odd(name)
		case now.State == "": // the item was deleted meanwhile
			sent = time.Now()
			now, ok, err = t.write(ctx, name, t.claim(1), absent())
		case now.Owner == "", now.sameHolder(seen) && time.Since(since) >= now.lease(t.Lease):
			sent = time.Now()
			before := now
			now, ok, err = t.succeed(ctx, before, repeat)
			if err == nil && !ok && now.sameHolder(before) {
				return nil, now, t.odd(name)
			}
		default:
			if now.Owner != seen.Owner {
				waiting(now)
			}
			if !now.sameHolder(seen) {
				seen, since = now, time.Now()
			}
			if err := pause(ctx, t.Lease/6); err != nil {
				return nil, now, fmt.Errorf("waited for the lock %s: %w", now, err)
			}
			now, err = t.read(ctx, name)
		}
		if err != nil {
			return nil, Record{}, err
		}
	}
}

// odd is the error about an item that another hand wrote: no condition of this package can hold for it.
func (t Table) odd(name string) error {
	return fmt.Errorf("the item %s in table %s is not one that spacel wrote: delete it", name, t.Name)
}

// succeed takes a lock over from a dead holder, or after a holder gave it back. Running work of the kind MustNotAgain ends as
// Unknown instead.
func (t Table) succeed(ctx context.Context, from Record, repeat Repeat) (Record, bool, error) {
	if from.State != Pending && repeat == MustNotAgain {
		note := fmt.Sprintf("%s stopped renewing the lock while the work ran, and nobody knows how the work ended", from.Owner)
		now, _, err := t.write(ctx, from.Name, item{attrState: text(string(Unknown)), attrNote: text(note)}, unchanged(from))
		return now, false, err
	}
	return t.write(ctx, from.Name, t.claim(from.Fence+1), unchanged(from))
}

// claim returns the attributes of a lock that this owner takes.
func (t Table) claim(fence int64) item {
	change := item{
		attrState: text(string(Pending)),
		attrOwner: text(t.Owner),
		attrFence: number(fence),
		attrBeat:  number(0),
		attrLease: number(int64(t.Lease / time.Second)),
		attrUntil: number(time.Now().Add(t.Lease).Unix()),
		attrNote:  nil,
	}
	if t.Keep > 0 {
		change[document.LockExpires] = number(time.Now().Add(t.Keep).Unix())
	}
	return change
}

// pause waits. It returns the cause when ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
