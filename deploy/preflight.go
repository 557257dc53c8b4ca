package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// preflight checks all that can be checked before anything changes. It finds the state of each stack and the values of its
// parameters, which are the inputs of planning.
func (d *Deployment) preflight(ctx context.Context) error {
	if err := d.identify(ctx); err != nil {
		return asProblems([]error{err})
	}
	d.survey(ctx)
	// All stacks are checked before any error is reported, so the user sees all problems at once.
	found := d.each(ctx, func(ctx context.Context, p *part) (err error) {
		p.plan.deployed, err = p.check(ctx)
		return err
	})
	errs := slices.Concat(d.stage.Check(ctx, d.regions()), found)
	if problems := asProblems(errs); problems != nil {
		if _, failed := errors.AsType[*smithy.OperationError](problems); failed {
			return problems // AWS cannot be asked any more
		}
		d.onlyCheck()
	}
	// Values come from other stacks, too, so all stacks must be idle before. A stack with a problem has no state to go on from.
	valid := func(do func(context.Context, *part) error) func(context.Context, *part) error {
		return func(ctx context.Context, p *part) error {
			if found[slices.Index(d.parts, p)] != nil {
				return nil
			}
			return do(ctx, p)
		}
	}
	errs = append(errs, d.each(ctx, valid(func(ctx context.Context, p *part) error { return p.checkNeeds(ctx) }))...)
	errs = append(errs, d.each(ctx, valid(func(ctx context.Context, p *part) (err error) {
		if p.plan.inputs, err = p.resolve(ctx, p.plan.deployed); err != nil {
			return err
		}
		return checkContainers(ctx, p)
	}))...)
	return asProblems(errs)
}

// onlyCheck is for a run with a problem already. It goes on only to find the others, so it uploads nothing, waits for nothing
// and asks nobody.
func (d *Deployment) onlyCheck() {
	d.options.DryRun, d.options.Values.DryRun = true, true
	if d.options.Values.Ask != nil {
		d.options.Values.Ask = func(context.Context, string) (string, error) { return "not asked", nil }
	}
	d.newResolver()
}

// identify asks AWS who we are. It is the first call of Prepare, so missing or expired credentials are found here.
func (d *Deployment) identify(ctx context.Context) (err error) {
	d.identity, err = d.cloud.Identity(ctx, d.stacks[0].spec.Region)
	d.name = live.RunName(d.identity)
	return err
}

// check reads the stack unless it was listed, checks its owner and the size of the template, and waits for an operation that goes
// on in it.
func (s *stack) check(ctx context.Context) (*live.Stack, error) {
	deployed, err := s.live.Get(ctx, s.ref())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.checkLimits(), s.checkOwner(deployed)); err != nil {
		return deployed, err
	}
	// A dry run reports the state as it is, and does not wait for anybody.
	if s.options.DryRun {
		return deployed, nil
	}
	return s.waitUntilIdle(ctx, deployed)
}

// checkOwner refuses another owner's stack with the same name.
func (s *stack) checkOwner(deployed *live.Stack) error {
	if deployed.Unowned() {
		return nil
	}
	orbit, app := s.spec.Tags[document.TagOrbit], s.spec.Tags[document.TagApp]
	if deployed.Orbit() == orbit && deployed.App() == app {
		return nil
	}
	return fmt.Errorf("%s: a stack with this name already exists and does not belong to %s: its tags are %s=%q, %s=%q: "+
		"rename the orbit or the app, or remove that stack",
		s.ref(), describeOwner(orbit, app), document.TagOrbit, deployed.Orbit(), document.TagApp, deployed.App())
}

// describeOwner names the owner of a stack: an orbit's own stack has no app.
func describeOwner(orbit, app string) string {
	if app == "" {
		return "orbit " + orbit
	}
	return "orbit " + orbit + " and app " + app
}

// checkNeeds refuses a stack that needs others which are neither deployed nor in this run.
func (s *stack) checkNeeds(ctx context.Context) error {
	var missing []string
	for _, ref := range s.needs {
		if s.find(ref) != nil {
			continue
		}
		other, err := s.waitForOther(ctx, ref)
		if err != nil {
			return err
		}
		if !isDeployed(other) {
			missing = append(missing, describeAbsent(ref, other))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s needs %s: deploy that first, or together with it", s.ref(), strings.Join(missing, " and "))
}

// describeAbsent names a stack and the reason why it cannot be used. s is nil if it does not exist.
func describeAbsent(ref assembly.StackRef, s *live.Stack) string {
	if s == nil {
		return ref.String() + ", which is not deployed"
	}
	return fmt.Sprintf("%s, which is %s", ref, s.Status)
}
