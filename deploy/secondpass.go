package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
)

// secondPass gives stacks another turn whose optional outputs appeared in this run. Two apps that name each other cannot both be
// first, so each takes an optional output of the other.
func (d *Deployment) secondPass(ctx context.Context) []error {
	if d.control.IsStopped() {
		return nil
	}
	// Values are resolved again for the stacks that succeeded and take an optional output. The others have no second turn.
	errs := d.each(ctx, func(ctx context.Context, p *part) error {
		if !p.result.Outcome.OK() || len(p.optionalOutputs()) == 0 {
			return nil
		}
		in, err := p.resolve(ctx, p.plan.deployed)
		if err != nil {
			return err
		}
		p.appeared = p.differing(p.plan.inputs, in)
		p.plan.inputs = in
		return nil
	})
	var again []*part
	for _, p := range d.parts {
		if len(p.appeared) > 0 {
			p.tell(activity.Event{Kind: activity.Note, Reason: fmt.Sprintf("once more, now that %s is known", listNames(p.appeared))})
			again = append(again, p)
		}
	}
	return append(slices.DeleteFunc(errs, func(err error) bool { return err == nil }), d.runAgain(ctx, again)...)
}

// runAgain gives stacks a second turn. The outcome of the first one stays in the result.
func (d *Deployment) runAgain(ctx context.Context, again []*part) []error {
	first := make([]activity.Outcome, len(again))
	for i, p := range again {
		first[i] = p.result.Outcome
		p.plan.Action = Later // which makes executor plan again
	}
	errs := d.run(ctx, again, func(*part) []assembly.StackRef { return nil })
	for i, p := range again {
		// A stack that was created in the first turn and updated in the second counts as created.
		if p.result.Outcome.OK() && first[i] != activity.WasUnchanged {
			p.result.Outcome = first[i]
		}
	}
	return errs
}

// differing returns the parameters with an optional output whose values differ.
func (s *stack) differing(before, now inputs) []string {
	return slices.DeleteFunc(s.optionalOutputs(), func(name string) bool { return before[name].Text == now[name].Text })
}

// stillMissing warns of the optional outputs that were missing to the end.
func (p *part) stillMissing() []string {
	var out []string
	for _, name := range p.optionalOutputs() {
		if v := p.plan.inputs[name]; v.Missing != "" {
			out = append(out, fmt.Sprintf("%s: %s", p.ref(), v.Missing))
		}
	}
	return out
}

// listNames lists up to three names, and the number of the others.
func listNames(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	text := names[0]
	for _, n := range names[1:] {
		text += ", " + n
	}
	return text
}
