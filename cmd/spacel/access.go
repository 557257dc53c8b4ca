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

const accessDescription = `The tables of each region of an orbit hold its users, their public keys, and the apps to whose instances each
user may log in. Every command tries all regions and prints the result of each. When one fails, the exit code is 2 and
the message says how to make the regions equal again.

   spacel access user add ada --key ada.pub --orbit production
   spacel access grant ada laika --orbit production        to laika's instances
   spacel access grant ada --operators --orbit production  to every instance
   spacel access list --orbit production
   spacel access user remove ada --orbit production        removes the user, keys and all rights`

// accessCommand builds the group that manages logins. Instances read the tables at each login, so that no change here needs
// a deployment: see docs/agent.md.
func accessCommand(c *console) *cli.Command {
	return group(&cli.Command{
		Name:        "access",
		Usage:       "manage who may log in to instances",
		Description: accessDescription,
		Subcommands: []*cli.Command{
			userCommand(c), grantCommand(c), revokeCommand(c), accessListCommand(c), accessSyncCommand(c),
		},
	})
}

// checkApp returns an error when no stack of the orbit is of this app, with the nearest name in case of a misspelling. An
// app found in one region passes although another region could not be asked.
func (t *target) checkApp(ctx context.Context, app string) error {
	// The apps come with err: those of the regions that answered. A name found among them is good enough.
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

// printOutcomes prints the result of a change in each region. Regions that failed for one reason share a line. When only
// some regions failed their tables may differ now, and the command that makes them equal again is printed.
func printOutcomes(c *console, ctx *cli.Context, to *target, all []access.Outcome) error {
	if ctx.String("output") == "json" {
		if err := c.printJSON(outcomesOf(all)); err != nil {
			return err
		}
	} else if !ctx.Bool("quiet") {
		printOutcomeLines(c.out, all)
	}
	// Regions are grouped by the text of their error: without permission, for example, all of them fail in the same way.
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
			"spacel: the regions may differ now: try again, or make them equal to %s: spacel access sync --from %s --orbit %s\n", good[0],
			good[0], shellLine([]string{ctx.String("orbit")}))
	}
	return failure(all)
}

// printOutcomeLines prints a line for each region that took the change. Errors are printed elsewhere, grouped by reason.
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

// outcomesOf converts outcomes for --output json. The result is never nil: no regions are [], not null.
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

// failure returns the error for the exit code when a region failed. The reason was printed by printOutcomes.
func failure(all []access.Outcome) error {
	if access.Failed(all) {
		return errSilent
	}
	return nil
}
