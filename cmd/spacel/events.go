package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

const eventsDescription = `Prints the events of an app's stacks, or without an APP of all the orbit's stacks, in order of time.

   spacel events laika --orbit production                  of the last hour
   spacel events --orbit production --since 24h --region us-east-1
   spacel events laika --orbit production --follow`

// eventsCommand prints CloudFormation's own events. The events that deploy prints while it runs are in deployevents.go.
func eventsCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "events",
		Usage:       "print the CloudFormation events of stacks",
		ArgsUsage:   "[APP]",
		Description: eventsDescription,
		Flags:       append(targetFlags(), sinceFlag(time.Hour), followFlag()),
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 1 {
				return exactly(ctx, 1, "at most one app")
			}
			to, err := findTarget(c, ctx, toRead)
			if err != nil {
				return err
			}
			from, err := since(ctx)
			if err != nil {
				return err
			}
			p := eventPrinter{console: c, of: to, since: from, printed: map[string]bool{}}
			err = repeat(ctx, func() error { return p.printNew(ctx) })
			if err == nil && len(p.printed) == 0 && !ctx.Bool("quiet") && !ctx.Bool("follow") {
				fmt.Fprintf(c.stderr, "no events in the last %s; use --since to go back further\n", spoken(ctx.Duration("since")))
			}
			return err
		},
	}, "text", "json")
}

// eventPrinter prints each event of an orbit's stacks once. CloudFormation has no cursor for new events, so that --follow
// reads the same ones again, and printed filters them.
type eventPrinter struct {
	*console
	of      *target
	since   time.Time
	printed map[string]bool // by region and event id
}

// printNew prints the events that were not printed before. They come sorted by time, but with --follow an event of one
// region may be found after a later one of another.
func (p eventPrinter) printNew(ctx *cli.Context) error {
	events, err := p.events(ctx.Context, ctx.Args().First())
	if err != nil {
		return err
	}
	for _, e := range events {
		// The region is part of the key, because nothing promises that the ids of two regions differ.
		if p.printed[e.Region+e.ID] {
			continue
		}
		p.printed[e.Region+e.ID] = true
		if err := p.print(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// events reads the events of all stacks since p.since, in order of time. The stacks are listed again each time: --follow
// shows stacks created in the meantime.
func (p eventPrinter) events(ctx context.Context, app string) ([]live.Event, error) {
	// A new live.Stacks each time has nothing remembered from the last look.
	stacks := live.New(p.of.Cloud)
	refs, err := p.of.stacksOf(ctx, stacks, app)
	if err != nil {
		return nil, err
	}
	var all []live.Event
	for _, ref := range refs {
		events, err := stacks.Events(ctx, ref, p.since)
		if err != nil {
			return nil, err
		}
		failed, err := p.failedLaunches(ctx, stacks, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, append(events, failed...)...)
	}
	slices.SortStableFunc(all, func(a, b live.Event) int { return a.Time.Compare(b.Time) })
	return all, nil
}

// failedLaunches returns the launches that failed in a stack's groups. Credentials that may not read them get a warning, once.
func (p eventPrinter) failedLaunches(ctx context.Context, stacks *live.Stacks, ref assembly.StackRef) ([]live.Event, error) {
	stack, err := stacks.Get(ctx, ref)
	if err != nil || stack == nil {
		return nil, err
	}
	failed, err := stacks.FailedLaunches(ctx, stack, p.since)
	if live.IsRefusal(err) {
		if !p.printed[err.Error()] {
			p.printed[err.Error()] = true
			fmt.Fprintf(p.stderr, "warning: failed launches are not shown: %s\n", printable(err.Error()))
		}
		return nil, nil
	}
	return failed, err
}

// stacksOf returns the stacks of an app, or all stacks of the orbit. When the app has none its name is reported as misspelt.
func (t *target) stacksOf(ctx context.Context, stacks *live.Stacks, app string) ([]assembly.StackRef, error) {
	var refs []assembly.StackRef
	for _, region := range t.Regions {
		found, err := stacks.List(ctx, region, t.Orbit)
		if err != nil {
			return nil, err
		}
		for _, stack := range found {
			if app == "" || stack.App() == app {
				refs = append(refs, stack.StackRef)
			}
		}
	}
	if len(refs) == 0 && app != "" {
		return nil, t.checkApp(ctx, app)
	}
	return refs, nil
}

// print prints an event. CloudFormation's events of a stack itself have the stack's name as their resource.
func (p eventPrinter) print(ctx *cli.Context, e live.Event) error {
	if ctx.String("output") == "json" {
		jsonLine(p.out, e)
		return p.out.err
	}
	what := e.Resource + " (" + e.Type + ")"
	if e.Resource == e.Stack {
		what = "stack"
	}
	line := fmt.Sprintf("%s %s/%s %s %s", e.Time.Format(time.RFC3339), e.Region, e.Stack, what, e.Status)
	if e.Reason != "" {
		line += ": " + e.Reason
	}
	_, err := fmt.Fprintln(p.out, printable(line))
	return err
}
