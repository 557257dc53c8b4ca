package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
)

const rollbackDescription = `Deploys the last good release of an app again, in every region of the orbit: its templates, version, image and
agent, as they are recorded. It needs no manifest and no artifact directory: the artifact is kept in the orbit's buckets. The record's
signature and every digest are verified before.

   spacel rollback laika --orbit production              show what changes, ask, go back to the last good release
   spacel rollback laika --to 9 --orbit production       to release 9, see spacel releases laika
   spacel rollback laika --orbit production --region us-east-1 --yes

The last good release is the one before the present release. If the present one did not end well, it is the newest that
did. A second rollback goes back further. After a rollback that failed or was interrupted, the same command goes on.

What does not go back: data, the number of instances, secrets, and the changes of release tasks. A rollback runs no task,
and no alarm guards it. The plan says what applies.

Questions, interrupts, failures and output are the same as for spacel deploy, see spacel deploy -h.`

// rollbackCommand deploys a recorded release. It shares plan, questions and progress with deployCommand.
func rollbackCommand(c *console) *cli.Command {
	flags := slices.DeleteFunc(deployFlags(), func(f cli.Flag) bool {
		return slices.Contains([]string{"version", "force", "ignore-alarm"}, f.Names()[0])
	})
	return command(&cli.Command{
		Name:        "rollback",
		Usage:       "deploy the last good release of an app again",
		ArgsUsage:   "[APP]",
		Description: rollbackDescription,
		Flags: slices.Concat(targetFlags(), []cli.Flag{
			&cli.IntFlag{Name: "to", Usage: "go back to the release `N` of spacel releases", DefaultText: "the last good one"},
		}, flags),
		Action: func(ctx *cli.Context) error { return runRollback(c, ctx) },
	}, "text", "json")
}

// runRollback finds the release, fetches its artifact and runs it as deploy does.
func runRollback(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 1, "the app's name"); err != nil {
		return err
	}
	if n := ctx.Int("to"); ctx.IsSet("to") && n < 1 {
		return fmt.Errorf("--to must be the number of a release, from 1, got %d", n)
	}
	options, err := deployOptions(c, ctx)
	if err != nil {
		return err
	}
	// The artifact is made of the chosen regions only, so a second selection by region would be one too many.
	options.Directory, options.Regions = "", nil
	to, err := findTarget(c, ctx, toChange)
	if err != nil {
		return err
	}
	back, err := to.findRelease(ctx.Context, ctx.Args().First(), ctx.Int("to"))
	if err != nil {
		return err
	}
	options.Rollback = back
	// The guard is left out: a rollback is needed while an alarm is on, and CloudFormation would roll the rollback back. The next
	// deploy sets it again.
	stage := staging.New(to.Cloud, staging.Buckets{})
	a, err := history.Fetch(ctx.Context, stage, to.Orbit, recordsOf(back), func(_ history.Record, s *assembly.Stack) { s.Guard = nil })
	if err != nil {
		return explainFetch(err)
	}
	defer a.Close()
	if !ctx.Bool("quiet") && ctx.String("output") != "json" {
		fmt.Fprintf(c.out, "rollback of %s to release %d\n", ctx.Args().First(), back.Number)
	}
	d := &deployment{c, newInterruptHandler(c, ctx.Command.HelpName, true), ctx, options, to.Cloud}
	return d.run(ctx.Context, a)
}

// explainFetch adds the next step to the error about an artifact.
func explainFetch(err error) error {
	if errors.Is(err, history.ErrNotKept) || errors.Is(err, staging.ErrGone) || errors.Is(err, staging.ErrExchanged) {
		return fmt.Errorf("%w; choose another release with --to, or deploy the old commit with spacel build and deploy", err)
	}
	return err
}

// recordsOf lists the records of a rollback's targets by region.
func recordsOf(back *deploy.Rollback) []history.Record {
	var records []history.Record
	for _, t := range back.Targets {
		records = append(records, t.Record)
	}
	slices.SortFunc(records, func(a, b history.Record) int { return strings.Compare(a.Region, b.Region) })
	return records
}

