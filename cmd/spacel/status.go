package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/status"
)

const statusDescription = `Prints the state of each stack: CloudFormation's status, the endpoints, and whether the deployed stack matches
the directory (the template's digest, tags, termination protection, literal parameters). Of an app it prints the release that runs,
its healthy instances, the alarms that are on, and the last release if that one did not end well. It changes nothing. With --drift it
also compares what AWS has with the deployed templates: somebody opened a port, added a policy to a role, set another size.

   spacel status build
   spacel status --orbit production                 all stacks of the orbit, in every region of the account
   spacel status build --output json                with all outputs
   spacel status build --drift                      what somebody changed outside of CloudFormation

   good           deployed, and matches the directory
   drifted        with --drift: AWS has something else than the deployed template; spacel deploy DIR --revert-drift takes it back
   not compared   with --drift: AWS did not tell something, so the stack is not called good
   differs        deployed, but not as in the directory: see spacel diff --live DIR, fix with spacel deploy DIR
   not deployed   only in the directory
   in progress    CloudFormation is running an operation
   failed         the last operation failed: fix with spacel deploy DIR
   down           no instance of the app is healthy, whatever the stack's own state is
   only in AWS    of the orbit or app, and not in the directory: remove with spacel destroy

The last line says what was compared where a stack is good. It exits with 0 when every stack is good (or only in AWS), else with 1.
With --drift it also exits with 1 when AWS refused to tell something, such as a role's policies. A resource of a type that
CloudFormation cannot compare is named, and does not change the exit code.`

// statusCommand compares deployed stacks with a directory by package deploy/status. It only reads from AWS.
func statusCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "status",
		Usage:       "show the state of deployed stacks",
		ArgsUsage:   "DIR | --orbit ORBIT",
		Description: statusDescription,
		Flags:       slices.Concat([]cli.Flag{orbitFlag(), driftFlag(), verifyFlag()}, selectionFlags(), accessFlags()),
		Action:      func(ctx *cli.Context) error { return runStatus(c, ctx) },
	}, "text", "json")
}

// runStatus prints the report. It returns errNo unless all stacks are good, for use in CI and monitoring.
func runStatus(c *console, ctx *cli.Context) error {
	r, withDirectory, err := readStatus(c, ctx)
	if err != nil {
		return err
	}
	switch {
	case ctx.String("output") == "json":
		err = c.printJSON(r)
	case ctx.Bool("quiet"):
	default:
		err = statusText(c.out, r, withDirectory, c.colour(ctx))
	}
	if err == nil && !r.OK {
		return errNo
	}
	return err
}

// readStatus reads the state of the selected stacks. It is an error when there are none: an empty report
// would look like a healthy one.
func readStatus(c *console, ctx *cli.Context) (r *status.Report, withDirectory bool, err error) {
	t, err := findDeployed(c, ctx, toRead)
	if err != nil {
		return nil, false, err
	}
	defer t.close()
	r, err = status.Read(ctx.Context, t.Cloud, status.Scope{Orbit: t.Orbit, Artifact: t.artifact, Regions: t.Regions,
		Wanted: t.selection.has, Verify: ctx.Bool("verify")})
	if err == nil && len(r.Stacks) == 0 {
		return nil, false, fmt.Errorf("%s: orbit %s has no such stack in this account: check the name, the credentials and --region",
			ctx.Command.HelpName, t.Orbit)
	}
	if err == nil && ctx.Bool("drift") {
		found, failed := c.readDrift(ctx, t)
		if failed != nil {
			return nil, false, failed
		}
		r.AddDrift(found)
	}
	return r, t.artifact != nil, err
}

// stateColour returns the colour of a state. Yellow marks each state which a deploy changes.
func stateColour(s status.State) string {
	switch s {
	case status.Good:
		return green
	case status.Failed, status.Unknown, status.Down, status.Drifted:
		return red
	case status.Unwritten:
		return dim
	}
	return yellow
}

