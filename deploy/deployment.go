// Package deploy deploys an artifact directory to stacks in AWS, in three steps that hand on values:
//
//	plan      Prepare: each stack's state and inputs → a stackPlan, with a change set
//	execute   Execute: a stackPlan → an outcome, in the order of the graph of stacks
//	explain   an outcome → the first cause, its place in the manifests, and the next command
//
// Discard deletes the change sets that were not executed.
//
//	deployment.go    the run, and Prepare
//	preflight.go     the checks before anything changes
//	state.go         the work that each state of a stack needs
//	planstack.go     the plan for one stack
//	unchanged.go     stacks that do not change, told without a call for each
//	changeset.go     its change set
//	execute.go       the graph of stacks
//	executestack.go  one stack's turn
//	releases.go      the records of releases
//	repair.go        a failed stack, taken to a state in which it can be updated or created
//	explain.go       the cause of a failure
//
// Package live follows the operations, and package destroy deletes what this one deploys.
package deploy

import (
	"context"
	"errors"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/schedule"
	"github.com/pebble/spacel/deploy/temporary"
)

// Deployment is one run.
type Deployment struct {
	Plan Plan

	*session
	parts     []*part // sorted by region and name
	recorder  recorder
	approvals *approvals
}

// part is one stack's part in a deployment: the values returned by the steps.
type part struct {
	*stack
	plan      stackPlan
	result    StackResult // its Outcome is empty before the stack's turn
	failure   *Failure
	unchecked []string        // warnings about images that could not be checked
	appeared  []string        // parameters whose optional outputs appeared after the stack's turn
	ended     time.Time       // of an operation in this run, by this machine's clock
	release   *history.Writer // the record of the app's release in this region, nil for none

	ends []temporary.State // changes by hand that end with this deployment
}

// Prepare finds out what a deployment would do. It changes no deployed stack. It makes change sets,
// stacks in REVIEW_IN_PROGRESS to hold them, and the uploads of a dry run; Discard deletes them. All problems are one *Problems.
func Prepare(ctx context.Context, c *cloud.Cloud, a *assembly.Assembly, o Options, l activity.Listener) (*Deployment, error) {
	// The options for finding values follow from the options of the run, so callers set each fact once.
	o.Values.DryRun = o.Values.DryRun || o.DryRun
	o.Values.Keep = o.Redeploy || o.RevertDrift
	o.Values.Force = o.Values.Force || o.Redeploy
	o.Values.Asset = a.Asset
	o.Values.Recorded = o.Rollback.recorded()
	d := &Deployment{session: newSession(c, a, o, l)}
	d.recorder = recorder{d.session, a}
	if err := d.prepare(ctx, a); err != nil {
		return nil, err
	}
	return d, nil
}

// prepare does the steps of Prepare in order: select the stacks, check everything that costs no change set, then make the
// plans of all stacks in parallel. If one plan fails, the change sets of all others are discarded.
func (d *Deployment) prepare(ctx context.Context, a *assembly.Assembly) (err error) {
	if d.places, err = a.SourceMap(); err != nil {
		return err
	}
	if err := d.selectStacks(a); err != nil {
		return err
	}
	if err := d.preflight(ctx); err != nil {
		return err
	}
	problems := d.each(ctx, func(ctx context.Context, p *part) (err error) {
		p.plan, err = planner{p.stack}.plan(ctx, p.plan.deployed, p.plan.inputs)
		return err
	})
	if err := asProblems(problems); err != nil {
		d.discardUnused(ctx)
		return err
	}
	d.keepComparisons(ctx)
	d.Plan = d.wholePlan(ctx)
	return nil
}

// wholePlan joins the stacks' plans and their warnings in the order of the stacks.
func (d *Deployment) wholePlan(ctx context.Context) Plan {
	whole := Plan{Orbit: d.orbit, Account: d.identity.Account, Directory: d.options.Directory, Warnings: d.accountWarnings(ctx)}
	whole.Warnings = append(whole.Warnings, d.findTemporary(ctx)...)
	for _, p := range d.parts {
		p.plan.Ends = p.ends
		whole.Stacks = append(whole.Stacks, p.plan.StackPlan)
		whole.Warnings = append(whole.Warnings, p.missingOutputs(p.plan.inputs)...)
		whole.Warnings = append(whole.Warnings, p.routingWarnings(p.plan.Changes)...)
		whole.Warnings = append(whole.Warnings, p.unchecked...)
		whole.Warnings = append(whole.Warnings, p.notesOfRollback()...)
		whole.Warnings = append(whole.Warnings, p.crowdedGroups(ctx)...)
	}
	whole.Waves = d.wavePlans()
	whole.Warnings = append(whole.Warnings, d.options.lifetimeWarnings(whole.Waves)...)
	return whole
}

// discardPatience is the longest that discarding may take at the end of a run.
const discardPatience = 30 * time.Second

// discardUnused discards what Prepare made and nothing used, even after an interrupt. It hurries when the user detached.
func (d *Deployment) discardUnused(ctx context.Context) {
	limit := discardPatience
	if d.control.IsDetached() {
		// A user who detached wants the terminal back. Leftover change sets do no harm: the next execution makes them obsolete.
		limit = discardPatience / 6
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := d.Discard(ctx); err != nil {
		d.follower.Tell(activity.Event{Kind: activity.Warning, Reason: "clean up: " + err.Error()})
	}
}

// Discard deletes the change sets that Execute did not use, stacks that hold nothing else, and the uploads of a dry run. It can be
// called more than once.
func (d *Deployment) Discard(ctx context.Context) error {
	return errors.Join(d.each(ctx, func(ctx context.Context, p *part) error {
		made := p.plan.changeSet
		if made == nil {
			return nil
		}
		// The field is cleared first, so a second Discard does not try again.
		p.plan.changeSet = nil
		return changeSets{p.stack}.discard(ctx, made)
	})...)
}

// each does something with every stack, in all regions at a time, and with as many stacks of a region as the options say. The
// errors are in the stacks' order, nil for those without one.
func (d *Deployment) each(ctx context.Context, do func(context.Context, *part) error) []error {
	errs := make([]error, len(d.parts))
	regionOf := func(i int) string { return d.parts[i].spec.Region }
	// Each error stays with its stack, so none of them ends the work on the others.
	_ = schedule.Each(ctx, len(d.parts), d.options.Concurrency, regionOf, func(ctx context.Context, i int) error {
		errs[i] = do(ctx, d.parts[i])
		return nil
	})
	return errs
}
