// Package deploy takes an artifact directory to stacks in AWS.
//
//	Prepare   select → pre-flight → resolve the parameters → change sets: the Plan
//	Execute   the graph of stacks, each: mend → change set → follow the events → explain what failed
//	Discard   takes back what Prepare made
//
//	state.go      what each state of a stack asks for
//	draw.go       what would happen to one stack
//	schedule.go   which stack's turn it is
//	run.go        one stack's turn
//	follow.go     an operation of CloudFormation, to its end
package deploy

import (
	"context"
	"sync"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
)

// Deployment is one run.
type Deployment struct {
	Plan Plan

	orbit     string
	cloud     *cloud.Cloud
	options   Options
	live      *live.Stacks
	stage     *staging.Stage
	resolver  *values.Resolver
	places    assembly.SourceMap
	identity  cloud.Identity
	name      string // of the run, which its change sets and tokens start with
	control   *activity.Control
	follower  *live.Follower
	approvals *approvals
	jobs      []*job // sorted by region and name
	index     map[assembly.StackRef]*job
}

// Prepare finds out what a deployment would do. It changes nothing that is deployed; what it makes (change sets, with them
// stacks in REVIEW_IN_PROGRESS, and a dry run's uploads) Discard removes. All that stands in the way comes as one *Problems.
func Prepare(ctx context.Context, c *cloud.Cloud, a *assembly.Assembly, o Options, l activity.Listener) (*Deployment, error) {
	o.Values.DryRun = o.Values.DryRun || o.DryRun
	o.Values.Keep = o.Redeploy
	o.Values.Force = o.Values.Force || o.Redeploy
	o.Values.Asset = a.Asset
	d := &Deployment{orbit: a.Manifest.Orbit, cloud: c, options: o, live: live.New(c), stage: staging.New(c, o.Buckets), control: activity.NewControl()}
	d.follower = &live.Follower{Stacks: d.live, Control: d.control, Tell: activity.Serial(l), Poll: o.Poll}
	d.resolver = values.New(c, d.live, d.stage, o.Binaries, o.Values)
	if err := d.prepare(ctx, a); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Deployment) prepare(ctx context.Context, a *assembly.Assembly) (err error) {
	if d.places, err = a.SourceMap(); err != nil {
		return err
	}
	if err := d.selectJobs(a); err != nil {
		return err
	}
	if err := d.preflight(ctx); err != nil {
		return err
	}
	if err := d.draw(ctx); err != nil {
		d.withdraw(ctx)
		return err
	}
	d.Plan = d.plan()
	return nil
}

// draw finds out what would happen to each stack.
func (d *Deployment) draw(ctx context.Context) error {
	problems := d.each(ctx, func(ctx context.Context, j *job) error { return j.draw(ctx) })
	return asProblems(problems)
}

// withdrawal is how long it may take to discard what was not used.
const withdrawal = 30 * time.Second

// withdraw discards what was made and not used, also when the run was interrupted; quickly, when the user wants out.
func (d *Deployment) withdraw(ctx context.Context) {
	limit := withdrawal
	if d.control.IsDetached() {
		limit = withdrawal / 6
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := d.Discard(ctx); err != nil {
		d.tell(activity.Event{Kind: activity.Warning, Reason: "clean up: " + err.Error()})
	}
}

func (d *Deployment) plan() Plan {
	p := Plan{Orbit: d.orbit, Account: d.identity.Account}
	for _, j := range d.jobs {
		p.Stacks = append(p.Stacks, j.plan)
		p.Warnings = append(p.Warnings, j.warnings()...)
	}
	return p
}

// each does something with every stack, regions side by side, as many at a time in each as the options say. It gives all
// errors in the stacks' order.
func (d *Deployment) each(ctx context.Context, do func(context.Context, *job) error) []error {
	errs := make([]error, len(d.jobs))
	var wait sync.WaitGroup
	slots := map[string]chan struct{}{}
	for _, j := range d.jobs {
		if slots[j.stack.Region] == nil {
			slots[j.stack.Region] = make(chan struct{}, d.options.concurrency())
		}
	}
	for i, j := range d.jobs {
		slot := slots[j.stack.Region]
		wait.Go(func() {
			slot <- struct{}{}
			defer func() { <-slot }()
			errs[i] = do(ctx, j)
		})
	}
	wait.Wait()
	return errs
}

// tell lets the listener know.
func (d *Deployment) tell(e activity.Event) { d.follower.Tell(e) }
