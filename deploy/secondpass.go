package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/values"
)

// secondPass gives stacks another turn whose optional outputs appeared in this run: two apps that name each other cannot both
// be first.
func (d *Deployment) secondPass(ctx context.Context) []error {
	if d.control.IsStopped() {
		return nil
	}
	var again []*job
	errs := d.each(ctx, func(ctx context.Context, j *job) error {
		if !j.result.Outcome.OK() || len(j.optional()) == 0 {
			return nil
		}
		was := j.values
		if err := j.resolve(ctx); err != nil {
			return err
		}
		j.appeared = j.differing(was)
		return nil
	})
	for _, j := range d.jobs {
		if len(j.appeared) > 0 {
			j.tell(activity.Event{Kind: activity.Note, Reason: fmt.Sprintf("once more, now that %s is known", listNames(j.appeared))})
			again = append(again, j)
		}
	}
	return append(slices.DeleteFunc(errs, func(err error) bool { return err == nil }), d.passAgain(ctx, again)...)
}

// passAgain schedules jobs once more. A stack that was created stays one that was created.
func (d *Deployment) passAgain(ctx context.Context, again []*job) []error {
	first := make([]activity.Outcome, len(again))
	for i, j := range again {
		first[i] = j.result.Outcome
		j.plan.Action = Later
	}
	errs := d.schedule(ctx, again, func(*job) []assembly.StackRef { return nil })
	for i, j := range again {
		if j.result.Outcome.OK() && first[i] != activity.WasUnchanged {
			j.result.Outcome = first[i]
		}
	}
	return errs
}

// optional are the parameters that take an optional output. Sorted.
func (j *job) optional() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(j.stack.Parameters)) {
		if o := j.stack.Parameters[name].Output; o != nil && o.Optional {
			out = append(out, name)
		}
	}
	return out
}

// differing are the optional outputs whose values are others than before.
func (j *job) differing(before values.ByName) []string {
	return slices.DeleteFunc(j.optional(), func(name string) bool { return before[name].Text == j.values[name].Text })
}

// missing warns of the optional outputs that are still not there.
func (j *job) missing() []string {
	var out []string
	for _, name := range j.optional() {
		if v := j.values[name]; v.Missing != "" {
			out = append(out, fmt.Sprintf("%s: %s", j.ref(), v.Missing))
		}
	}
	return out
}

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
