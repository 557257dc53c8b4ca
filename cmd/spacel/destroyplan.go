package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/destroy"
)

// showPlan prints the plan in the form of --output. --quiet prints none.
func (d *destruction) showPlan(plan *destroy.Plan) error {
	switch {
	case d.flags.String("output") == "json":
		jsonLine(d.out, struct {
			Kind string `json:"kind"`
			*destroy.Plan
		}{"plan", plan})
		return d.out.err
	case d.flags.Bool("quiet"):
		return nil
	}
	return destroyText(d.out, plan, d.colour(d.flags))
}

// destroyText prints the stacks in the order of their deletion, with lost and kept resources, after the stacks to be
// updated first.
func destroyText(w io.Writer, plan *destroy.Plan, colour bool) error {
	out := &planWriter{Writer: bufio.NewWriter(w), painter: painter(colour)}
	if len(plan.Stacks) == 0 {
		fmt.Fprintf(out, "nothing to destroy: %s has no such stack\n", plan.Orbit)
		return out.Flush()
	}
	for _, u := range plan.Unbind {
		fmt.Fprintln(out, out.paint(yellow, fmt.Sprintf("~ %s is updated: it no longer reads the outputs of %s (%s)", u.StackRef,
			strings.Join(u.From, ", "), strings.Join(u.Parameters, ", "))))
	}
	for _, s := range plan.Stacks {
		out.doomed(s)
	}
	if len(plan.Left) > 0 {
		fmt.Fprintln(out, "\nleft in the account, unchanged:")
		for _, line := range plan.Left {
			fmt.Fprintln(out, "  "+printable(line))
		}
	}
	fmt.Fprintln(out, "\n"+out.paint(bold, fmt.Sprintf("%s of orbit %s will be deleted", plural(len(plan.Stacks), "stack"), plan.Orbit)))
	return out.Flush()
}

// doomed prints a stack to be deleted. Its status is shown only when it is unusual.
func (w *planWriter) doomed(s destroy.Stack) {
	text := fmt.Sprintf("- %s  %s", s.StackRef, plural(s.Resources, "resource"))
	// ROLLBACK_COMPLETE is unusual as well: the stack's creation failed.
	if !strings.HasSuffix(s.Status, "_COMPLETE") || s.Status == "ROLLBACK_COMPLETE" {
		text += "  " + s.Status
	}
	if s.Protected {
		text += "  (termination protection is turned off)"
	}
	fmt.Fprintln(w, w.paint(red, text))
	for _, r := range s.Lost {
		fmt.Fprintln(w, w.paint(red, fmt.Sprintf("    ! lost: %s %s (%s)", r.Type, r.LogicalID, printable(r.PhysicalID))))
	}
	for _, r := range s.Kept {
		fmt.Fprintln(w, "    "+keptText(s.Name, r, "stays"))
	}
}

// keptText describes a resource that survives its stack. Verb is "stays" in the plan and "kept" in the result. A resource
// with the policy Snapshot is deleted itself, and the line names its last snapshot.
func keptText(stack string, r destroy.Resource, stays string) string {
	text := fmt.Sprintf("%s: %s %s (%s)", stays, r.Type, r.LogicalID, printable(r.PhysicalID))
	if r.Policy == "Snapshot" {
		// CloudFormation names the snapshot itself (Template Reference, DeletionPolicy attribute).
		text = fmt.Sprintf("a last snapshot %s: of %s %s (%s), named %s-snapshot-%s-…", stays, r.Type, r.LogicalID, printable(r.PhysicalID),
			stack, strings.ToLower(r.LogicalID))
	}
	return text
}

// report prints the result: failed stacks on standard error, then kept and leftover resources and counts.
func (d *destruction) report(r *destroy.Result) error {
	if d.flags.String("output") == "json" {
		jsonLine(d.out, struct {
			Kind string `json:"kind"`
			OK   bool   `json:"ok"`
			*destroy.Result
		}{"summary", r.OK(), r})
		return d.out.err
	}
	for _, s := range r.Stacks {
		d.stackText(s)
	}
	if d.flags.Bool("quiet") {
		return d.out.err
	}
	for _, line := range r.Left {
		fmt.Fprintln(d.out, "left: "+printable(line))
	}
	counts := map[activity.Outcome]int{}
	for _, s := range r.Stacks {
		counts[s.Outcome]++
	}
	fmt.Fprintf(d.out, "stacks: %s  %s\n", counted(counts, activity.WasDeleted, activity.HasFailed, activity.WasSkipped,
		activity.WasDetached),
		elapsed(time.Duration(r.Seconds*float64(time.Second))))
	return d.out.err
}

// stackText prints a failed stack with the resources that could not be deleted and the next command, and the resources that
// were left behind or kept.
func (d *destruction) stackText(s destroy.StackResult) {
	if s.Outcome == activity.HasFailed {
		fmt.Fprintf(d.stderr, "%s failed: %s\n", s.StackRef, printable(s.Why))
		for _, f := range s.Failed {
			fmt.Fprintf(d.stderr, "  %s  %s  %s\n    %s\n", f.LogicalID, f.Type, f.PhysicalID, printable(f.Reason))
		}
		fmt.Fprintf(d.stderr, "  next: fix the cause and run the same command again, or leave the resources behind: %s … --leave-behind\n",
			d.interrupts.command)
	}
	for _, f := range s.Behind {
		fmt.Fprintf(d.stderr, "%s left behind: %s %s (%s)\n", s.StackRef, f.Type, f.LogicalID, f.PhysicalID)
	}
	if d.flags.Bool("quiet") {
		return
	}
	for _, r := range s.Kept {
		fmt.Fprintf(d.out, "%s  %s\n", s.StackRef, keptText(s.Name, r, "kept"))
	}
}
