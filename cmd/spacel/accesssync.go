package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/sshkey"
	"github.com/pebble/spacel/deploy/access"
)

// accessSyncCommand compares the tables of all regions, which can differ after a command failed in some of them.
func accessSyncCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:  "sync",
		Usage: "make the regions' tables equal",
		Description: `Without --from it prints the differences between the regions' tables, and exits with 1 if there are any. With --from
it makes all other regions equal to that one. Users and rights that only another region has are removed there, because
they may have been revoked.

   spacel access sync --orbit production
   spacel access sync --from us-east-1 --orbit production`,
		Flags: append(targetFlags(), &cli.StringFlag{Name: "from", Usage: "make the other regions equal to this `REGION`"}),
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 0, "no arguments"); err != nil {
				return err
			}
			return syncTables(c, ctx)
		},
	}, "text", "json")
}

// syncTables compares the regions' tables, or with --from overwrites all others with those of one region. Nothing decides
// which region is right, because a row that one region lacks may be a failed grant or a failed revocation.
func syncTables(c *console, ctx *cli.Context) error {
	to, err := findTarget(c, ctx, purpose(ctx.String("from") != ""))
	if err != nil {
		return err
	}
	tables := access.New(to.Cloud, to.Orbit, to.Regions)
	read, failed := tables.Read(ctx.Context)
	from := ctx.String("from")
	if from == "" {
		return compareTables(c, ctx, read, failed)
	}
	for _, s := range read {
		if s.Region == from {
			return printOutcomes(c, ctx, to, tables.Sync(ctx.Context, s))
		}
	}
	return cmp.Or(failed, fmt.Errorf("spacel access sync: --from %s: must be one of %s", from, strings.Join(to.Regions, ", ")))
}

// compareTables prints the differences of each region from the first one. It returns errNo if there are any: a
// script can then test for drift between regions.
func compareTables(c *console, ctx *cli.Context, read []access.Snapshot, failed error) error {
	// Without all regions the answer would be "equal" for tables that nobody has seen, so there is no partial comparison.
	if failed != nil {
		return failed
	}
	found := map[string][]access.Difference{}
	for _, s := range read[1:] {
		if d := s.Differences(read[0]); d != nil {
			found[s.Region] = d
		}
	}
	if ctx.String("output") == "json" {
		if err := c.printJSON(found); err != nil {
			return err
		}
	} else {
		printDifferences(c, ctx, read, found)
	}
	if len(found) > 0 {
		return errNo
	}
	return nil
}

// printDifferences prints a line for each user key or right that one region has and the first region lacks, or the reverse,
// and then the command that makes them equal. It cannot choose the region: either state may be the right one.
func printDifferences(c *console, ctx *cli.Context, read []access.Snapshot, found map[string][]access.Difference) {
	if len(found) == 0 {
		if !ctx.Bool("quiet") {
			fmt.Fprintf(c.out, "equal: %s\n", strings.Join(regionsOfAll(read), ", "))
		}
		return
	}
	for _, region := range slices.Sorted(maps.Keys(found)) {
		for _, d := range found[region] {
			for _, word := range d.Missing {
				fmt.Fprintf(c.out, "%s lacks %s %s: %s\n", region, d.Table, d.Name, short(word))
			}
			for _, word := range d.Extra {
				fmt.Fprintf(c.out, "%s has %s %s: %s\n", region, d.Table, d.Name, short(word))
			}
		}
	}
	fmt.Fprintf(c.out, "compared with %s; to make all regions equal to one: spacel access sync --from REGION --orbit %s\n", read[0].Region,
		shellLine([]string{ctx.String("orbit")}))
}

// regionsOfAll returns the regions that were read, in their order.
func regionsOfAll(read []access.Snapshot) []string {
	var names []string
	for _, s := range read {
		names = append(names, s.Region)
	}
	return names
}

// short returns the fingerprint and comment of a public key, which would fill the line. Other words stay as they are.
func short(word string) string {
	if key, err := sshkey.Parse(word); err == nil {
		return strings.TrimSpace(key.Fingerprint + " " + key.Comment)
	}
	return word
}
