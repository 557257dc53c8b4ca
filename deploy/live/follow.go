package live

import (
	"context"
	"errors"
	"fmt"
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

	// Token is the ClientRequestToken of the call that asked for it. CloudFormation accepts a call before it begins the operation,
	// and repeats the token in all events of the operation (API Reference, StackEvent). Empty for an operation of somebody else,
	// which was seen in progress.
	Token     string
	ChangeSet string // ARN of the executed change set, empty for other calls

	// Creates says that CloudFormation deletes the stack when its creation fails (OnStackFailure DELETE). The failed states are
	// then not the end.
	Creates bool
	Undo    func(context.Context) error // begins to undo it, after Control.Cancel; nil: it cannot be undone
	// UndoToken is the ClientRequestToken of Undo's call if that call asks for an operation of its own, as DeleteStack does.
	UndoToken string
	Secrets   Secrets           // hidden in the reasons of its events
	Origins   map[string]string // logical id → file:line:col in the manifests; may be nil
}

// Ending is the end of an operation.
type Ending struct {
	Status    types.StackStatus // DELETE_COMPLETE: the stack is gone
	Reason    string            // of the status, masked
	Events    []Event           // of the operation, oldest first, with masked reasons
	Cancelled bool              // by Control.Cancel
	Operation string            // CloudFormation's id of the operation, "" if its events have none
	Stack     *Stack            // as it was read after the end, nil if CloudFormation forgot it

	// NeverBegan says that CloudFormation accepted the call, and did not begin the operation as long as it was followed.
	NeverBegan bool
}

// IsGone reports whether the operation left no stack.
func (e Ending) IsGone() bool { return e.Status == types.StackStatusDeleteComplete }

// Follower follows operations to their end, and reports their events. It may follow several at a time.
type Follower struct {
	Stacks  *Stacks
	Control *activity.Control
	Tell    activity.Listener // called from the goroutines that follow: see activity.Serial
	Poll    time.Duration     // between two looks; 0: DefaultPoll

	// Patience is how long an accepted operation may take to begin; 0: DefaultPatience. Two shorter times are parts of it: see
	// lostPatience and noticeEvery.
	Patience time.Duration
}

// DefaultPatience is how long an operation may take to begin after CloudFormation accepted the call. As a rule it takes less than
// a second. DeleteStack was seen to begin later (github.com/dcos/dcos-launch/pull/113).
const DefaultPatience = 5 * time.Minute

// Waits returns how long the follower waits for an operation to begin.
func (f *Follower) Waits() time.Duration { return f.patience() }

// patience returns the time for an operation to begin. All other limits are fractions of it, so a test sets only one.
func (f *Follower) patience() time.Duration {
	if f.Patience <= 0 {
		return DefaultPatience
	}
	return f.Patience
}

// lostPatience is how long an operation is followed although AWS cannot be reached, or gives unusable answers.
func (f *Follower) lostPatience() time.Duration { return f.patience() / 5 }

// noticeEvery is the time between two lines of progress about an operation that did not begin, or cannot be followed.
func (f *Follower) noticeEvery() time.Duration { return f.patience() / 50 }

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
// error, or a failure of AWS or the network that lasted.
func (f *Follower) Follow(ctx context.Context, o Operation) (Ending, error) {
	now := time.Now()
	w := &watch{Follower: f, Operation: o, since: now, answered: now, noticed: now, seen: map[string]bool{}, stalls: stalls{}}
	for {
		if err := w.wait(ctx); err != nil {
			return Ending{}, err
		}
		end, err := w.look(ctx)
		if err == nil {
			w.answered = time.Now()
		} else if err = w.bear(ctx, err); err != nil {
			return Ending{}, err
		}
		if end != nil {
			return *end, nil
		}
	}
}

// look reads the news, and returns the ending if the operation has ended.
func (w *watch) look(ctx context.Context) (*Ending, error) {
	if err := w.fetch(ctx); err != nil {
		return nil, err
	}
	if !w.mayHaveEnded() {
		return nil, nil
	}
	stack, err := w.Stacks.ByID(ctx, w.Ref.Region, w.StackID)
	if err != nil {
		return nil, err
	}
	ended, err := w.hasEnded(ctx, stack)
	if err != nil || !ended {
		return nil, err
	}
	// The operation may have ended after the events were read. The cause of a failure is then in events that are not known yet.
	if !w.knowsEnd(stack) {
		if err := w.fetch(ctx); err != nil {
			return nil, err
		}
	}
	end := w.ending(stack)
	return &end, nil
}

// bear returns nil for an error that may pass: the operation goes on in CloudFormation meanwhile, so it is followed a while
// longer. A refusal, such as permission denied, would come again.
func (w *watch) bear(ctx context.Context, err error) error {
	now := time.Now()
	if ctx.Err() != nil || IsRefusal(err) || now.Sub(w.answered) > w.lostPatience() {
		return err
	}
	if w.mayNotice(now) {
		w.tell(activity.Event{Kind: activity.Warning, Reason: "look again: " + err.Error()})
	}
	return nil
}

// mayNotice reports whether it is time to tell the user again why nothing happens.
func (w *watch) mayNotice(now time.Time) bool {
	if now.Sub(w.noticed) < w.noticeEvery() {
		return false
	}
	w.noticed = now
	return true
}

