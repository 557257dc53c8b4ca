package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/activity"
)

// failuresText explains what failed, a block for each stack: the root cause first, then what instances said, then what to do.
func failuresText(w io.Writer, failures []deploy.Failure, colour bool) error {
	out := &planWriter{Writer: bufio.NewWriter(w), painter: painter(colour)}
	for _, f := range failures {
		out.failure(f)
	}
	return out.Flush()
}

// failure prints why a stack failed. Texts from AWS and from instances pass printable: they may hold control characters.
func (w *planWriter) failure(f deploy.Failure) {
	// What begins with the stack's name, as an error does. Here the name is printed already.
	// It ends with the reason, which has a line of its own.
	what := strings.TrimPrefix(f.What, f.StackRef.String()+": ")
	if f.Reason != "" {
		what = strings.TrimSuffix(what, ": "+f.Reason)
	}
	fmt.Fprintln(w, "\n"+w.paint(red, fmt.Sprintf("%s failed: %s", f.StackRef, printable(what))))
	if f.Resource != "" {
		fmt.Fprintf(w, "  %s  %s", f.Resource, f.Type)
		if f.Origin != "" {
			fmt.Fprintf(w, "  %s", f.Origin)
		}
		fmt.Fprintln(w)
	}
	if f.Reason != "" {
		fmt.Fprintf(w, "  %s\n", printable(f.Reason))
	}
	for _, l := range f.Launches {
		fmt.Fprintf(w, "  EC2 could not launch an instance at %s: %s\n", l.Time.Format("15:04:05Z"), printable(l.Message))
	}
	for _, other := range f.Others {
		fmt.Fprintf(w, "  also: %s\n", printable(other))
	}
	for _, boot := range f.Boot {
		w.boot(boot)
	}
	if f.State != "" {
		fmt.Fprintf(w, "  %s\n", printable(f.State))
	}
	fmt.Fprintln(w, w.paint(bold, "  next: "+f.Next))
}

// boot prints the last lines of an instance's boot log, which tell why its signal to CloudFormation did not come.
func (w *planWriter) boot(b deploy.Boot) {
	fmt.Fprintf(w, "  boot log of %s, the last at %s\n", b.Instance, b.Last.UTC().Format("15:04:05Z"))
	for _, line := range b.Lines {
		fmt.Fprintf(w, "    | %s\n", printable(line))
	}
}

// resultSentence counts the stacks by their outcome.
func resultSentence(r *deploy.Result) string {
	counts := map[activity.Outcome]int{}
	for _, s := range r.Stacks {
		counts[s.Outcome]++
	}
	return "stacks: " + counted(counts, activity.WasCreated, activity.WasUpdated, activity.WasUnchanged,
		activity.HasFailed, activity.WasSkipped, activity.WasCancelled, activity.WasDetached)
}
