package live

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// DefaultPoll is the time between two looks at a running operation.
const DefaultPoll = 3 * time.Second

// ErrDetached ends the following of an operation that goes on, after Control.Detach.
var ErrDetached = errors.New("left running")

// Operation is an operation that CloudFormation carries out on a stack: a creation, an update, a deletion or a rollback.
type Operation struct {
	Ref     assembly.StackRef
	StackID string
	Mark    string // id of the last event before it; empty: all of the stack's events belong to it

	// Creates says that CloudFormation deletes the stack when its creation fails (OnStackFailure DELETE). The failed states are
	// then not the end.
	Creates bool
	Undo    func(context.Context) error // begins to undo it, after Control.Cancel; nil: it cannot be undone
	Secrets Secrets                     // hidden in the reasons of its events
	Origins map[string]string           // logical id → file:line:col in the manifests; may be nil
}

// Ending is the end of an operation.
type Ending struct {
	Status    types.StackStatus // DELETE_COMPLETE: the stack is gone
	Reason    string            // of the status, masked
	Events    []Event           // of the operation, oldest first, with masked reasons
	Cancelled bool              // by Control.Cancel
}

// IsGone reports whether the operation left no stack.
func (e Ending) IsGone() bool { return e.Status == types.StackStatusDeleteComplete }

// Follower follows operations to their end, and reports their events. It may follow several at a time.
type Follower struct {
	Stacks  *Stacks
	Control *activity.Control
	Tell    activity.Listener // called from the goroutines that follow: see activity.Serial
	Poll    time.Duration     // between two looks; 0: DefaultPoll
}

// WaitUntilIdle follows the operations that somebody else began on a stack until none goes on. It returns the stack as it is
// then, nil if there is none. The argument is the stack as read last.
func (f *Follower) WaitUntilIdle(ctx context.Context, stack *Stack, secrets Secrets, origins map[string]string) (*Stack, error) {
	for stack.Busy() {
		going, err := f.Stacks.Ongoing(ctx, stack)
		if err != nil {
			return nil, err
		}
		f.Tell(activity.Event{
			Kind: activity.Waiting, Region: stack.Region, Stack: stack.Name, Status: string(stack.Status), Reason: going.String(),
		})
		o := Operation{Ref: stack.StackRef, StackID: stack.ID, Mark: going.Last, Secrets: secrets, Origins: origins}
		if _, err := f.Follow(ctx, o); err != nil {
			return nil, err
		}
		if stack, err = f.Stacks.Refresh(ctx, stack.StackRef); err != nil {
			return nil, err
		}
	}
	return stack, nil
}

// Follow reports an operation's events until it has ended. A look at the events is one call. The stack itself is asked only when
// the events name an idle state, or when there are none for a while. With an error the operation goes on: ErrDetached, the context's
// error, or a failure of AWS or the network.
func (f *Follower) Follow(ctx context.Context, o Operation) (Ending, error) {
	w := &watch{Follower: f, Operation: o, since: time.Now(), seen: map[string]bool{}, stalls: stalls{}}
	for {
		if err := w.wait(ctx); err != nil {
			return Ending{}, err
		}
		if err := w.fetch(ctx); err != nil {
			return Ending{}, err
		}
		if !w.mayHaveEnded() {
			continue
		}
		stack, err := f.Stacks.ByID(ctx, o.Ref.Region, o.StackID)
		if err != nil {
			return Ending{}, err
		}
		if w.hasEnded(stack) {
			return w.ending(stack), nil
		}
	}
}

// watch is the state of following one operation.
type watch struct {
	*Follower
	Operation
	since     time.Time // when following began
	seen      map[string]bool
	events    []Event // oldest first
	quiet     int     // looks without a new event
	lingering int     // looks at a failed creation that CloudFormation did not begin to delete
	cancelled bool
	stalls    stalls
}

// patience is how many looks without a new event there may be before the stack itself is asked.
const patience = 3

// beginPatience is how long an operation may take to begin after CloudFormation accepted it. As a rule it takes seconds.
const beginPatience = 5 * time.Minute

