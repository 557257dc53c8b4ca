package destroy

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Consent is asked when a stack cannot be deleted whole. See deploy.Consent.
type Consent interface {
	LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []deploy.FailedResource) (bool, error)
}

// Options say how to destroy. The zero value is useful.
type Options struct {
	Concurrency int           // stacks at a time; 0: 10
	Poll        time.Duration // between two looks at a running operation; 0: 3 s
}

const (
	defaultConcurrency = 10
	defaultPoll        = 3 * time.Second
)

// Result is what became of the stacks, in the plan's order.
type Result struct {
	Orbit   string        `json:"orbit"`
	Name    string        `json:"name"`
	Stacks  []StackResult `json:"stacks"`
	Left    []string      `json:"left,omitempty"`
	Seconds float64       `json:"seconds"`
}

// StackResult is what became of one stack.
type StackResult struct {
	assembly.StackRef
	Outcome Outcome                 `json:"outcome"`
	Why     string                  `json:"why,omitempty"`
	Kept    []Resource              `json:"kept,omitempty"`   // stays, by its policy
	Behind  []deploy.FailedResource `json:"behind,omitempty"` // stays, for it could not be deleted
	Failed  []deploy.FailedResource `json:"failed,omitempty"` // keeps the stack from going
	Seconds float64                 `json:"seconds,omitempty"`
}

// Outcome is what became of a stack.
type Outcome string

// The outcomes.
const (
	WasDeleted  Outcome = "deleted"
	HasFailed   Outcome = "failed"
	WasSkipped  Outcome = "skipped"  // not tried
	WasDetached Outcome = "detached" // goes on in CloudFormation
)

// OK says that all stacks are gone.
func (r *Result) OK() bool {
	return !slices.ContainsFunc(r.Stacks, func(s StackResult) bool { return s.Outcome != WasDeleted })
}

// run is a plan that is carried out.
type run struct {
	plan    *Plan
	cloud   *cloud.Cloud
	stacks  *live.Stacks
	options Options
	consent Consent
	control *deploy.Control
	tell    deploy.Listener

	asking sync.Mutex                    // one question at a time
	gone   map[assembly.StackRef]*ending // of every stack of the plan
	slots  chan struct{}
}

// ending is how a stack's deletion ended. It may be read when done is closed.
type ending struct {
	done   chan struct{}
	result StackResult
}

var errDetached = errors.New("detached")

// Execute carries the plan out. The error is that of unbinding, after which nothing was deleted; what became of the stacks
// is in the result. Doing it again goes on where it stopped. Control and listen may be nil.
func (p *Plan) Execute(ctx context.Context, c *cloud.Cloud, stacks *live.Stacks, o Options, consent Consent, control *deploy.Control, listen deploy.Listener) (*Result, error) {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Poll <= 0 {
		o.Poll = defaultPoll
	}
	began := time.Now()
	r := &run{plan: p, cloud: c, stacks: stacks, options: o, consent: consent, control: cmp.Or(control, deploy.NewControl()), tell: serial(listen),
		gone: map[assembly.StackRef]*ending{}, slots: make(chan struct{}, o.Concurrency)}
	ctx, cancel := r.untilDetached(ctx)
	defer cancel()
	if err := r.unbindAll(ctx); err != nil {
		return nil, err
	}
	r.deleteAll(ctx)
	result := &Result{Orbit: p.Orbit, Name: p.Name, Left: p.Left, Seconds: time.Since(began).Seconds()}
	for _, stack := range p.Stacks {
		result.Stacks = append(result.Stacks, r.gone[stack.StackRef].result)
	}
	return result, nil
}

// serial is a listener that is told one event at a time.
func serial(listen deploy.Listener) deploy.Listener {
	var mu sync.Mutex
	return func(e deploy.Event) {
		mu.Lock()
		defer mu.Unlock()
		if listen != nil {
			listen(e)
		}
	}
}

func (r *run) untilDetached(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-r.control.Detached():
			cancel(errDetached)
		case <-stop:
		}
	}()
	return ctx, func() { close(stop); cancel(nil) }
}

func (r *run) unbindAll(ctx context.Context) error {
	var work errgroup.Group
	for _, u := range r.plan.Unbind {
		work.Go(func() error { return r.unbind(ctx, u) })
	}
	return work.Wait()
}

func (r *run) deleteAll(ctx context.Context) {
	for _, stack := range r.plan.Stacks {
		r.gone[stack.StackRef] = &ending{done: make(chan struct{})}
	}
	var work sync.WaitGroup
	for _, stack := range r.plan.Stacks {
		work.Go(func() {
			end := r.gone[stack.StackRef]
			defer close(end.done)
			began := time.Now()
			end.result = r.deleteInTurn(ctx, stack)
			end.result.StackRef = stack.StackRef
			end.result.Seconds = time.Since(began).Seconds()
		})
	}
	work.Wait()
}

// deleteInTurn deletes a stack when those before it are gone.
func (r *run) deleteInTurn(ctx context.Context, stack Stack) StackResult {
	for _, before := range stack.After {
		<-r.gone[before].done
	}
	for _, before := range stack.After {
		if r.gone[before].result.Outcome != WasDeleted {
			return r.skip(stack, before.String()+" is still there")
		}
	}
	r.slots <- struct{}{}
	defer func() { <-r.slots }()
	if r.stopping() || ctx.Err() != nil {
		return r.skip(stack, "interrupted")
	}
	return r.delete(ctx, stack)
}

func (r *run) skip(stack Stack, why string) StackResult {
	r.say(stack.StackRef, deploy.Skipped, "", why)
	return StackResult{Outcome: WasSkipped, Why: why}
}

func (r *run) stopping() bool {
	select {
	case <-r.control.Stopped():
		return true
	default:
		return false
	}
}

func (r *run) say(ref assembly.StackRef, kind deploy.Kind, status, reason string) {
	r.tell(deploy.Event{Time: time.Now(), Kind: kind, Region: ref.Region, Stack: ref.Name, Status: status, Reason: reason})
}
