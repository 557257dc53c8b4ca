package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
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
		}, selectionFlags(), []cli.Flag{
			&cli.StringFlag{Name: "confirm", Usage: "go ahead without a question when `NAME` is what the question would want"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would go, and change nothing", DisableDefaultText: true},
			&cli.BoolFlag{Name: "leave-behind",
				Usage: "delete stacks whose resources cannot all be deleted, and leave those in the account", DisableDefaultText: true},
			&cli.IntFlag{Name: "concurrency", Usage: "delete `N` stacks of a region at a time", DefaultText: "10"},
			&cli.DurationFlag{Name: "timeout", Usage: "detach after this `TIME`, such as 45m, and exit with 2", DefaultText: "none"},
		}, accessFlags()),
		Action: func(ctx *cli.Context) error { return runDestroy(c, ctx) },
	}, "text", "json")
}

func runDestroy(c *console, ctx *cli.Context) error {
	if err := checkPace(ctx); err != nil {
		return err
	}
	of, err := findDeployed(c, ctx)
	if err != nil {
		return err
	}
	defer of.close()
	d := &destruction{console: c, interrupts: newInterruptHandler(c, ctx.Command.HelpName, false), flags: ctx, of: of,
		stacks: live.New(of.Cloud)}
	return d.run(ctx.Context)
}

// destruction is a run of the command.
type destruction struct {
	*console
	interrupts *interruptHandler
	flags      *cli.Context
	of         *target
	stacks     *live.Stacks
	late       atomic.Bool // --timeout passed
}

func (d *destruction) run(ctx context.Context) error {
	ctx, release := takeOver(ctx, d.interrupts.interrupt)
	defer release()
	plan, err := d.prepare(ctx)
	if err != nil {
		return d.interrupts.interrupted(err)
	}
	if err := d.showPlan(plan); err != nil || len(plan.Stacks) == 0 || d.flags.Bool("dry-run") {
		return err
	}
	d.interrupts.progress = newProgress(d.console, d.flags, "deleted", refsOf(plan))
	d.prompter.hold = d.interrupts.progress.hold
	if err := d.confirm(ctx, plan); err != nil {
		return d.interrupts.interrupted(err)
	}
	result, err := d.execute(ctx, plan)
	if err != nil {
		return d.interrupts.interrupted(d.orLate(err))
	}
	return errors.Join(d.report(result), d.verdict(result))
}

func (d *destruction) prepare(ctx context.Context) (*destroy.Plan, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.interrupts.preparing(cancel)
	scope := destroy.Scope{Orbit: d.of.Orbit, Names: d.of.selection.stacks, Apps: d.of.selection.apps, Regions: d.of.selection.regions}
	if d.of.artifact != nil {
		scope.Stacks = d.of.artifact.Manifest.Stacks
	}
	// Whoever depends on what goes may be in any region.
	everywhere, err := live.Enabled(ctx, d.of.Cloud)
	if err != nil {
		return nil, err
	}
	for _, region := range d.of.Regions {
		if !slices.Contains(everywhere, region) {
			return nil, fmt.Errorf("%s: region %s is not enabled in this account", d.interrupts.command, region)
		}
	}
	scope.Search = everywhere
	return destroy.Prepare(ctx, d.of.Cloud, d.stacks, scope)
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
		return fmt.Errorf("%s: --confirm %s: what would be destroyed is %s; nothing was changed", d.interrupts.command, given, plan.Name)
	case !set:
		question, done := d.interrupts.question(ctx)
		defer done()
		answer, err := d.prompter.line(question, "Type "+plan.Name+" to destroy it: ")
		if errors.Is(err, errNoTerminal) {
			return fmt.Errorf("%s: %w: give --confirm %s to go ahead, or --dry-run to look only; nothing was changed", d.interrupts.command,
				err, plan.Name)
		}
		if err != nil {
			return err
		}
		if answer != plan.Name {
			return no(d.interrupts.command + ": not confirmed: nothing was changed")
		}
	}
	if !d.interrupts.begin() {
		return context.Canceled
	}
	return nil
}

func (d *destruction) execute(ctx context.Context, plan *destroy.Plan) (*destroy.Result, error) {
	if limit := d.flags.Duration("timeout"); limit > 0 {
		timer := time.AfterFunc(limit, func() { d.late.Store(true); d.interrupts.control.Detach() })
		defer timer.Stop()
	}
	d.interrupts.progress.begin()
	defer d.interrupts.progress.end()
	defer d.interrupts.over()
	options := destroy.Options{Concurrency: d.flags.Int("concurrency"), Poll: d.poll}
	return plan.Execute(ctx, d.of.Cloud, d.stacks, options, d, d.interrupts.control, d.interrupts.progress.listen)
}

// LeaveBehind asks whether a stack may go without all of it, unless the flag said so.
func (d *destruction) LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error) {
	if d.flags.Bool("leave-behind") {
		return true, nil
	}
	if !d.prompter.possible() {
		return false, nil // the result says what is in the way
	}
	return (&consent{interrupts: d.interrupts}).LeaveBehind(ctx, stack, failed)
}

func (d *destruction) verdict(r *destroy.Result) error {
	switch {
	case r.OK():
		return nil
	case d.interrupts.count() > 0:
		return d.interrupts.interrupted(nil)
	}
	return d.orLate(errNo)
}

// orLate is that the time was up, when it was.
func (d *destruction) orLate(err error) error {
	if !d.late.Load() {
		return err
	}
	return fmt.Errorf("%s: not done after %s (--timeout): running operations go on in CloudFormation; run the same command again to go on",
		d.interrupts.command, d.flags.Duration("timeout"))
}
