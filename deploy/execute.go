package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
)

// Execute carries the plan out. The error is ErrDeclined, or that AWS or the network failed, or that there was nobody to ask. The
// failures of stacks are in the result, which is nil only when nothing was begun. Control may be nil. Change sets that were not
// executed are discarded at the end.
func (d *Deployment) Execute(ctx context.Context, consent Consent, control *activity.Control) (*Result, error) {
	if control != nil {
		d.control, d.follower.Control = control, control
	}
	d.approvals = newApprovals(consent, d.options.AllowReplace)
	defer d.discardUnused(ctx)
	if err := d.confirm(ctx, consent); err != nil {
		return nil, err
	}
	begun := time.Now() // after the questions: the time of a person is no part of the deployment's
	if err := d.recorder.open(ctx, d.parts); err != nil {
		return nil, err
	}
	// The timeout detaches instead of cancelling: CloudFormation finishes the operations by itself, and a later run picks them up.
	var late atomic.Bool
	if d.options.Timeout > 0 {
		timer := time.AfterFunc(d.options.Timeout, func() { late.Store(true); d.control.Detach() })
		defer timer.Stop()
	}
	d.announce()
	errs := d.run(ctx, d.parts, d.order)
	// The second pass needs the outputs of all stacks, so it begins when the first one has ended.
	errs = append(errs, d.secondPass(ctx)...)
	d.recorder.settle(ctx, d.parts)
	d.keepProven(ctx)
	errs = append(errs, d.endTemporary(ctx)...)
	if late.Load() {
		errs = append(errs, fmt.Errorf("not done after %s (--timeout): running operations go on in CloudFormation; %s",
			d.options.Timeout, d.pickUp("")))
	}
	return d.result(begun), errors.Join(errs...)
}

// confirm asks all questions that can be asked before anything happens.
func (d *Deployment) confirm(ctx context.Context, consent Consent) error {
	// A plan without changes asks nothing, so a script without a terminal can run it.
	if !d.Plan.changes() {
		return nil
	}
	yes, err := consent.Confirm(ctx, &d.Plan)
	if err != nil {
		return err
	}
	if !yes {
		return ErrDeclined
	}
	for _, p := range d.parts {
		// A no is remembered. It fails this stack alone, when it is its turn.
		if _, err := d.approvals.dangers(ctx, p.plan.StackPlan); err != nil {
			return err
		}
	}
	return nil
}

// changes reports whether the plan changes anything.
func (p *Plan) changes() bool {
	return slices.ContainsFunc(p.Stacks, func(s StackPlan) bool { return s.Action != None || len(s.Ends) > 0 })
}

// announce tells the user which stacks wait for which.
func (d *Deployment) announce() {
	for _, p := range d.parts {
		before := slices.DeleteFunc(d.order(p), func(ref assembly.StackRef) bool { return d.find(ref) == nil })
		if len(before) > 0 && p.plan.Action != None {
			p.tell(activity.Event{Kind: activity.Waiting, Reason: "for " + listRefs(before)})
		}
	}
}

// run gives each of these stacks its turn, when the stacks before it are done. It returns the errors of AWS and the network.
func (d *Deployment) run(ctx context.Context, parts []*part, needs func(*part) []assembly.StackRef) []error {
	refs := make([]assembly.StackRef, len(parts))
	for i, p := range parts {
		refs[i] = p.ref()
	}
	var mu sync.Mutex
	var errs []error
	schedule.Run(ctx, schedule.Graph{
		Stacks: refs, Limit: d.options.Concurrency, Stopped: d.control.IsStopped,
		Needs: func(i int) []assembly.StackRef { return needs(parts[i]) },
		Do: func(ctx context.Context, i int) bool {
			p := parts[i]
			end := d.turn(ctx, p)
			p.record(ctx, end)
			p.finish(ctx)
			if isInfrastructureError(end.err) {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, end.err)
			}
			return end.OK()
		},
		Skip: func(i int, why schedule.Reason) { d.skip(parts[i], why) },
	})
	return errs
}

