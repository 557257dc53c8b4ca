package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/logs"
)

// A query is not a filter: Insights reads a log group with a language of its own, and answers with rows of fields and not with lines.
// So its flags are others, and its output is a table. The words of a query go to CloudWatch unchanged.

// checkLogFlags refuses flags that exclude each other.
func checkLogFlags(ctx *cli.Context) error {
	name := ctx.Command.HelpName
	if n := ctx.Int("lines"); ctx.IsSet("lines") && n < 1 {
		return fmt.Errorf("%s: --lines must be at least 1, got %d", name, n)
	}
	if !ctx.IsSet("query") {
		return nil
	}
	if strings.TrimSpace(ctx.String("query")) == "" {
		return fmt.Errorf("%s: --query is empty", name)
	}
	for _, flag := range []string{"filter", "follow", "lines", "raw"} {
		if ctx.IsSet(flag) {
			return fmt.Errorf("%s: give --query or --%s, not both: a query has words of its own for it", name, flag)
		}
	}
	return nil
}

// printQuery runs a query and prints its rows. Rows of the regions that answered are printed before the error of the others.
func printQuery(c *console, ctx *cli.Context, to *target, groups []logs.Group, from time.Time, query string) error {
	rows, err := logs.Query(ctx.Context, to.Cloud, groups, from, query)
	if invalid, ok := errors.AsType[*logs.QueryError](err); ok {
		return fmt.Errorf("%w%s", invalid, pointed(query, invalid))
	}
	switch {
	case ctx.String("output") == "json":
		for _, row := range rows {
			jsonLine(c.out, row)
		}
	case len(rows) > 0:
		if failed := rowTable(c, rows, len(groups) > 1); failed != nil {
			return failed
		}
	case err == nil && !ctx.Bool("quiet"):
		fmt.Fprintf(c.stderr, "no rows in the last %s; use --since to go back further\n", spoken(ctx.Duration("since")))
	}
	return errors.Join(err, c.out.err)
}

// rowTable prints rows as a table with the fields that occur, in the order of their first row. With several regions each row has its
// own in front.
func rowTable(c *console, rows []logs.Row, regions bool) error {
	// Rows of one query differ in their fields: CloudWatch leaves out a line's missing fields.
	var fields []string
	seen := map[string]bool{}
	for _, row := range rows {
		for _, field := range row.Fields {
			if !seen[field] {
				seen[field], fields = true, append(fields, field)
			}
		}
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	head := fields
	if regions {
		head = append([]string{"REGION"}, fields...)
	}
	fmt.Fprintln(table, strings.Join(head, "\t"))
	for _, row := range rows {
		var cells []string
		if regions {
			cells = append(cells, row.Region)
		}
		for _, field := range fields {
			cells = append(cells, printable(row.Values[field]))
		}
		fmt.Fprintln(table, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return table.Flush()
}

// pointed says where in the query a mistake is: the position from 1, and the text there.
func pointed(query string, e *logs.QueryError) string {
	// CloudWatch counts characters, and a query may have others than ASCII.
	text := []rune(query)
	if e.Start < 0 || e.Start >= len(text) {
		return ""
	}
	end := min(max(e.End+1, e.Start+1), len(text))
	return fmt.Sprintf(", at character %d: %s", e.Start+1, string(text[e.Start:end]))
}
