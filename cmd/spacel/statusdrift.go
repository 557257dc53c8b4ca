package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/drift"
	"github.com/pebble/spacel/deploy/status"
)

// driftFlag asks for the comparison with AWS.
func driftFlag() cli.Flag {
	return &cli.BoolFlag{Name: "drift", DisableDefaultText: true,
		Usage: "also compare what AWS has with the deployed templates: rules, rights, sizes, records and more; takes minutes"}
}

// readDrift compares the stacks of a target with AWS.
func (c *console) readDrift(ctx *cli.Context, t *target) (*drift.Report, error) {
	return drift.Read(ctx.Context, t.Cloud, drift.Scope{Orbit: t.Orbit, Artifact: t.artifact, Regions: t.Regions, Wanted: t.selection.has,
		Poll: c.poll})
}

// driftText prints the number of compared resources, the changes that end by themselves, and all others by reason. Each resource is
// named: a number alone would hide an important one.
func driftText(w io.Writer, p painter, d *drift.Report) {
	fmt.Fprintf(w, "%s\n", p.paint(bold, fmt.Sprintf("drift: %s, %d of %s compared", plural(len(d.Drift), "difference"), d.Compared,
		plural(d.Resources, "resource"))))
	for _, t := range d.Temporary {
		fmt.Fprintln(w, "  "+p.paint(yellow, printable(fmt.Sprintf("temporary, no drift: %s: %s; %s ends it, and so does the next deploy",
			t.StackRef, t.Text, t.End))))
	}
	unchecked := slices.Clone(d.Unchecked)
	slices.SortStableFunc(unchecked, func(a, b drift.Unchecked) int {
		return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(a.Type, b.Type))
	})
	// One line for each reason and type: a stack may have dozens of resources of one type.
	for len(unchecked) > 0 {
		first := unchecked[0]
		n := slices.IndexFunc(unchecked, func(u drift.Unchecked) bool { return u.Why != first.Why || u.Type != first.Type })
		if n < 0 {
			n = len(unchecked)
		}
		var names []string
		for _, u := range unchecked[:n] {
			names = append(names, strings.TrimSpace(u.String()+" "+u.Resource))
		}
		colour := dim
		if first.Failed {
			colour = yellow
		}
		what := strings.TrimSpace(first.Type + " " + strings.Join(names, ", "))
		// Reasons come from AWS, and printable removes control characters and the space around them.
		fmt.Fprintln(w, "  "+p.paint(colour, printable(fmt.Sprintf("not compared: %s: %s", what, first.Why))))
		unchecked = unchecked[n:]
	}
}

// goodText explains the word good, if a stack is good.
func goodText(w io.Writer, p painter, r *status.Report, withDirectory bool) {
	if slices.ContainsFunc(r.Stacks, func(s status.Stack) bool { return s.State == status.Good }) {
		fmt.Fprintln(w, p.paint(dim, "good: "+r.Compared(withDirectory)))
	}
}
