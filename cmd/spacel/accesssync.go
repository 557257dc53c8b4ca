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

func accessSyncCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:  "sync",
		Usage: "make the regions' tables equal",
		Description: `Without --from it says what differs, and exits with 1 when something does. With --from, every other region is made as that
one is: what it has beyond is removed, for it may be a right that was revoked.

   spacel access sync --orbit production
   spacel access sync --from us-east-1 --orbit production`,
		Flags: append(targetFlags(), &cli.StringFlag{Name: "from", Usage: "make the others as this `REGION` is"}),
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 0, "no arguments"); err != nil {
				return err
			}
			return syncTables(c, ctx)
		},
	}, "text", "json")
}

func syncTables(c *console, ctx *cli.Context) error {
	to, err := findTarget(c, ctx)
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

// compareRegions says how the regions differ from the first.
func compareTables(c *console, ctx *cli.Context, read []access.Snapshot, failed error) error {
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
	fmt.Fprintf(c.out, "compared with %s; say whose state is right: spacel access sync --from REGION --orbit %s\n", read[0].Region,
		shellLine([]string{ctx.String("orbit")}))
}

func regionsOfAll(read []access.Snapshot) []string {
	var names []string
	for _, s := range read {
		names = append(names, s.Region)
	}
	return names
}

// short is a key's fingerprint; other words are short.
func short(word string) string {
	if key, err := sshkey.Parse(word); err == nil {
		return strings.TrimSpace(key.Fingerprint + " " + key.Comment)
	}
	return word
}
