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

const destroyDescription = `Deletes the stacks of an artifact directory, or with --orbit all stacks of the orbit. A stack is deleted after
the stacks that depend on it. The plan shows the stacks to delete, the resources that stay and the data that is lost. To
confirm, type the orbit's name, or the apps' names when only apps are selected. --confirm NAME confirms without a
question. There is no --yes.

   spacel destroy build                              the stacks of the directory
   spacel destroy --orbit production --app laika     an app, in every region
   spacel destroy --orbit production                 the whole orbit, with all its apps
   spacel destroy --orbit production --region eu-west-1 --confirm production

Kept: resources with the DeletionPolicy Retain (the orbit's tables and log groups) or Snapshot (databases leave a last
snapshot), volumes made by instances, KMS keys, and objects uploaded to S3. A later deploy adopts the tables.

Other stacks: an app that survives may read an optional output of a deleted stack. It is updated first, to drop that
parameter with its rules and settings. If a surviving stack requires such an output, the command fails and changes
nothing.

Termination protection is turned off after the confirmation, one stack at a time. A stack with an operation in progress is
waited for. A failed deletion is tried twice. After that, on a terminal, you can delete the stack and leave the failed
resources behind. --leave-behind agrees to this beforehand.

Interrupts: after the first interrupt no further deletion begins. Running deletions are waited for, or left to
CloudFormation. The second interrupt leaves them. Running the command again continues.`

// destroyCommand deletes stacks. The work is done by package deploy/destroy: Prepare finds the stacks, their dependents and
// the resources that survive, Execute deletes. SPACEL_ORBIT is ignored, since a whole orbit could be destroyed by a variable.
func destroyCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "destroy",
		Usage:       "delete stacks, dependents first",
		ArgsUsage:   "DIR | --orbit ORBIT",
		Description: destroyDescription,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "orbit", TakesFile: true, Usage: "without a directory: the `ORBIT`, by its name or its manifest"},
		}, selectionFlags(), []cli.Flag{
			&cli.StringFlag{Name: "confirm", Usage: "confirm without a question, by the `NAME` that the question asks for"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show the plan, and change nothing", DisableDefaultText: true},
			&cli.BoolFlag{Name: "leave-behind",
				Usage: "delete stacks even if some resources cannot be deleted, and leave those in the account", DisableDefaultText: true},
			&cli.IntFlag{Name: "concurrency", Usage: "delete `N` stacks of a region at a time", DefaultText: "10"},
			&cli.DurationFlag{Name: "timeout", Usage: "detach after this `TIME`, such as 45m, and exit with 2", DefaultText: "none"},
		}, accessFlags()),
		Action: func(ctx *cli.Context) error { return runDestroy(c, ctx) },
	}, "text", "json")
}

// runDestroy checks the flags, finds the orbit and its regions, and starts the run.
func runDestroy(c *console, ctx *cli.Context) error {
	if err := checkPace(ctx); err != nil {
		return err
	}
	of, err := findDeployed(c, ctx, purpose(!ctx.Bool("dry-run")))
	if err != nil {
		return err
	}
	defer of.close()
	d := &destruction{console: c, interrupts: newInterruptHandler(c, ctx.Command.HelpName, false), flags: ctx, of: of,
		stacks: live.New(of.Cloud)}
	return d.run(ctx.Context)
}

// destruction is a run of the command. It implements destroy.Consent, through which the run asks questions.
type destruction struct {
	*console
	interrupts *interruptHandler
	flags      *cli.Context
	of         *target
	stacks     *live.Stacks
	late       atomic.Bool // --timeout passed
}

// run prepares, shows the plan, asks for the name and deletes. Interrupts are handled as in deployment.run.
func (d *destruction) run(ctx context.Context) error {
	ctx, release := takeOver(ctx, d.interrupts.interrupt)
	defer release()
	plan, err := d.prepare(ctx)
	if err != nil {
		return d.interrupts.interrupted(err)
	}
	// The plan is shown in every case. A dry run ends here, and so does an orbit without stacks.
	if err := d.showPlan(plan); err != nil || len(plan.Stacks) == 0 || d.flags.Bool("dry-run") {
		return err
	}
	d.interrupts.progress = newProgress(d.console, d.flags, "deleted", refsOf(plan))
	d.prompter.hold = d.interrupts.progress.hold
	d.waitingAsEvents(d.interrupts.progress.listen)
	if err := d.confirm(ctx, plan); err != nil {
		return d.interrupts.interrupted(err)
	}
	result, err := d.execute(ctx, plan)
	if err != nil {
		return d.interrupts.interrupted(d.orLate(err))
	}
	return errors.Join(d.report(result), d.verdict(result))
}

