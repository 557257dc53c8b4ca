package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/drift"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/snapshot"
)

// revertFlags are the flags of deploy that take drift back.
func revertFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "revert-drift", DisableDefaultText: true,
			Usage: "do not deploy the directory: take back what somebody changed outside of CloudFormation"},
		&cli.StringSliceFlag{Name: "remove",
			Usage: "with --revert-drift: agree to remove the rule or policy of this `ID`, as printed; may be given again"},
	}
}

// A revert has three parts with questions of their own: the deployed templates are sent again, sizes are set back, and additions are
// removed. The work of each is in packages deploy and drift; this file is the conversation.

// checkRevert refuses flags that mean nothing together. --revert-drift deploys nothing new, so nothing can be chosen for it.
func checkRevert(ctx *cli.Context) error {
	name := ctx.Command.HelpName
	if !ctx.Bool("revert-drift") {
		if ctx.IsSet("remove") {
			return fmt.Errorf("%s: --remove is only for --revert-drift", name)
		}
		return nil
	}
	for _, flag := range []string{"version", "upgrade", "force"} {
		if ctx.IsSet(flag) {
			return fmt.Errorf("%s: --revert-drift deploys what is deployed already: leave --%s out", name, flag)
		}
	}
	return nil
}

// driftRevert is a run of deploy --revert-drift. It reads the drift, lets CloudFormation send the deployed templates again, removes
// additions whose names were agreed to, and reads again: only the second reading counts.
type driftRevert struct {
	*console
	flags    *cli.Context
	cloud    *cloud.Cloud
	artifact *assembly.Assembly
	options  deploy.Options
}

// run does the steps in order.
func (r *driftRevert) run(ctx context.Context) error {
	before, err := r.read(ctx)
	if err != nil {
		return err
	}
	if err := r.unknownIDs(before); err != nil {
		return err
	}
	r.show(before, "")
	if len(before.Drift) == 0 {
		return r.verdict(before)
	}
	if err := r.sendAgain(ctx, before); err != nil {
		return err
	}
	if r.options.DryRun {
		return r.verdict(before)
	}
	// A failure of one part keeps the others from nothing: each is about another resource. Everything is read again in any case, to
	// show the rest.
	failed := errors.Join(r.setSizes(ctx, before), r.removeAdditions(ctx, before))
	after, err := r.read(ctx)
	if err != nil {
		return errors.Join(failed, err)
	}
	r.show(after, "read again: ")
	if failed != nil {
		return failed
	}
	return r.verdict(after)
}

// read compares the selected stacks of the directory with AWS.
func (r *driftRevert) read(ctx context.Context) (*drift.Report, error) {
	chosen := selectionOf(r.flags)
	scope := drift.Scope{Orbit: r.artifact.Manifest.Orbit, Artifact: r.artifact, Poll: r.poll,
		Regions: orbitOfArtifact(r.artifact, r.options.Directory).regions,
		Wanted: func(ref assembly.StackRef, app string) bool {
			_, written := r.artifact.Stack(ref)
			return written && chosen.has(ref, app)
		}}
	return drift.Read(ctx, r.cloud, scope)
}

// unknownIDs refuses a --remove that names nothing, before anything is changed. Such a name is mistyped, or somebody else removed it.
func (r *driftRevert) unknownIDs(found *drift.Report) error {
	for _, id := range r.flags.StringSlice("remove") {
		if !slices.ContainsFunc(found.Drift, func(f drift.Finding) bool { return f.ID == id }) {
			return fmt.Errorf("%s: --remove %s: no rule or policy of this ID was added; nothing was changed: "+
				"spacel status --drift lists them", r.flags.Command.HelpName, id)
		}
	}
	return nil
}

// show prints the differences, or with --output json the report as one line.
func (r *driftRevert) show(found *drift.Report, prefix string) {
	if r.flags.String("output") == "json" {
		jsonLine(r.out, driftLine{"drift", found})
		return
	}
	p := painter(r.colour(r.flags))
	for _, f := range found.Drift {
		fmt.Fprintln(r.out, printable(prefix+f.String()+" "+strings.TrimSpace(f.From+" "+f.Resource)+": "+f.Text))
		if f.ID != "" {
			fmt.Fprintln(r.out, printable("    ID "+f.ID))
		}
	}
	driftText(r.out, p, found)
}