// mayHaveEnded reports whether it is time to ask the stack: its own newest event names a state in which no operation goes on, or
// there were no events for some looks.
func (w *watch) mayHaveEnded() bool {
	if w.quiet >= patience {
		w.quiet = 0
		return true
	}
	for _, e := range slices.Backward(w.events) {
		if e.OfStack {
			if idle := !(&Stack{Status: types.StackStatus(e.Status)}).Busy(); idle {
				w.quiet = 0
				return true
			}
			return false
		}
	}
	return false
}

// hasBegun is the one place that decides whether the operation has begun. A stack that holds a change set only stays
// REVIEW_IN_PROGRESS until its creation begins. In every other state the operation counts as begun, for nothing is followed
// before CloudFormation accepted it.
func (w *watch) hasBegun(s *Stack) bool {
	return s == nil || s.Status != types.StackStatusReviewInProgress || w.cancelled // a cancelled creation may be back there
}

// hasEnded is the one place that decides whether the operation has ended, by the stack as it was just read: it has when the
// stack is gone, or is in a state that lasts.
func (w *watch) hasEnded(s *Stack) bool {
	switch {
	case s == nil:
		return true
	case s.Busy():
		return false
	case !w.hasBegun(s):
		return time.Since(w.since) > beginPatience
	case w.Creates && isFailedCreation(s.Status):
		// CloudFormation passes through this state before it deletes the stack. If it does not go on, it is the end after all.
		w.lingering++
		return w.lingering > 2*patience
	}
	return true
}

// isFailedCreation reports whether a creation failed, and CloudFormation has not begun to delete the stack.
func isFailedCreation(s types.StackStatus) bool {
	return s == types.StackStatusCreateFailed || s == types.StackStatusRollbackComplete
}

func (w *watch) ending(s *Stack) Ending {
	end := Ending{Status: types.StackStatusDeleteComplete, Events: w.events, Cancelled: w.cancelled}
	if s != nil {
		end.Status, end.Reason = s.Status, w.Secrets.MaskReason(s.Reason)
	}
	return end
}

// wait sleeps until the next look. A request to cancel or to detach ends the sleep.
func (w *watch) wait(ctx context.Context) error {
	cancel := w.Control.Cancelled()
	if w.cancelled || w.Undo == nil {
		cancel = nil // a nil channel is never ready
	}
	timer := time.NewTimer(w.poll())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.Control.Detached():
		return ErrDetached
	case <-cancel:
		w.cancel(ctx)
		return nil
	case <-timer.C:
		return nil
	}
}

func (f *Follower) poll() time.Duration {
	if f.Poll <= 0 {
		return DefaultPoll
	}
	return f.Poll
}

// Pause waits until it is time to look again. The error is ErrDetached or the context's.
func (f *Follower) Pause(ctx context.Context) error {
	return (&watch{Follower: f}).wait(ctx)
}

// cancel begins to undo the operation. If it has ended meanwhile, or cannot be undone any more, it is followed to its end.
func (w *watch) cancel(ctx context.Context) {
	w.cancelled = true
	if err := w.Undo(ctx); err != nil {
		w.tell(activity.Event{Kind: activity.Warning, Reason: "cancel: " + err.Error()})
	}
}

// fetch reads the new events and reports them.
func (w *watch) fetch(ctx context.Context) error {
	fresh, err := w.Stacks.EventsAfter(ctx, w.Ref, w.StackID, func(e Event) bool { return e.ID == w.Mark || w.seen[e.ID] })
	if err != nil {
		return err
	}
	now := time.Now()
	for _, e := range fresh {
		e.Reason = w.Secrets.MaskReason(e.Reason)
		w.seen[e.ID] = true
		w.events = append(w.events, e)
		w.stalls.note(e, now)
		w.report(e)
	}
	w.warnOfStalls(now)
	w.quiet++
	if len(fresh) > 0 {
		w.quiet = 0
	}
	return nil
}

func (w *watch) report(e Event) {
	event := activity.Event{
		Time: e.Time, Kind: activity.Resource, Resource: e.Resource, Type: e.Type, Status: e.Status, Reason: e.Reason,
		Origin: w.Origins[e.Resource],
	}
	if e.OfStack {
		event.Resource = ""
	}
	w.tell(event)
}

// tell reports an event of the operation's stack.
func (w *watch) tell(e activity.Event) {
	e.Region, e.Stack = w.Ref.Region, w.Ref.Name
	w.Tell(e)
}
