package lock

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Held is a lock that this owner holds.
type Held struct {
	table   Table
	record  Record
	renewed time.Time // when the last renewal was sent that succeeded
}

// Fence returns the fencing number.
func (h *Held) Fence() int64 { return h.record.Fence }

// Result is how the work ended. The state Pending gives the lock back, for another owner to take at once.
type Result struct {
	State State
	Note  string
}

// endWrite is how long the owner tries to write the end of the work. It renews the lock meanwhile.
const endWrite = 5 * time.Minute

// Run runs the work and writes how it ended. The work's context ends when the lock was lost or could not be renewed, so that the
// work stops before another owner begins. An error means an unwritten end: the work may then run again.
func (h *Held) Run(ctx context.Context, work func(ctx context.Context) Result) error {
	if err := h.change(ctx, item{attrState: text(string(Running))}); err != nil {
		return err
	}
	kept, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	stopped, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.renew(stopped, lose)
	}()
	result := work(kept)
	err := h.end(context.WithoutCancel(ctx), kept, result)
	stop()
	<-done
	return err
}

// renew renews the lock until ctx ends. It calls lose when another owner has the lock, or when most of the lease has passed
// without a renewal.
func (h *Held) renew(ctx context.Context, lose context.CancelCauseFunc) {
	for beat := int64(1); pause(ctx, h.table.Lease/4) == nil; beat++ {
		attempt, cancel := context.WithTimeout(ctx, h.table.Lease/4)
		sent := time.Now()
		err := h.change(attempt, item{attrBeat: number(beat), attrUntil: number(sent.Add(h.table.Lease).Unix())})
		cancel()
		switch {
		case err == nil:
			h.renewed = sent
		case errors.Is(err, errLost):
			lose(err)
			return
		case ctx.Err() == nil && time.Since(h.renewed) > h.table.Lease/2:
			lose(fmt.Errorf("the lock could not be renewed for %s: %w", time.Since(h.renewed).Round(time.Second), err))
		}
	}
}

// end writes how the work ended. kept is the context of the work: if it ended because the lock was lost, there is nothing to write.
func (h *Held) end(ctx, kept context.Context, r Result) error {
	if err := context.Cause(kept); errors.Is(err, errLost) {
		return err
	}
	change := item{attrState: text(string(r.State)), attrNote: nil}
	if r.Note != "" {
		change[attrNote] = text(r.Note)
	}
	if r.State == Pending {
		change[attrOwner] = nil
	}
	ctx, cancel := context.WithTimeout(ctx, endWrite)
	defer cancel()
	for {
		err := h.change(ctx, change)
		// Without an owner the item looks taken to a repeated call. The lock was given back all the same.
		if err == nil || errors.Is(err, errLost) && r.State == Pending {
			return nil
		}
		if errors.Is(err, errLost) || pause(ctx, time.Second) != nil {
			return fmt.Errorf("the end of %s (%s) could not be written, and it may run again: %w", h.record.Name, r.State, err)
		}
	}
}

// errLost says that another owner has the lock.
var errLost = errors.New("the lock was taken over")

// change writes attributes while this owner holds the lock.
func (h *Held) change(ctx context.Context, change item) error {
	now, ok, err := h.table.write(ctx, h.record.Name, change, held(h.table.Owner, h.record.Fence))
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: %s", errLost, now)
	}
	return nil
}
