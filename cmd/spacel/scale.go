package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/temporary"
)

const scaleDescription = `Gives an app N instances in each region, at once and without a deployment. Scaling policies may add more, up to
instance_max, and remove none. An N above instance_max raises it, and an N below instance_min lowers it, for this time.
0 stops the app.

It ends at the time of --for, with spacel scale APP off, or with the next spacel deploy of the app, whose plan says so.
The group then has its sizes of before. AWS ends it at the time by itself, by a scheduled action of the group.

   spacel scale laika 6 --for 2h --orbit production
   spacel scale laika off --orbit production`

// scaleCommand changes the sizes of groups for some time.
func scaleCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "scale",
		Usage:       "change an app's number of instances for some time",
		ArgsUsage:   "APP N|off",
		Description: scaleDescription,
		Flags:       append(targetFlags(), forFlag()),
		Action:      func(ctx *cli.Context) error { return runScale(c, ctx) },
	}, "text", "json")
}

// forFlag ends a temporary change.
func forFlag() cli.Flag {
	return &cli.DurationFlag{Name: "for", Usage: "end it after this `TIME`, such as 2h", DefaultText: "with the next deploy"}
}

// shortest and longest are the limits of --for. AWS takes no time in the past, which a minute's delay would make of a shorter time.
const (
	shortest = 2 * time.Minute
	longest  = 365 * 24 * time.Hour
)

// untilOf returns the end that --for asks for, in whole minutes, or nil.
func untilOf(ctx *cli.Context) (*time.Time, error) {
	if !ctx.IsSet("for") {
		return nil, nil
	}
	length := ctx.Duration("for")
	if length < shortest || length > longest {
		return nil, fmt.Errorf("%s: --for must be 2m to 8760h, got %s", ctx.Command.HelpName, length)
	}
	// Auto Scaling starts actions at whole minutes, and people read times so.
	until := time.Now().Add(length).UTC().Round(time.Minute)
	return &until, nil
}

// Regions change one by one, and each has its own record. When one fails, the command says so, exits with 2, and can be repeated: a
// region with the change is set to the same sizes again, and keeps the sizes from before the first change.

// change is the result of a temporary change in one region, as --output json has it.
type change struct {
	Region string           `json:"region"`
	Before *temporary.Sizes `json:"before,omitempty"`
	After  *temporary.Sizes `json:"after,omitempty"`
	Until  *time.Time       `json:"until,omitempty"`
	Ended  bool             `json:"ended,omitempty"`
	Error  string           `json:"error,omitempty"`

	text string // of a region that changed
}

// runScale reads the number, checks every region, and changes them.
func runScale(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 2, "an app's name, and a number of instances or off"); err != nil {
		return err
	}
	word := ctx.Args().Get(1)
	if word == "off" {
		return runEnd(c, ctx, temporary.Scale)
	}
	const most = 10000
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("%s: the number of instances must be 0 to %d, or off, got %q", ctx.Command.HelpName, most, word)
	}
	until, err := untilOf(ctx)
	if err != nil {
		return err
	}
	t, targets, by, err := findTemporary(c, ctx, temporary.Scale)
	if err != nil {
		return err
	}
	plans, err := planEach(targets, func(target temporary.Target) (temporary.Scaling, error) {
		return target.PlanScaling(ctx.Context, n)
	})
	if err != nil {
		return err
	}
	// One region after the other: a mistake shows in the first one, before it is everywhere.
	var done []change
	for _, plan := range plans {
		made := change{Region: plan.Region, Before: &plan.Now, After: &plan.After, Until: until, text: scaleText(plan, until)}
		if err := plan.Apply(ctx.Context, until, by); err != nil {
			made.Error = err.Error()
		}
		done = append(done, made)
	}
	return printChanges(c, ctx, t, done)
}

// planEach plans the change of each region before any of them changes. A region that cannot change must not be found after others have
// changed.
func planEach[P any](targets []temporary.Target, plan func(temporary.Target) (P, error)) ([]P, error) {
	plans, problems := make([]P, len(targets)), make([]error, len(targets))
	for i, target := range targets {
		plans[i], problems[i] = plan(target)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("nothing was changed: %w", err)
	}
	return plans, nil
}

// scaleText says what changes in a region.
func scaleText(s temporary.Scaling, until *time.Time) string {
	text := fmt.Sprintf("%d → %d instances", s.Now.Desired, s.After.Desired)
	if s.After.Max > s.Before.Max {
		text += fmt.Sprintf(" (instance_max is %d, and raised to %d for this time)", s.Before.Max, s.After.Max)
	}
	return text + untilText(until)
}

// untilText says when a change ends.
func untilText(until *time.Time) string {
	if until == nil {
		return ", until the next deploy"
	}
	return ", until " + until.Format(time.RFC3339)
}

// findTemporary finds the app in all regions of the orbit, and the caller. No region may be unable to change: then none does.
func findTemporary(c *console, ctx *cli.Context, kind temporary.Kind) (t *target, targets []temporary.Target, by string, err error) {
	if t, err = findTarget(c, ctx, toChange); err != nil {
		return nil, nil, "", err
	}
	app := ctx.Args().First()
	targets, err = temporary.FindTargets(ctx.Context, t.Cloud, live.New(t.Cloud), t.Orbit, app, t.Regions, kind)
	if err != nil {
		return nil, nil, "", fmt.Errorf("nothing was changed: %w", err)
	}
	if len(targets) == 0 {
		if err := t.checkApp(ctx.Context, app); err != nil {
			return nil, nil, "", err
		}
		return nil, nil, "", fmt.Errorf("app %s is not deployed there", app)
	}
	who, err := t.Identity(ctx.Context, targets[0].Region)
	return t, targets, who.ARN, err
}

// runEnd ends a change in all regions. A region without one is left alone.
func runEnd(c *console, ctx *cli.Context, kind temporary.Kind) error {
	if ctx.IsSet("for") {
		return fmt.Errorf("%s: --for has no meaning with off", ctx.Command.HelpName)
	}
	t, targets, _, err := findTemporary(c, ctx, kind)
	if err != nil {
		return err
	}
	var done []change
	for _, target := range targets {
		// A region without a change is no error: the command may be repeated after one region failed.
		made := change{Region: target.Region, text: fmt.Sprintf("no %s to end", kind)}
		if target.State != nil {
			made.Ended, made.text = true, target.State.AfterEnd()
			if err := target.End(ctx.Context); err != nil {
				made.Ended, made.Error = false, err.Error()
			}
		}
		done = append(done, made)
	}
	return printChanges(c, ctx, t, done)
}

// printChanges prints the result of each region. With a region that failed, the others may have changed: the same command again
// does the rest.
func printChanges(c *console, ctx *cli.Context, t *target, done []change) error {
	// Standard output has the regions that changed, standard error those that did not, in the order of the regions.
	var failed []error
	for _, made := range done {
		if made.Error != "" {
			failed = append(failed, errors.New(made.Error))
		} else if !ctx.Bool("quiet") && ctx.String("output") == "text" {
			fmt.Fprintf(c.out, "%s: %s\n", made.Region, made.text)
		}
	}
	if ctx.String("output") == "json" {
		if err := c.printJSON(done); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		failed = append(failed, fmt.Errorf("the change is incomplete: run the command again, or end it with %s %s off --orbit %s",
			ctx.Command.HelpName, ctx.Args().First(), t.Orbit))
	}
	return errors.Join(failed...)
}
