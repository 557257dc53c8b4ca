package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/destroy"
	"github.com/pebble/spacel/deploy/live"
)

const destroyDescription = `Deletes stacks, each after those that depend on it: those of an artifact directory, or with --orbit all that the orbit
has. It first shows what goes, what stays and what is lost, and goes ahead when the name of what is destroyed is typed:
the orbit's, or the apps' when only theirs are meant. --confirm NAME answers in the user's place; --yes does not exist.

   spacel destroy build                              the stacks that the directory names
   spacel destroy --orbit production --app laika     an app, in every region
   spacel destroy --orbit production                 the whole orbit, with all its apps
   spacel destroy --orbit production --region eu-west-1 --confirm production

What stays: resources whose DeletionPolicy is Retain (the orbit's tables and log groups) or Snapshot (databases leave their last
snapshot), volumes that instances made, KMS keys, and what was uploaded to S3. A later deploy adopts the tables.

Other stacks: rules and settings of apps that stay and that name what goes are taken out first, by an update of those stacks. What
cannot be without it is an error, and nothing is changed.

Termination protection is turned off after the confirmation, stack by stack. A stack in the middle of an operation is waited for. A deletion
that fails is tried twice; then, on a terminal, you can delete the stack and leave behind what hinders it, which
--leave-behind agrees to beforehand.

Interrupts: after the first no further deletion begins, and those that run are waited for, or left to CloudFormation; the second
leaves them. Running the command again goes on where it ended.`

func destroyCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "destroy",
		Usage:       "delete stacks, in the reverse order of what depends on what",
		ArgsUsage:   "DIR | --orbit ORBIT",
		Description: destroyDescription,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "orbit", TakesFile: true, Usage: "without a directory: the `ORBIT`, by its name or its manifest"},
		}, narrowingFlags(), []cli.Flag{
			&cli.StringFlag{Name: "confirm", Usage: "go ahead without a question when `NAME` is what the question would want"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would go, and change nothing", DisableDefaultText: true},
			&cli.BoolFlag{Name: "leave-behind", Usage: "delete stacks whose resources cannot all be deleted, and leave those in the account", DisableDefaultText: true},
			&cli.IntFlag{Name: "concurrency", Usage: "delete `N` stacks at a time", DefaultText: "10"},
			&cli.DurationFlag{Name: "timeout", Usage: "detach after this `TIME`, such as 45m, and exit with 2", DefaultText: "none"},
		}, accessFlags()),
		Action: func(ctx *cli.Context) error { return c.destroy(ctx) },
	}, "text", "json")
}

func (c *console) destroy(ctx *cli.Context) error {
	if err := checkPace(ctx); err != nil {
		return err
	}
	of, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	defer of.close()
	d := &destruction{steering: newSteering(c, ctx.Command.HelpName, false), flags: ctx, of: of, stacks: live.New(of.cloud)}
	return d.run(ctx.Context)
}

// destruction is a run of the command.
type destruction struct {
	*steering
	flags  *cli.Context
	of     *deployed
	stacks *live.Stacks
	late   bool // the time was up
}

func (d *destruction) run(ctx context.Context) error {
	ctx, release := takeOver(ctx, d.interrupt)
	defer release()
	plan, err := d.prepare(ctx)
	if err != nil {
		return d.interrupted(err)
	}
	if err := d.showPlan(plan); err != nil || len(plan.Stacks) == 0 || d.flags.Bool("dry-run") {
		return err
	}
	d.progress = d.newProgress(d.flags, "deleted", refsOf(plan))
	d.asker.hold = d.progress.hold
	if err := d.confirm(ctx, plan); err != nil {
		return d.interrupted(err)
	}
	result, err := d.execute(ctx, plan)
	if err != nil {
		return d.interrupted(d.orLate(err))
	}
	return errors.Join(d.report(result), d.verdict(result))
}

func (d *destruction) prepare(ctx context.Context) (*destroy.Plan, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.preparing(cancel)
	scope := destroy.Scope{Orbit: d.of.orbit, Names: d.of.wanted.stacks, Apps: d.of.wanted.apps, Regions: d.of.wanted.regions}
	if d.of.artifact != nil {
		scope.Stacks = d.of.artifact.Manifest.Stacks
	}
	// Whoever depends on what goes may be in any region.
	everywhere, err := live.Enabled(ctx, d.of.cloud)
	if err != nil {
		return nil, err
	}
	for _, region := range d.of.regions {
		if !slices.Contains(everywhere, region) {
			return nil, fmt.Errorf("%s: region %s is not enabled in this account", d.command, region)
		}
	}
	scope.Search = everywhere
	return destroy.Prepare(ctx, d.of.cloud, d.stacks, scope)
}

func refsOf(plan *destroy.Plan) []assembly.StackRef {
	var refs []assembly.StackRef
	for _, s := range plan.Stacks {
		refs = append(refs, s.StackRef)
	}
	return refs
}

// confirm wants the name of what is destroyed.
func (d *destruction) confirm(ctx context.Context, plan *destroy.Plan) error {
	given, set := d.flags.String("confirm"), d.flags.IsSet("confirm")
	switch {
	case set && given != plan.Name:
		return fmt.Errorf("%s: --confirm %s: what would be destroyed is %s; nothing was changed", d.command, given, plan.Name)
	case !set:
		question, done := d.question(ctx)
		defer done()
		answer, err := d.asker.line(question, "Type "+plan.Name+" to destroy it: ")
		if errors.Is(err, errNobody) {
			return fmt.Errorf("%s: %w: give --confirm %s to go ahead, or --dry-run to look only; nothing was changed", d.command, err, plan.Name)
		}
		if err != nil {
			return err
		}
		if answer != plan.Name {
			return no(d.command + ": not confirmed: nothing was changed")
		}
	}
	if !d.begin() {
		return context.Canceled
	}
	return nil
}

func (d *destruction) execute(ctx context.Context, plan *destroy.Plan) (*destroy.Result, error) {
	if limit := d.flags.Duration("timeout"); limit > 0 {
		timer := time.AfterFunc(limit, func() { d.setLate(); d.control.Detach() })
		defer timer.Stop()
	}
	d.progress.begin()
	defer d.progress.end()
	defer d.over()
	options := destroy.Options{Concurrency: d.flags.Int("concurrency"), Poll: d.poll}
	return plan.Execute(ctx, d.of.cloud, d.stacks, options, d, d.control, d.progress.listen)
}

func (d *destruction) setLate() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late = true
}

// LeaveBehind asks whether a stack may go without all of it, unless the flag said so.
func (d *destruction) LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []deploy.FailedResource) (bool, error) {
	if d.flags.Bool("leave-behind") {
		return true, nil
	}
	if !d.asker.possible() {
		return false, nil // the result says what is in the way
	}
	return (&consent{steering: d.steering}).LeaveBehind(ctx, stack, failed)
}

func (d *destruction) verdict(r *destroy.Result) error {
	switch {
	case r.OK():
		return nil
	case d.interrupts() > 0:
		return d.interrupted(nil)
	}
	return d.orLate(errNo)
}

// orLate is that the time was up, when it was.
func (d *destruction) orLate(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.late {
		return err
	}
	return fmt.Errorf("%s: not done after %s (--timeout): what runs in CloudFormation goes on there; run the same command again to go on", d.command, d.flags.Duration("timeout"))
}