// prepare makes the plan. With a directory only its stacks are deleted, without one all stacks with the orbit's tag.
func (d *destruction) prepare(ctx context.Context) (*destroy.Plan, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.interrupts.preparing(cancel)
	scope := destroy.Scope{Orbit: d.of.Orbit, Names: d.of.selection.stacks, Apps: d.of.selection.apps, Regions: d.of.selection.regions,
		LeaveBehind: d.flags.Bool("leave-behind")}
	if d.of.artifact != nil {
		scope.Stacks = d.of.artifact.Manifest.Stacks
	}
	// A stack that reads an output of a deleted stack may be in any region, so that all enabled ones are searched for
	// dependents.
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

// refsOf returns the stacks to be deleted, for the progress display.
func refsOf(plan *destroy.Plan) []assembly.StackRef {
	var refs []assembly.StackRef
	for _, s := range plan.Stacks {
		refs = append(refs, s.StackRef)
	}
	return refs
}

// confirm asks for the name of the orbit or apps to be destroyed, or compares it with --confirm. There is no --yes, because
// a command line with it would destroy whatever the directory of the day happens to name.
func (d *destruction) confirm(ctx context.Context, plan *destroy.Plan) error {
	given, set := d.flags.String("confirm"), d.flags.IsSet("confirm")
	switch {
	// A wrong name in a script is a mistake, and no question could correct it.
	case set && given != plan.Name:
		return fmt.Errorf("%s: --confirm %s: the name to confirm is %s; nothing was changed", d.interrupts.command, given, plan.Name)
	case !set:
		question, done := d.interrupts.question(ctx)
		defer done()
		answer, err := d.prompter.line(question, "Type "+plan.Name+" to destroy it: ")
		if errors.Is(err, errNoTerminal) {
			return fmt.Errorf("%s: %w: give --confirm %s to go ahead, or --dry-run to see the plan only; nothing was changed",
				d.interrupts.command,
				err, plan.Name)
		}
		if err != nil {
			return err
		}
		if answer != plan.Name {
			return no(d.interrupts.command + ": not confirmed: nothing was changed")
		}
	}
	// An interrupt came first: the user was told that nothing changes, so nothing may begin.
	if !d.interrupts.begin() {
		return context.Canceled
	}
	return nil
}

// execute deletes the stacks. When --timeout passes it detaches: running deletions continue in CloudFormation, no further
// one begins, and orLate reports it.
func (d *destruction) execute(ctx context.Context, plan *destroy.Plan) (*destroy.Result, error) {
	if limit := d.flags.Duration("timeout"); limit > 0 {
		// The timer runs in a goroutine of its own, so late is atomic.
		timer := time.AfterFunc(limit, func() { d.late.Store(true); d.interrupts.control.Detach() })
		defer timer.Stop()
	}
	d.interrupts.progress.begin()
	defer d.interrupts.progress.end()
	defer d.interrupts.over()
	options := destroy.Options{Concurrency: d.flags.Int("concurrency"), Poll: d.poll, Patience: d.patience}
	return plan.Execute(ctx, d.of.Cloud, d.stacks, options, d, d.interrupts.control, d.interrupts.progress.listen)
}

// LeaveBehind implements destroy.Consent. --leave-behind answers yes. Without a terminal the answer is no.
func (d *destruction) LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error) {
	if d.flags.Bool("leave-behind") {
		return true, nil
	}
	if !d.prompter.possible() {
		return false, nil // the result says what is in the way
	}
	return (&consent{interrupts: d.interrupts}).LeaveBehind(ctx, stack, failed)
}

// verdict returns the error that decides the exit code, as in deployment.verdict.
func (d *destruction) verdict(r *destroy.Result) error {
	switch {
	case r.OK():
		return nil
	case d.interrupts.count() > 0:
		return d.interrupts.interrupted(nil)
	}
	return d.orLate(errNo)
}

// orLate returns the error of --timeout when its time has passed, else err.
func (d *destruction) orLate(err error) error {
	if !d.late.Load() {
		return err
	}
	return fmt.Errorf("%s: not done after %s (--timeout): operations continue in CloudFormation; run the same command again to continue",
		d.interrupts.command, d.flags.Duration("timeout"))
}
