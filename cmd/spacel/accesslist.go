package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/sshkey"
	"github.com/pebble/spacel/deploy/access"
)

func userListCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "list",
		Usage:       "list users and the fingerprints of their keys",
		Description: "   spacel access user list --orbit production",
		Flags:       targetFlags(),
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 0, "no arguments"); err != nil {
				return err
			}
			to, err := c.target(ctx)
			if err != nil {
				return err
			}
			return c.snapshots(ctx, to, userRows, []string{"USER", "KEY", "COMMENT", "REGIONS"})
		},
	}, "text", "json")
}

func accessListCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "list",
		Usage:     "list who may log in to what",
		ArgsUsage: "[APP]",
		Description: `   spacel access list --orbit production
   spacel access list laika --orbit production     to laika's instances, operators included`,
		Flags: targetFlags(),
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 1 {
				return exactly(ctx, 1, "at most one app")
			}
			return c.grants(ctx, ctx.Args().First())
		},
	}, "text", "json")
}

// grants prints who may log in to an app, or to any. An app that nobody is granted must be one.
func (c *console) grants(ctx *cli.Context, app string) error {
	to, err := c.target(ctx)
	if err != nil {
		return err
	}
	named := app == ""
	err = c.snapshots(ctx, to, func(s access.Snapshot) [][]string {
		_, granted := s.Services[app]
		named = named || granted
		return grantRows(s, app)
	}, []string{"APP", "USER", "REGIONS"})
	if err != nil || named {
		return err
	}
	return to.checkApp(ctx.Context, app)
}

func userRows(s access.Snapshot) (rows [][]string) {
	for _, name := range slices.Sorted(maps.Keys(s.Users)) {
		for _, line := range s.Users[name] {
			key, err := sshkey.Parse(line)
			if err != nil {
				key.Fingerprint, key.Comment = "refused at login", err.Error()
			}
			rows = append(rows, []string{name, strings.TrimSpace(key.Type + " " + key.Fingerprint), key.Comment})
		}
	}
	return rows
}

func grantRows(s access.Snapshot, app string) (rows [][]string) {
	for _, service := range slices.Sorted(maps.Keys(s.Services)) {
		if app != "" && service != app && service != access.Operators {
			continue
		}
		for _, user := range s.Services[service] {
			rows = append(rows, []string{service, user})
		}
	}
	return rows
}

// snapshots prints rows made of each region's tables, with the regions that have them where not all do.
func (c *console) snapshots(ctx *cli.Context, to target, rows func(access.Snapshot) [][]string, heads []string) error {
	read, failed := access.New(to.Cloud, to.Orbit, to.Regions).Read(ctx.Context)
	where := map[string][]string{}
	for _, s := range read {
		for _, row := range rows(s) {
			key := strings.Join(row, "\t")
			where[key] = append(where[key], s.Region)
		}
	}
	if len(read) == 0 {
		return failed
	}
	return cmp.Or(c.rows(ctx, heads, where, len(read), len(to.Regions)), failed)
}

func (c *console) rows(ctx *cli.Context, heads []string, where map[string][]string, read, regions int) error {
	lines := slices.Sorted(maps.Keys(where))
	if ctx.String("output") == "json" {
		return c.json(objects(heads, lines, where))
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(heads, "\t"))
	for _, line := range lines {
		in := strings.Join(where[line], ", ")
		switch len(where[line]) {
		case regions:
			in = "all"
		case read: // of the others nothing is known
		default:
			in = "only " + in
		}
		fmt.Fprintf(table, "%s\t%s\n", line, in)
	}
	return cmp.Or(table.Flush(), c.out.err)
}

// objects are rows for a program to read: the heads in lower case are the fields.
func objects(heads, lines []string, where map[string][]string) []map[string]any {
	all := []map[string]any{}
	for _, line := range lines {
		object := map[string]any{"regions": where[line]}
		for i, cell := range strings.Split(line, "\t") {
			object[strings.ToLower(heads[i])] = cell
		}
		all = append(all, object)
	}
	return all
}

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
			return c.accessSync(ctx)
		},
	}, "text", "json")
}

func (c *console) accessSync(ctx *cli.Context) error {
	to, err := c.target(ctx)
	if err != nil {
		return err
	}
	tables := access.New(to.Cloud, to.Orbit, to.Regions)
	read, failed := tables.Read(ctx.Context)
	from := ctx.String("from")
	if from == "" {
		return c.compareRegions(ctx, read, failed)
	}
	for _, s := range read {
		if s.Region == from {
			return c.outcomes(ctx, to, tables.Sync(ctx.Context, s))
		}
	}
	return cmp.Or(failed, fmt.Errorf("spacel access sync: --from %s: must be one of %s", from, strings.Join(to.Regions, ", ")))
}

// compareRegions says how the regions differ from the first.
func (c *console) compareRegions(ctx *cli.Context, read []access.Snapshot, failed error) error {
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
		if err := c.json(found); err != nil {
			return err
		}
	} else {
		c.sayDifferences(ctx, read, found)
	}
	if len(found) > 0 {
		return errNo
	}
	return nil
}

func (c *console) sayDifferences(ctx *cli.Context, read []access.Snapshot, found map[string][]access.Difference) {
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
	fmt.Fprintf(c.out, "compared with %s; say whose state is right: spacel access sync --from REGION --orbit %s\n", read[0].Region, shellLine([]string{ctx.String("orbit")}))
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