// findRelease finds the release to go back to in each region in which the app is deployed or was. All regions must go to one release:
// else the user says which. A rollback that has not ended well in every region is done again in all of them.
func (t *target) findRelease(ctx context.Context, app string, number int) (*deploy.Rollback, error) {
	back, problems, err := t.findIn(ctx, app, number)
	if err != nil {
		return nil, err
	}
	if unfinished := back.Unfinished(); unfinished > 0 && number == 0 {
		// The regions in which it ended well have this release by now, and their plan says so.
		if back, problems, err = t.findIn(ctx, app, unfinished); err != nil {
			return nil, err
		}
	}
	// The problems of all regions are told at once.
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if len(back.Targets) == 0 {
		if err := t.checkApp(ctx, app); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("no release of %s is recorded in %s", app, strings.Join(t.Regions, ", "))
	}
	for _, r := range recordsOf(back) {
		back.Number = max(back.Number, r.Number)
	}
	// Two versions of one app would run side by side, which nobody asked for.
	if differing := back.Differs(); differing != "" {
		return nil, fmt.Errorf("the last good release differs: %s: choose one with --to, or regions with --region", differing)
	}
	return back, nil
}

// findIn finds a release in each region. The problems are those of the regions without one.
func (t *target) findIn(ctx context.Context, app string, number int) (back *deploy.Rollback, problems []error, err error) {
	back = &deploy.Rollback{Targets: map[assembly.StackRef]history.Target{}}
	// The stacks are read because their last change tells whether the newest record describes the deployed stack.
	stacks := live.New(t.Cloud)
	absent := map[assembly.StackRef]error{}
	for _, region := range t.Regions {
		ref := assembly.StackRef{Region: region, Name: document.StackName(t.Orbit, app)}
		stack, err := stacks.Refresh(ctx, ref)
		if err != nil {
			return nil, nil, err
		}
		found, err := findOne(ctx, history.Open(t.Cloud, t.Orbit, region), app, number, stack)
		switch {
		case errors.Is(err, history.ErrNoRelease) && !stack.Exists(): // the app was never in this region
		case errors.Is(err, history.ErrNoNumber):
			absent[ref] = err
		case err != nil:
			problems = append(problems, err)
		default:
			back.Targets[ref] = found
		}
	}
	byRegion := func(a, b assembly.StackRef) int { return strings.Compare(a.Region, b.Region) }
	for _, ref := range slices.SortedFunc(maps.Keys(absent), byRegion) {
		found, there, err := t.findSame(ctx, app, ref, number, back)
		switch {
		case err != nil:
			return nil, nil, err
		case there:
			back.Targets[ref] = found
		default:
			problems = append(problems, absent[ref])
		}
	}
	return back, problems, nil
}

// findSame finds the release of a number in a region where a run under an earlier number had finished it: the good one before, if it is
// the same as in the other regions.
func (t *target) findSame(ctx context.Context, app string, ref assembly.StackRef, number int, back *deploy.Rollback) (
	found history.Target, there bool, err error,
) {
	store := history.Open(t.Cloud, t.Orbit, ref.Region)
	before, there, err := store.Before(ctx, app, number)
	if err != nil || !there {
		return found, false, err
	}
	for _, other := range back.Targets {
		if !before.Same(other.Record) {
			return found, false, nil
		}
	}
	if len(back.Targets) == 0 {
		return found, false, nil
	}
	found, err = store.Find(ctx, app, before.Number, time.Time{})
	return found, err == nil, err
}

// findOne finds the release of one region.
func findOne(ctx context.Context, s *history.Store, app string, number int, stack *live.Stack) (history.Target, error) {
	if !stack.Exists() {
		stack = &live.Stack{}
	}
	found, err := s.Find(ctx, app, number, stack.Changed())
	if errors.Is(err, history.ErrNoTable) {
		err = fmt.Errorf("%w: deploy the orbit's own stacks once, and the next release of %s is recorded", err, app)
	}
	return found, err
}
