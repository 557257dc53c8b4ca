package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/status"
)

const statusDescription = `Says how each stack stands: CloudFormation's status, whether what is deployed is what the directory says (the template's
digest, tags, termination protection, literal parameters), and where it is reached. It changes nothing.

   spacel status build
   spacel status --orbit production                 all that the orbit has, in every region of the account
   spacel status build --output json                with all outputs

   good           deployed, and as the directory says
   differs        deployed otherwise: spacel diff --live DIR says what, spacel deploy DIR makes it so
   not deployed   only in the directory
   in progress    CloudFormation is at work
   failed         the last operation failed: spacel deploy DIR repairs it
   only in AWS    of the orbit or app, and not in the directory: spacel destroy removes it

It exits with 0 when every stack is good (or only in AWS), else with 1.`

func statusCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "status",
		Usage:       "say how deployed stacks stand",
		ArgsUsage:   "DIR | --orbit ORBIT",
		Description: statusDescription,
		Flags:       slices.Concat([]cli.Flag{orbitFlag()}, selectionFlags(), accessFlags()),
		Action:      func(ctx *cli.Context) error { return runStatus(c, ctx) },
	}, "text", "json")
}

func runStatus(c *console, ctx *cli.Context) error {
	r, err := readStatus(c, ctx)
	if err != nil {
		return err
	}
	switch {
	case ctx.String("output") == "json":
		err = c.printJSON(r)
	case ctx.Bool("quiet"):
	default:
		err = statusText(c.out, r, c.colour(ctx))
	}
	if err == nil && !r.OK {
		return errNo
	}
	return err
}

// report looks at what the command line chooses.
func readStatus(c *console, ctx *cli.Context) (*status.Report, error) {
	t, err := findDeployed(c, ctx)
	if err != nil {
		return nil, err
	}
	defer t.close()
	r, err := status.Read(ctx.Context, t.Cloud, status.Scope{Orbit: t.Orbit, Artifact: t.artifact, Regions: t.Regions,
		Wanted: t.selection.has})
	if err == nil && len(r.Stacks) == 0 {
		return nil, fmt.Errorf("%s: orbit %s has no such stack in this account: check the name, the credentials and --region",
			ctx.Command.HelpName, t.Orbit)
	}
	return r, err
}

func stateColour(s status.State) string {
	switch s {
	case status.Good:
		return green
	case status.Failed:
		return red
	case status.Unwritten:
		return dim
	}
	return yellow
}

func statusText(w io.Writer, r *status.Report, colour bool) error {
	out := bufio.NewWriter(w)
	p := painter(colour)
	name := 0
	for _, s := range r.Stacks {
		name = max(name, len(s.Name))
	}
	region, counts := "", map[status.State]int{}
	for _, s := range r.Stacks {
		if s.Region != region {
			region = s.Region
			fmt.Fprintln(out, p.paint(bold, region))
		}
		counts[s.State]++
		statusLines(out, p, s, name)
	}
	fmt.Fprintln(out, p.paint(bold, "stacks: "+counted(counts, status.Good, status.Differs, status.Missing, status.Failed, status.Busy,
		status.Unwritten)))
	return out.Flush()
}

func statusLines(w io.Writer, p painter, s status.Stack, width int) {
	fmt.Fprintf(w, "  %-*s  %s", width, s.Name, p.paint(stateColour(s.State), string(s.State)))
	if s.Status != "" {
		fmt.Fprint(w, "  "+s.Status)
	}
	if s.Changed != nil {
		fmt.Fprint(w, "  "+s.Changed.UTC().Format("2006-01-02 15:04Z"))
	}
	fmt.Fprintln(w)
	for _, why := range s.Why {
		fmt.Fprintln(w, "    ! "+printable(why))
	}
	for _, e := range s.Endpoints {
		fmt.Fprintln(w, "    "+printable(e.Address))
	}
}
