package destroy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
)

// Consent asks the user when a stack cannot be deleted whole. It answers like deploy.Consent.
type Consent interface {
	LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error)
}

// Options say how to destroy. The zero value is useful.
type Options struct {
	Concurrency int           // stacks of a region at a time; 0: schedule.DefaultConcurrency
	Poll        time.Duration // between two looks at a running operation; 0: live.DefaultPoll
	Patience    time.Duration // for an accepted operation to begin; 0: live.DefaultPatience
}

// Result is the end of a run: the stacks in the plan's order.
type Result struct {
	Orbit   string        `json:"orbit"`
	Name    string        `json:"name"`
	Stacks  []StackResult `json:"stacks"`
	Left    []string      `json:"left,omitempty"`
	Seconds float64       `json:"seconds"`
}

// StackResult is the end of one stack's deletion.
type StackResult struct {
	assembly.StackRef
	Outcome activity.Outcome      `json:"outcome"`
	Why     string                `json:"why,omitempty"`
	Kept    []Resource            `json:"kept,omitempty"`   // stays in the account by its policy
	Behind  []live.FailedResource `json:"behind,omitempty"` // stays because it could not be deleted
	Failed  []live.FailedResource `json:"failed,omitempty"` // keeps the stack from being deleted
	Seconds float64               `json:"seconds,omitempty"`
}

// OK reports whether all stacks are deleted.
func (r *Result) OK() bool {
	return !slices.ContainsFunc(r.Stacks, func(s StackResult) bool { return s.Outcome != activity.WasDeleted })
}

// run carries out one plan. Its fields are set before the first stack and are not changed after that, apart from the counters.
type run struct {
	plan     *Plan
	cloud    *cloud.Cloud
	stacks   *live.Stacks
	options  Options
	consent  Consent
	control  *activity.Control
	follower *live.Follower

	name       string       // of the run: its tokens start with it
	operations atomic.Int32 // so far: they are numbered

	asking sync.Mutex // one question at a time, for there is one terminal
}

// Execute carries the plan out. Its error is that of unbinding, after which nothing was deleted. The end of each stack is in the
// result. Another run goes on where this one stopped. Control and listener may be nil.
func (p *Plan) Execute(
	ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, o Options,
	consent Consent, control *activity.Control, listener activity.Listener,
) (*Result, error) {
	began := time.Now()
	control = cmp.Or(control, activity.NewControl())
	r := &run{plan: p, cloud: c, stacks: stacks, options: o, consent: consent, control: control,
		follower: &live.Follower{Stacks: stacks, Control: control, Tell: activity.Serial(listener), Poll: o.Poll,
			Patience: o.Patience}}
	ctx, cancel := r.untilDetached(ctx)
	defer cancel()
	if err := r.identify(ctx); err != nil {
		return nil, err
	}
	// A failed update here leaves all stacks in place. After the first deletion there is no way back.
	if err := r.unbindAll(ctx); err != nil {
		return nil, err
	}
	return &Result{Orbit: p.Orbit, Name: p.Name, Stacks: r.deleteAll(ctx), Left: p.Left, Seconds: time.Since(began).Seconds()}, nil
}

// identify names the run after the user.
func (r *run) identify(ctx context.Context) error {
	if len(r.plan.Stacks) == 0 {
		return nil
	}
	// Other users who wait for an operation of this run read the name: see live.RunName.
	who, err := r.cloud.Identity(ctx, r.plan.Stacks[0].Region)
	r.name = live.RunName(who)
	return err
}

// nextToken returns the ClientRequestToken of the next operation, by which the operation's events are known.
func (r *run) nextToken() string { return fmt.Sprintf("%s-%d", r.name, r.operations.Add(1)) }

// untilDetached returns a context that ends when the user detaches, so that calls of AWS which are under way end, too.
func (r *run) untilDetached(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-r.control.Detached():
			cancel(live.ErrDetached)
		case <-stop:
		}
	}()
	return ctx, func() { close(stop); cancel(nil) }
}

// unbindAll updates all stacks that name a stack to be deleted. Nothing is deleted before all of them are done.
func (r *run) unbindAll(ctx context.Context) error {
	// Errors go into a slice by index, so goroutines need no lock.
	refs := make([]assembly.StackRef, len(r.plan.Unbind))
	errs := make([]error, len(refs))
	for i, u := range r.plan.Unbind {
		refs[i] = u.StackRef
	}
	schedule.Run(ctx, schedule.Graph{
		Stacks: refs, Limit: r.options.Concurrency, Stopped: r.control.IsStopped,
		Needs: func(int) []assembly.StackRef { return nil },
		Do: func(ctx context.Context, i int) bool {
			errs[i] = r.unbind(ctx, r.plan.Unbind[i])
			return errs[i] == nil
		},
		Skip: func(i int, _ schedule.Reason) { r.say(refs[i], activity.Skipped, "", "interrupted") },
	})
	return errors.Join(errs...)
}

// deleteAll deletes the plan's stacks, each when the stacks that depend on it are gone. The results are in the plan's order.
func (r *run) deleteAll(ctx context.Context) []StackResult {
	refs := make([]assembly.StackRef, len(r.plan.Stacks))
	results := make([]StackResult, len(refs))
	for i, stack := range r.plan.Stacks {
		refs[i] = stack.StackRef
	}
	schedule.Run(ctx, schedule.Graph{
		Stacks: refs, Limit: r.options.Concurrency, Stopped: r.control.IsStopped,
		Needs: func(i int) []assembly.StackRef { return r.plan.Stacks[i].After },
		Do: func(ctx context.Context, i int) bool {
			began := time.Now()
			results[i] = r.delete(ctx, r.plan.Stacks[i])
			results[i].StackRef, results[i].Seconds = refs[i], time.Since(began).Seconds()
			return results[i].Outcome == activity.WasDeleted
		},
		Skip: func(i int, why schedule.Reason) { results[i] = r.skip(refs[i], why) },
	})
	return results
}

// skip returns the result of a stack without a turn: after an interrupt, or because a dependent stack could not be deleted. The
// plan has no cycles, so a cycle is not a reason here.
func (r *run) skip(ref assembly.StackRef, why schedule.Reason) StackResult {
	text := "interrupted"
	if why.BlockedBy != nil {
		text = why.BlockedBy.String() + " is still there"
	}
	r.say(ref, activity.Skipped, "", text)
	return StackResult{StackRef: ref, Outcome: activity.WasSkipped, Why: text}
}

// say reports an event of a stack.
func (r *run) say(ref assembly.StackRef, kind activity.Kind, status, reason string) {
	r.follower.Tell(activity.Event{Kind: kind, Region: ref.Region, Stack: ref.Name, Status: status, Reason: reason})
}
