package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/temporary"
)

const maintenanceDescription = `With on, the app's load balancer answers every request by itself, with status 503 and a short text, in every
region. Instances go on running, and their health checks, too. It needs an app whose public ports are all HTTP or HTTPS.

It ends at the time of --for, with off, or with the next spacel deploy of the app, whose plan says so. Amazon EventBridge
Scheduler ends it at the time, by a role of the stack <orbit>-tables.

   spacel maintenance laika on --for 30m --orbit production
   spacel maintenance laika on --text '<h1>Back at 9</h1>' --orbit production
   spacel maintenance laika off --orbit production`

// Maintenance is for the visitors and not for the app: its instances run, its jobs run, and people log in as always. A text of the
// user's may be HTML, and has at most the 1,024 bytes of a load balancer's fixed answer.

// maintenanceCommand has load balancers answer in place of an app.
func maintenanceCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "maintenance",
		Usage:       "answer every request of an app with a fixed text",
		ArgsUsage:   "APP on|off",
		Description: maintenanceDescription,
		Flags: append(targetFlags(), forFlag(),
			&cli.StringFlag{Name: "text", Value: "Down for maintenance. Please try again later.\n",
				Usage: "answer with this `TEXT`, as HTML if it begins with <; at most 1024 bytes", DefaultText: "a sentence"},
			&cli.IntFlag{Name: "status", Value: 503, Usage: "answer with this `CODE`, 200 to 599 without 3xx"},
		),
		Action: func(ctx *cli.Context) error { return runMaintenance(c, ctx) },
	}, "text", "json")
}

// runMaintenance checks every region before it changes one.
func runMaintenance(c *console, ctx *cli.Context) error {
	if err := exactly(ctx, 2, "an app's name, and on or off"); err != nil {
		return err
	}
	switch word := ctx.Args().Get(1); word {
	case "on":
	case "off":
		return runEnd(c, ctx, temporary.Maintenance)
	default:
		return fmt.Errorf("%s: on or off? Got %q", ctx.Command.HelpName, word)
	}
	answer := temporary.Answer{Status: ctx.Int("status"), Text: ctx.String("text")}
	if err := answer.Check(); err != nil {
		return fmt.Errorf("%s: %w", ctx.Command.HelpName, err)
	}
	until, err := untilOf(ctx)
	if err != nil {
		return err
	}
	t, targets, by, err := findTemporary(c, ctx, temporary.Maintenance)
	if err != nil {
		return err
	}
	// The scheduler's role is looked up before the first change, too: an older orbit has none.
	stacks := live.New(t.Cloud)
	plans, err := planEach(targets, func(target temporary.Target) (temporary.Closing, error) {
		plan, err := target.PlanClosing(ctx.Context, stacks)
		if err == nil && until != nil {
			err = plan.NeedsSchedule(ctx.Context, stacks)
		}
		return plan, err
	})
	if err != nil {
		return err
	}
	var done []change
	for _, plan := range plans {
		made := change{Region: plan.Region, Until: until,
			text: fmt.Sprintf("every request is answered with %d%s", answer.Status, untilText(until))}
		if err := plan.Apply(ctx.Context, answer, until, by); err != nil {
			made.Error = err.Error()
		}
		done = append(done, made)
	}
	return printChanges(c, ctx, t, done)
}