// driftLine is a line of --output json.
type driftLine struct {
	Kind string `json:"kind"`
	*drift.Report
}

// sendAgain lets CloudFormation send the deployed templates of each stack it may repair. A stack of which only additions and sizes
// differ is left alone: its template was never changed.
func (r *driftRevert) sendAgain(ctx context.Context, found *drift.Report) error {
	// The plan of this part is a deployment's own, with its questions, dangers and interrupts. When the answer is no, nothing else is
	// done either.
	stacks, reader := []*live.Stack{}, live.New(r.cloud)
	for _, f := range found.Drift {
		if f.IsAddition() || f.IsSize() || slices.ContainsFunc(stacks, func(s *live.Stack) bool { return s.StackRef == f.StackRef }) {
			continue
		}
		stack, err := reader.Get(ctx, f.StackRef)
		if err != nil {
			return err
		}
		if stack.Exists() {
			stacks = append(stacks, stack)
		}
	}
	if len(stacks) == 0 {
		return nil
	}
	places, err := r.artifact.SourceMap()
	if err != nil {
		return err
	}
	same, err := snapshot.Unchanged(ctx, r.cloud, r.artifact.Manifest.Orbit, stacks, places)
	if err != nil {
		return err
	}
	defer same.Close()
	options := r.options
	options.RevertDrift = true
	d := &deployment{r.console, newInterruptHandler(r.console, r.flags.Command.HelpName, true), r.flags, options, r.cloud}
	return d.run(ctx, same)
}

// setSizes sets the sizes of groups back. --yes agrees to it, as to every other part of a plan.
func (r *driftRevert) setSizes(ctx context.Context, found *drift.Report) error {
	var failed []error
	for _, f := range found.Drift {
		if !f.IsSize() {
			continue
		}
		agreed, err := r.agrees(ctx, f, fmt.Sprintf("%s: %s. Set it back to %s?", f.StackRef, f.Text, f.Expected))
		if err == nil && agreed {
			err = f.Repair(ctx, r.cloud)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// agrees asks a question that --yes answers.
func (r *driftRevert) agrees(ctx context.Context, f drift.Finding, question string) (bool, error) {
	if r.flags.Bool("yes") {
		return true, nil
	}
	yes, err := r.prompter.yes(ctx, printable(question))
	if errors.Is(err, errNoTerminal) {
		return false, fmt.Errorf("%s: %s of %s stays as it is: %w: give --yes to set it back", r.flags.Command.HelpName,
			f.Property, f.StackRef, err)
	}
	return yes, err
}

// removeAdditions removes the rules and policies of --remove, and those with a typed name. --yes does not agree to a removal: the app may
// need such a rule.
func (r *driftRevert) removeAdditions(ctx context.Context, found *drift.Report) error {
	var failed []error
	for _, f := range found.Drift {
		if !f.IsAddition() {
			continue
		}
		agreed, err := r.agreesToRemoval(ctx, f)
		if err == nil && agreed {
			err = f.Remove(ctx, r.cloud)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// agreesToRemoval asks for the name of a rule or policy.
func (r *driftRevert) agreesToRemoval(ctx context.Context, f drift.Finding) (bool, error) {
	if slices.Contains(r.flags.StringSlice("remove"), f.ID) {
		return true, nil
	}
	name := f.ID[strings.LastIndexByte(f.ID, '/')+1:]
	answer, err := r.prompter.line(ctx, printable(fmt.Sprintf("%s %s: %s.\nType %s to remove it: ", f.StackRef, f.Resource, f.Text, name)))
	if errors.Is(err, errNoTerminal) {
		fmt.Fprintln(r.stderr, printable(fmt.Sprintf("%s %s: %s: it stays: give --remove %s to remove it", f.StackRef, f.Resource, f.Text,
			f.ID)))
		return false, nil
	}
	return answer == name, err
}

// verdict is exit code 1 while something differs, or was not told.
func (r *driftRevert) verdict(found *drift.Report) error {
	if found.OK {
		return r.out.err
	}
	return errors.Join(r.out.err, errNo)
}
