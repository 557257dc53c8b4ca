package deploy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// Execute carries the plan out. The error is the world's (AWS could not be asked, nobody could be) or ErrDeclined; that a stack
// failed is in the result, which is nil only when nothing was begun. Control may be nil. What was prepared and not used is
// discarded.
func (d *Deployment) Execute(ctx context.Context, consent Consent, control *activity.Control) (*Result, error) {
	begun := time.Now()
	if control != nil {
		d.control, d.follower.Control = control, control
	}
	d.approvals = newApprovals(consent, d.options.AllowReplace)
	defer d.withdraw(ctx)
	if err := d.confirm(ctx, consent); err != nil {
		return nil, err
	}
	var late atomic.Bool
	if d.options.Timeout > 0 {
		timer := time.AfterFunc(d.options.Timeout, func() { late.Store(true); d.control.Detach() })
		defer timer.Stop()
	}
	errs := d.schedule(ctx, d.jobs, func(j *job) []assembly.StackRef { return j.needs })
	errs = append(errs, d.secondPass(ctx)...)
	if late.Load() {
		errs = append(errs, fmt.Errorf("not done after %s (--timeout): what runs in CloudFormation goes on there; %s", d.options.Timeout, d.pickUp("")))
	}
	return d.result(begun), errors.Join(errs...)
}

// confirm asks for everything that can be asked for before anything happens.
func (d *Deployment) confirm(ctx context.Context, consent Consent) error {
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
	for _, j := range d.jobs {
		// A no is for this stack alone, and is given again at its turn.
		if _, err := d.approvals.dangers(ctx, j.plan); err != nil {
			return err
		}
	}
	return nil
}

// changes says whether the plan changes anything.
func (p *Plan) changes() bool {
	for _, s := range p.Stacks {
		if s.Action != None {
			return true
		}
	}
	return false
}

func (d *Deployment) result(begun time.Time) *Result {
	r := &Result{Orbit: d.orbit, Account: d.identity.Account, Seconds: time.Since(begun).Seconds()}
	for _, j := range d.jobs {
		r.Stacks = append(r.Stacks, j.summary())
		if j.failure != nil {
			r.Failures = append(r.Failures, *j.failure)
		}
		r.Warnings = append(r.Warnings, j.missing()...)
	}
	return r
}

func (j *job) summary() StackResult {
	s := j.result
	s.StackRef = j.ref()
	if j.deployed != nil {
		s.Status, s.Outputs = string(j.deployed.Status), j.deployed.Outputs
	}
	return s
}