// statusText prints stacks by region, and counts by state at the end.
func statusText(w io.Writer, r *status.Report, withDirectory, colour bool) error {
	out := bufio.NewWriter(w)
	// Names are padded to the longest one, so that states form a column.
	p := painter(colour)
	name := 0
	for _, s := range r.Stacks {
		name = max(name, len(s.Name))
	}
	// Stacks come sorted by region, so a new region begins a new heading.
	region, counts := "", map[status.State]int{}
	for _, s := range r.Stacks {
		if s.Region != region {
			region = s.Region
			fmt.Fprintln(out, p.paint(bold, region))
		}
		counts[s.State]++
		statusLines(out, p, s, name)
	}
	fmt.Fprintln(out, p.paint(bold, "stacks: "+counted(counts, status.Good, status.Drifted, status.Uncompared, status.Differs,
		status.Missing, status.Failed, status.Down, status.Unknown, status.Busy, status.Unwritten)))
	for _, note := range r.Notes {
		fmt.Fprintln(out, p.paint(yellow, "! "+printable(note)))
	}
	if r.Drift != nil {
		driftText(out, p, r.Drift)
	}
	goodText(out, p, r, withDirectory)
	return out.Flush()
}

// statusLines prints a stack, the reasons for its state and its endpoints. Reasons and addresses come from AWS and may hold control
// characters, so printable replaces these.
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
	if s.Running != nil {
		fmt.Fprintln(w, "    "+printable(runningText(s.Running)))
	}
	for _, line := range releaseLines(s) {
		fmt.Fprintln(w, "    "+p.paint(line.colour, printable(line.text)))
	}
	for _, change := range s.Temporary {
		fmt.Fprintln(w, "    "+p.paint(yellow, printable(change.String()+", by "+change.By)))
	}
	for _, e := range s.Endpoints {
		fmt.Fprintln(w, "    "+printable(e.Address))
	}
}

// runningText says what runs, in one line: version 1.4, 2 of 3 instances healthy, alarm on: errors of test-web: backend5xx > 10.
func runningText(r *status.Running) string {
	var parts []string
	if r.Version != "" {
		parts = append(parts, "version "+r.Version)
	}
	parts = append(parts, fmt.Sprintf("%d of %s healthy", r.Healthy, plural(r.Instances, "instance")))
	for _, alarm := range r.Alarms {
		parts = append(parts, "alarm on: "+alarm)
	}
	return strings.Join(parts, ", ")
}

// releaseLine is a line about a release.
type releaseLine struct{ colour, text string }

// releaseLines tells the release that a stack runs, and the last one if it is another:
//
//	release 11 (v1.3) good since 2026-11-30 16:02Z, by ada
//	! release 12 (v1.4) rolled back 2026-12-01 09:30Z, by deployer/ci: the alarm errors went off
func releaseLines(s status.Stack) (lines []releaseLine) {
	if s.Release != nil {
		lines = append(lines, releaseLine{"", releaseText(s.Release, "since ")})
	}
	last := s.LastRelease
	switch {
	case last == nil || s.Release != nil && last.Number == s.Release.Number:
	case last.Problem != "":
		lines = append(lines, releaseLine{red, fmt.Sprintf("! release %d is not trusted: %s", last.Number, last.Problem)})
	case last.Outcome == history.Good, !last.Outcome.Ended() && last.Why == "":
		lines = append(lines, releaseLine{yellow, "last: " + releaseText(last, "since ")})
	default:
		lines = append(lines, releaseLine{yellow, "! " + releaseText(last, "")})
	}
	return lines
}

// releaseText is a release in one line.
func releaseText(r *status.Release, since string) string {
	text := fmt.Sprintf("release %d", r.Number)
	if r.Version != "" {
		text += " (" + r.Version + ")"
	}
	text += " " + string(r.Outcome)
	if r.Since != nil {
		text += " " + since + r.Since.UTC().Format("2006-01-02 15:04Z")
	}
	if by := shortCaller(r.By); by != "" {
		text += ", by " + by
	}
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}
