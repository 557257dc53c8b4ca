package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/instances"
	"github.com/pebble/spacel/deploy/live"
)

const instancesDescription = `HEALTH is the load balancer's state of the instance, or without a load balancer that of the auto scaling
group. VERSION is "older" for an instance of an older launch template, which an update has yet to replace.

   spacel instances laika --orbit production
   spacel instances laika --orbit production --region us-east-1 --output json`

// instancesCommand lists the instances of all regions in one table. Regions that could not be asked are an error at the end.
func instancesCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "instances",
		Usage:       "list an app's instances",
		ArgsUsage:   "[APP]",
		Description: instancesDescription,
		Flags:       targetFlags(),
		Action: func(ctx *cli.Context) error {
			to, found, err := findInstances(c, ctx, ctx.Args().First(), exactly(ctx, 1, "the app's name"))
			if to == nil || err != nil && len(found) == 0 {
				return err
			}
			return cmp.Or(printInstances(c, ctx, found), err, noteFailedLaunches(c, ctx, to))
		},
	}, "text", "json")
}

// findInstances lists an app's instances in all regions of the orbit. It is an error when the app has no stack. Instances of
// the regions that answered are returned together with the error of those that did not.
func findInstances(c *console, ctx *cli.Context, app string, usage error) (*target, []instances.Instance, error) {
	if usage != nil {
		return nil, nil, usage
	}
	to, err := findTarget(c, ctx, toRead)
	if err != nil {
		return nil, nil, err
	}
	found, err := instances.List(ctx.Context, to.Cloud, live.New(to.Cloud), to.Orbit, app, to.Regions)
	if err == nil && len(found) == 0 {
		err = to.checkApp(ctx.Context, app)
	}
	return to, found, err
}

// noteFailedLaunches says on standard error why an app has fewer instances than it should, for each region and reason of the last hour.
func noteFailedLaunches(c *console, ctx *cli.Context, to *target) error {
	stacks := live.New(to.Cloud)
	var problems []error
	for _, region := range to.Regions {
		stack, err := stacks.Get(ctx.Context, assembly.StackRef{Region: region, Name: document.StackName(to.Orbit, ctx.Args().First())})
		if err != nil || stack == nil {
			problems = append(problems, err)
			continue
		}
		failed, err := stacks.FailedLaunches(ctx.Context, stack, time.Now().Add(-time.Hour))
		if live.IsRefusal(err) {
			fmt.Fprintf(c.stderr, "warning: failed launches are not shown: %s\n", printable(err.Error()))
			continue
		}
		problems = append(problems, err)
		last := map[string]live.Event{}
		for _, e := range failed {
			last[e.Reason] = e
		}
		for _, reason := range slices.Sorted(maps.Keys(last)) {
			fmt.Fprintf(c.stderr, "%s: EC2 could not launch an instance, last at %s: %s\n", region,
				last[reason].Time.Format(time.RFC3339), printable(reason))
		}
	}
	return errors.Join(problems...)
}

// printInstances prints instances as a table or as JSON. No instances are no error: an app may be scaled to zero. The table shows the
// public address of an instance if it has one, else the private one.
func printInstances(c *console, ctx *cli.Context, found []instances.Instance) error {
	if ctx.String("output") == "json" {
		// A list without elements is [] for programs, not null.
		if found == nil {
			found = []instances.Instance{}
		}
		return c.printJSON(found)
	}
	if len(found) == 0 {
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.stderr, "app %s has no instances\n", ctx.Args().First())
		}
		return nil
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "INSTANCE\tZONE\tTYPE\tADDRESS\tSTATE\tHEALTH\tVERSION\tAGE")
	for _, i := range found {
		version := i.Version
		if !i.Current {
			version = "older"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.ID, i.Zone, i.Type, cmp.Or(i.PublicIP, i.PrivateIP), i.State, i.Health,
			version, age(i.Launched))
	}
	return cmp.Or(table.Flush(), c.out.err)
}

// age returns the time since an instance was launched, in its two largest units, or "-" when it is not known.
func age(since time.Time) string {
	minutes := max(int(time.Since(since).Minutes()), 0)
	switch {
	case since.IsZero():
		return "-"
	case minutes < 60:
		return fmt.Sprintf("%dm", minutes)
	case minutes < 24*60:
		return fmt.Sprintf("%dh%02dm", minutes/60, minutes%60)
	}
	return fmt.Sprintf("%dd%dh", minutes/60/24, minutes/60%24)
}
