package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/access"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/schema/report"
)

const accessDescription = `An orbit keeps in tables of each region who its users are, with which keys they log in, and which apps' instances they may
log in to. Every command tries all regions and says how each answered. When one fails, the exit code is 2 and the
message says how to make the regions equal again.

   spacel access user add ada --key ada.pub --orbit production
   spacel access grant ada laika --orbit production        to laika's instances
   spacel access grant ada --operators --orbit production  to every instance
   spacel access list --orbit production
   spacel access user remove ada --orbit production        ends all of it`

func accessCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "access",
		Usage:       "say who may log in to instances",
		Description: accessDescription,
		Subcommands: []*cli.Command{
			userCommand(c), grantCommand(c), revokeCommand(c), accessListCommand(c), accessSyncCommand(c),
		},
	})
}

// checkApp finds an app's name misspelt.
func (t *target) checkApp(ctx context.Context, app string) error {
	apps, err := live.Apps(ctx, t.Cloud, t.Orbit, t.Regions)
	if slices.Contains(apps, app) {
		return nil
	}
	if err != nil {
		return err
	}
	where := strings.Join(t.Regions, ", ")
	if len(apps) == 0 {
		return fmt.Errorf("orbit %s has no app in %s: check its name, the regions and the credentials", t.Orbit, where)
	}
	return fmt.Errorf("orbit %s has no app %s in %s%s", t.Orbit, app, where,
		cmp.Or(report.Suggest(app, apps), "; there are "+strings.Join(apps, ", ")))
}

// outcome is an access.Outcome as --output json has it.
type outcome struct {
	Region  string `json:"region"`
	Changed bool   `json:"changed"`
	Error   string `json:"error,omitempty"`
}

// outcomes prints what became of a change in each region, and how to repair what failed.
func printOutcomes(c *console, ctx *cli.Context, to *target, all []access.Outcome) error {
	if ctx.String("output") == "json" {
		if err := c.printJSON(outcomesOf(all)); err != nil {
			return err
		}
	} else if !ctx.Bool("quiet") {
		printOutcomeLines(c.out, all)
	}
	var good []string
	failed := map[string][]string{}
	for _, o := range all {
		if o.Err == nil {
			good = append(good, o.Region)
			continue
		}
		text := o.Err.Error()
		failed[text] = append(failed[text], o.Region)
	}
	for _, text := range slices.Sorted(maps.Keys(failed)) {
		fmt.Fprintf(c.stderr, "spacel: %s: %s\n", strings.Join(failed[text], ", "), text)
	}
	if len(failed) > 0 && len(good) > 0 {
		fmt.Fprintf(c.stderr,
			"spacel: the regions may differ now: try again, or make them as %s is: spacel access sync --from %s --orbit %s\n", good[0],
			good[0], shellLine([]string{ctx.String("orbit")}))
	}
	return failure(all)
}

func printOutcomeLines(w io.Writer, all []access.Outcome) {
	for _, o := range all {
		switch {
		case o.Err != nil:
		case o.Changed:
			fmt.Fprintf(w, "%s: done\n", o.Region)
		default:
			fmt.Fprintf(w, "%s: nothing to change\n", o.Region)
		}
	}
}

func outcomesOf(all []access.Outcome) []outcome {
	printed := []outcome{}
	for _, o := range all {
		text := ""
		if o.Err != nil {
			text = o.Err.Error()
		}
		printed = append(printed, outcome{o.Region, o.Changed, text})
	}
	return printed
}

func failure(all []access.Outcome) error {
	if access.Failed(all) {
		return errSilent
	}
	return nil
}