// turn gives a stack its turn, once its release is recorded. A second turn in the same run waits for no wave.
func (d *Deployment) turn(ctx context.Context, p *part) outcome {
	if p.result.Outcome == "" {
		if err := (waveGate{d, p}).pass(ctx); err != nil {
			return outcome{Outcome: outcomeOf(err), plan: p.plan, err: err}
		}
	}
	if err := p.begin(ctx); err != nil {
		return outcome{Outcome: activity.HasFailed, plan: p.plan, err: refuseFor(err)}
	}
	return executor{p.stack, d.approvals}.run(ctx, p.plan)
}

// part returns the part of a stack of this run.
func (d *Deployment) part(ref assembly.StackRef) *part {
	return d.parts[slices.IndexFunc(d.parts, func(p *part) bool { return p.ref() == ref })]
}

// skip records a stack that had no turn.
func (d *Deployment) skip(p *part, why schedule.Reason) {
	text := "stopped before its turn"
	switch {
	case why.BlockedBy != nil:
		verb := "needs"
		if !slices.Contains(p.needs, *why.BlockedBy) {
			verb = "comes in a wave after"
		}
		text = fmt.Sprintf("%s %s, which %s", verb, why.BlockedBy, describeOutcome(d.part(*why.BlockedBy).result.Outcome))
	case len(why.Cycle) > 0:
		text = "waits for " + listRefs(why.Cycle) + ", which waits for it"
	}
	p.result.Outcome, p.result.Why = activity.WasSkipped, text
	p.tell(activity.Event{Kind: activity.Skipped, Reason: text})
}

// describeOutcome completes the sentence "needs X, which …" for an outcome which is not OK.
func describeOutcome(o activity.Outcome) string {
	switch o {
	case activity.HasFailed:
		return "failed"
	case activity.WasDetached:
		return "was left running"
	}
	return "was " + string(o)
}

// record keeps the outcome of a stack's turn, explains a failure, and reports the end.
func (p *part) record(ctx context.Context, end outcome) {
	p.plan = end.plan
	if end.Outcome != activity.WasSkipped && end.Outcome != activity.WasUnchanged {
		p.result.Tasks = taskPlanner{p.stack}.ends(ctx, end.plan)
	}
	p.result.Outcome = end.Outcome
	p.result.Seconds += end.seconds.Seconds()
	switch end.Outcome {
	case activity.WasUnchanged:
		p.tell(activity.Event{Kind: activity.Unchanged})
	case activity.WasCreated, activity.WasUpdated:
		p.ended = time.Now()
		p.tell(activity.Event{Kind: activity.Done, Status: p.summary().Status})
	case activity.HasFailed:
		f := explainer{p.stack}.explain(ctx, end)
		p.failure, p.result.Why = f, f.What
		p.tell(activity.Event{Kind: activity.Failed, Resource: f.Resource, Type: f.Type, Reason: f.What, Origin: f.Origin})
	default:
		p.result.Why = p.describeEnd(end.err)
		p.tell(activity.Event{Kind: activity.Skipped, Reason: p.result.Why})
	}
}

// describeEnd explains a skipped, cancelled or detached stack.
func (p *part) describeEnd(err error) string {
	switch {
	case errors.Is(err, live.ErrDetached):
		return "goes on in CloudFormation: " + p.pickUp(p.spec.App)
	case errors.Is(err, errCancelled):
		return "cancelled"
	}
	return err.Error()
}

// result collects the outcomes, failures and remaining warnings of all stacks in their order.
func (d *Deployment) result(begun time.Time) *Result {
	r := &Result{Orbit: d.orbit, Account: d.identity.Account, Seconds: time.Since(begun).Seconds()}
	for _, p := range d.parts {
		r.Stacks = append(r.Stacks, p.summary())
		if p.failure != nil {
			r.Failures = append(r.Failures, *p.failure)
		}
		r.Warnings = append(r.Warnings, p.stillMissing()...)
	}
	r.Warnings = append(r.Warnings, d.wavesEnd()...)
	return r
}

// summary adds the stack's state to its result.
func (p *part) summary() StackResult {
	s := p.result
	s.StackRef = p.ref()
	if deployed := p.plan.deployed; deployed != nil {
		s.Status, s.Outputs = string(deployed.Status), deployed.Outputs
	}
	return s
}
