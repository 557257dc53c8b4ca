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

// userListCommand prints every key of every user. It shows fingerprints, as ssh-keygen -l prints them, not whole keys.
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
			to, err := findTarget(c, ctx, toRead)
			if err != nil {
				return err
			}
			return printTables(c, ctx, to, userRows, []string{"USER", "KEY", "COMMENT", "REGIONS"})
		},
	}, "text", "json")
}

// accessListCommand prints the rights: a row for each app and user, and the regions whose table has it.
func accessListCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:      "list",
		Usage:     "list who may log in to what",
		ArgsUsage: "[APP]",
		Description: `   spacel access list --orbit production
   spacel access list laika --orbit production     for laika's instances, including operators`,
		Flags: targetFlags(),
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 1 {
				return exactly(ctx, 1, "at most one app")
			}
			return listGrants(c, ctx, ctx.Args().First())
		},
	}, "text", "json")
}

// listGrants prints the users of an app, or of all apps. An app without any grant must at least be deployed, otherwise its
// name is reported as misspelt.
func listGrants(c *console, ctx *cli.Context, app string) error {
	to, err := findTarget(c, ctx, toRead)
	if err != nil {
		return err
	}
	named := app == ""
	err = printTables(c, ctx, to, func(s access.Snapshot) [][]string {
		_, granted := s.Services[app]
		named = named || granted
		return grantRows(s, app)
	}, []string{"APP", "USER", "REGIONS"})
	if err != nil || named {
		return err
	}
	return to.checkApp(ctx.Context, app)
}

// userRows returns a row for each key of a user. Keys refused at login are listed too, with the reason: a table
// may have keys from another tool.
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

// grantRows returns a row for each user of each app. Operators may log in to every app, so they are listed with each.
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

// printTables prints the rows of all regions as one table. Equal rows of several regions become one row, with the regions
// listed when some lack it. Regions that could not be read are left out, and the error for them is returned after printing.
func printTables(c *console, ctx *cli.Context, to *target, rows func(access.Snapshot) [][]string, heads []string) error {
	read, failed := access.New(to.Cloud, to.Orbit, to.Regions).Read(ctx.Context)
	where := map[string][]string{}
	for _, s := range read {
		for _, row := range rows(s) {
			// The joined row is the key, so equal rows of two regions meet.
			key := strings.Join(row, "\t")
			where[key] = append(where[key], s.Region)
		}
	}
	// Without any answer there is no table to print, only the error.
	if len(read) == 0 {
		return failed
	}
	return cmp.Or(printRows(c, ctx, heads, where, len(read), len(to.Regions)), failed)
}

// printRows prints rows as a table or as JSON. Where maps a row to its regions. Read is the number of regions that answered,
// regions the number of all.
func printRows(c *console, ctx *cli.Context, heads []string, where map[string][]string, read, regions int) error {
	lines := slices.Sorted(maps.Keys(where))
	if ctx.String("output") == "json" {
		return c.printJSON(objects(heads, lines, where))
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(heads, "\t"))
	for _, line := range lines {
		in := strings.Join(where[line], ", ")
		switch len(where[line]) {
		case regions:
			in = "all"
		case read: // the regions that did not answer may have it, too
		default:
			in = "only " + in
		}
		fmt.Fprintf(table, "%s\t%s\n", line, in)
	}
	return cmp.Or(table.Flush(), c.out.err)
}

// objects converts rows for --output json: the column heads in lower case become the fields.
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