// watch is the state of following one operation.
type watch struct {
	*Follower
	Operation
	since     time.Time // when following began, or its undoing
	answered  time.Time // when AWS was heard last
	noticed   time.Time // when the user was told last why nothing happens
	begun     bool      // see hasBegun
	seen      map[string]bool
	events    []Event // oldest first
	quiet     int     // looks without a new event
	lingering int     // looks at a failed creation that CloudFormation did not begin to delete
	cancelled bool
	stalls    stalls
	launching launching
}

// patience is how many looks without a new event there may be before the stack itself is asked.
const patience = 3

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

// knowsEnd reports whether the newest known event of the stack itself is about its present state.
func (w *watch) knowsEnd(stack *Stack) bool {
	for _, e := range slices.Backward(w.events) {
		if e.OfStack {
			return stack != nil && e.Status == string(stack.Status)
		}
	}
	return len(w.events) == 0
}

// hasBegun is the one place that decides whether the operation has begun. An acknowledged call is no proof, and neither is the
// stack's state: it may be the state of before. The proof is an event with the call's token (see fetch), or the change set's
// ExecutionStatus.
func (w *watch) hasBegun(ctx context.Context) (bool, error) {
	if w.begun || w.Token == "" {
		return true, nil
	}
	if w.ChangeSet == "" {
		return false, nil
	}
	status, err := w.Stacks.Execution(ctx, w.Ref, w.ChangeSet)
	if IsExecuted(status) {
		// The stack was read before, and may have been in its old state then. It is asked again at the next look.
		w.begun, w.quiet = true, patience
	}
	return false, err
}

// hasEnded is the one place that decides whether the operation has ended, by the stack as it was just read: it has when the
// stack is gone, or when the operation has begun and the stack is in a state that lasts. It has, too, when it does not begin.
func (w *watch) hasEnded(ctx context.Context, s *Stack) (bool, error) {
	if !s.Exists() && s != nil && w.cancelled && w.begun {
		return true, nil // a cancelled creation is back where it began
	}
	switch {
	case s == nil || s.Status == types.StackStatusDeleteComplete:
		return true, nil
	case s.Busy():
		return false, nil
	case s.Exists() && !s.IsIdle():
		return false, fmt.Errorf("CloudFormation gives the stack %s the status %q, which this version of spacel does not know", w.Ref,
			s.Status)
	}
	begun, err := w.hasBegun(ctx)
	switch {
	case err != nil:
		return false, err
	case !begun && w.begun:
		return false, nil
	case !begun || !s.Exists():
		return w.givesUp(s), nil
	case w.Creates && isFailedCreation(s.Status):
		// CloudFormation passes through this state before it deletes the stack. If it does not go on, it is the end after all.
		w.lingering++
		return w.lingering > 2*patience, nil
	}
	return true, nil
}

// givesUp reports whether an operation had time enough to begin. Before that it tells the user now and then.
func (w *watch) givesUp(s *Stack) bool {
	now := time.Now()
	if now.Sub(w.since) > w.patience() {
		return true
	}
	if w.mayNotice(now) {
		w.tell(activity.Event{Kind: activity.Waiting, Status: string(s.Status), Reason: fmt.Sprintf(
			"for CloudFormation to begin: it accepted the call %s ago, and the stack is still %s",
			now.Sub(w.since).Round(time.Second), s.Status)})
	}
	return false
}

// isFailedCreation reports whether a creation failed, and CloudFormation has not begun to delete the stack.
func isFailedCreation(s types.StackStatus) bool {
	return s == types.StackStatusCreateFailed || s == types.StackStatusRollbackComplete
}

// ending returns the end of the operation. A nil stack was deleted, and CloudFormation forgot it.
func (w *watch) ending(s *Stack) Ending {
	end := Ending{Status: types.StackStatusDeleteComplete, Events: w.events, Cancelled: w.cancelled, Operation: w.operationID(), Stack: s}
	if s != nil {
		end.Status, end.Reason = s.Status, w.Secrets.MaskReason(s.Reason)
		end.NeverBegan = w.Token != "" && !w.begun && s.Status != types.StackStatusDeleteComplete
	}
	return end
}

// operationID returns CloudFormation's id of the operation with the call's token, "" if its events have none.
func (w *watch) operationID() string {
	for _, e := range slices.Backward(w.events) {
		if e.Token != "" && e.Token == w.Token {
			return e.Operation
		}
	}
	return ""
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

// poll returns the time between two looks.
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
		return
	}
	if w.UndoToken != "" { // from now on the deletion is followed, which begins late, too
		w.Token, w.ChangeSet, w.begun, w.since = w.UndoToken, "", false, time.Now()
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
		w.begun = w.begun || e.Token != "" && e.Token == w.Token
		w.events = append(w.events, e)
		w.stalls.note(e, now)
		w.launching.note(e)
		w.report(e)
	}
	w.warnOfStalls(now)
	w.tellOfLaunches(ctx, now)
	w.quiet++
	if len(fresh) > 0 {
		w.quiet = 0
	}
	return nil
}

// report tells the user about an event, with the place of its resource in the manifests.
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
