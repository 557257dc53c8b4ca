package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/values"
)

// preflight checks all that can be checked before anything changes, and finds the parameters' values.
func (d *Deployment) preflight(ctx context.Context) error {
	if err := d.identify(ctx); err != nil {
		return asProblems([]error{err})
	}
	found := d.each(ctx, func(ctx context.Context, j *job) error { return j.check(ctx) })
	errs := slices.Concat(d.stage.Check(ctx, d.regions()), found)
	if problems := asProblems(errs); problems != nil {
		if _, failed := errors.AsType[*smithy.OperationError](problems); failed {
			return problems // AWS cannot be asked for more
		}
		d.makeNothing()
	}
	// Values come from other stacks too: only now are all of them at rest.
	sound := func(do func(*job, context.Context) error) func(context.Context, *job) error {
		return func(ctx context.Context, j *job) error {
			if found[slices.Index(d.jobs, j)] != nil {
				return nil
			}
			return do(j, ctx)
		}
	}
	errs = append(errs, d.each(ctx, sound((*job).checkNeeds))...)
	errs = append(errs, d.each(ctx, sound((*job).resolve))...)
	return asProblems(errs)
}

// makeNothing is for a run that has come to its end: it goes on only to find what else is wrong, waits for nothing, and asks
// nobody.
func (d *Deployment) makeNothing() {
	d.options.DryRun, d.options.Values.DryRun = true, true
	if d.options.Values.Ask != nil {
		d.options.Values.Ask = func(context.Context, string) (string, error) { return "not asked", nil }
	}
	d.resolver = values.New(d.cloud, d.live, d.stage, d.options.Binaries, d.options.Values)
}

func (d *Deployment) identify(ctx context.Context) (err error) {
	d.identity, err = d.cloud.Identity(ctx, d.jobs[0].stack.Region)
	d.name = runName(d.identity)
	return err
}

// regions are those of the run, sorted.
func (d *Deployment) regions() []string {
	all := map[string]bool{}
	for _, j := range d.jobs {
		all[j.stack.Region] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// check looks at the stack: it must be ours, and fit.
func (j *job) check(ctx context.Context) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	if err := errors.Join(j.limits(), j.ours()); err != nil {
		return err
	}
	if j.deployed.Busy() && !j.options.DryRun {
		return j.settle(ctx)
	}
	return nil
}

func (j *job) limits() error {
	switch t := j.template; {
	case len(t.Body) > maxTemplate:
		return fmt.Errorf("%s: its template is %d bytes, CloudFormation takes %d: write fewer services, or make two apps of it", j.ref(), len(t.Body), maxTemplate)
	case len(t.Resources) > maxResources:
		return fmt.Errorf("%s: its template has %d resources, CloudFormation takes %d: make two apps of it", j.ref(), len(t.Resources), maxResources)
	case len(t.Parameters) > maxParameters:
		return fmt.Errorf("%s: its template has %d parameters, CloudFormation takes %d: make two apps of it", j.ref(), len(t.Parameters), maxParameters)
	}
	return nil
}

// ours refuses a stack of someone else that has our stack's name.
func (j *job) ours() error {
	s := j.deployed
	if s.Unowned() {
		return nil
	}
	orbit, app := j.stack.Tags[document.TagOrbit], j.stack.Tags[document.TagApp]
	if s.Orbit() == orbit && s.App() == app {
		return nil
	}
	return fmt.Errorf("%s: the stack of this name is not of %s: its tags are %s=%q, %s=%q: rename the orbit or the app, or remove that stack",
		j.ref(), describeOwner(orbit, app), document.TagOrbit, s.Orbit(), document.TagApp, s.App())
}

func describeOwner(orbit, app string) string {
	if app == "" {
		return "orbit " + orbit
	}
	return "orbit " + orbit + " and app " + app
}

// checkNeeds finds stacks that this one needs and that are neither deployed nor in this run.
func (j *job) checkNeeds(ctx context.Context) error {
	var missing []string
	for _, ref := range j.needs {
		if j.job(ref) != nil {
			continue
		}
		s, err := j.atRest(ctx, ref)
		if err != nil {
			return err
		}
		if !deployed(s) {
			missing = append(missing, describeAbsent(ref, s))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s needs %s: deploy that first, or together with it", j.ref(), strings.Join(missing, " and "))
}

// atRest is a stack outside of this run, after an operation that is going on.
func (d *Deployment) atRest(ctx context.Context, ref assembly.StackRef) (*live.Stack, error) {
	s, err := d.live.Get(ctx, ref)
	if err != nil || d.options.DryRun {
		return s, err
	}
	return d.follower.WaitUntilIdle(ctx, s, nil, d.places[ref.String()])
}

func describeAbsent(ref assembly.StackRef, s *live.Stack) string {
	if s == nil {
		return ref.String() + ", which is not deployed"
	}
	return fmt.Sprintf("%s, which is %s", ref, s.Status)
}
