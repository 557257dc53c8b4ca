package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/live"
)

// consent asks the user on a terminal. Without one it says which flag answers in the user's place.
type consent struct {
	interrupts *interruptHandler
	yes        bool // --yes
}

var _ deploy.Consent = (*consent)(nil)

// Confirm asks whether to execute the plan on the screen. From a yes on, interrupts mean something else: see begin.
func (c *consent) Confirm(ctx context.Context, _ *deploy.Plan) (bool, error) {
	// --yes answers this question only. Dangers and failed resources have flags of their own.
	if c.yes {
		return c.start(), nil
	}
	ctx, done := c.interrupts.question(ctx)
	defer done()
	yes, err := c.interrupts.console.prompter.yes(ctx, "Go ahead?")
	if errors.Is(err, errNoTerminal) {
		return false, fmt.Errorf("%s: %w: give --yes to go ahead, or --dry-run to see the plan only; nothing was changed",
			c.interrupts.command,
			err)
	}
	return yes && c.start(), err
}

// start marks the begin of the changes and draws the first state. It returns false after an interrupt.
func (c *consent) start() bool {
	if !c.interrupts.begin() {
		return false
	}
	c.interrupts.progress.begin()
	return true
}

// Dangers asks for the name of each resource whose data or address would be lost. A name is asked for, not a yes, so that
// habit does not answer.
func (c *consent) Dangers(ctx context.Context, stack deploy.StackPlan, dangers []deploy.Danger) (bool, error) {
	ctx, done := c.interrupts.question(ctx)
	defer done()
	for _, danger := range dangers {
		name := danger.ID[strings.LastIndexByte(danger.ID, '/')+1:]
		answer, err := c.interrupts.console.prompter.line(ctx, fmt.Sprintf("%s: %s.\nType %s to agree: ", stack.StackRef,
			printable(danger.What), name))
		if errors.Is(err, errNoTerminal) {
			return false, nil // which leaves this stack alone; its failure names the flag that agrees
		}
		// One wrong name refuses all dangers of the stack, since they come with one change set.
		if err != nil || answer != name {
			return false, err
		}
	}
	return true, nil
}

// SkipResources asks whether a rollback may skip resources it could not restore. CloudFormation then sets them to
// UPDATE_COMPLETE without touching them (ContinueUpdateRollback, ResourcesToSkip).
func (c *consent) SkipResources(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error) {
	return c.offer(ctx, stack, failed, "cannot be rolled back, because these resources failed:",
		"Skip these? They stay as they are, and the following update fixes them")
}

// LeaveBehind asks whether to delete a stack without the resources that could not be deleted (DeleteStack,
// RetainResources). They stay in the account.
func (c *consent) LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error) {
	return c.offer(ctx, stack, failed, "cannot be deleted, because these resources failed:",
		"Delete the stack and leave these behind? They stay in the account without a stack")
}

// offer asks about resources that failed. Without a terminal the answer is an error that names them, because both choices
// leave something for a person to look at.
func (c *consent) offer(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource, what, question string) (bool, error) {
	text := fmt.Sprintf("%s %s\n%s%s?", stack, what, listed(failed), strings.TrimSuffix(question, "?"))
	ctx, done := c.interrupts.question(ctx)
	defer done()
	yes, err := c.interrupts.console.prompter.yes(ctx, text)
	if errors.Is(err, errNoTerminal) {
		return false, fmt.Errorf("%s %s %s; %w: run %s on a terminal to continue without them", stack, what,
			strings.Join(ids(failed), ", "), err,
			c.interrupts.command)
	}
	return yes, err
}

// listed prints resources with the reasons why they failed, two lines each.
func listed(failed []live.FailedResource) string {
	var out strings.Builder
	for _, r := range failed {
		fmt.Fprintf(&out, "  %s  %s  %s\n    %s\n", r.LogicalID, r.Type, r.PhysicalID, printable(r.Reason))
	}
	return out.String()
}

// ids returns the logical ids of resources, sorted, for a message on one line.
func ids(failed []live.FailedResource) []string {
	var out []string
	for _, r := range failed {
		out = append(out, r.LogicalID)
	}
	slices.Sort(out)
	return out
}
