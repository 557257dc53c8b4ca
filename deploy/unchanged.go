package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/deploy/live"
)

// This file saves the calls about stacks that do not change. One listing of a region has the states of all stacks. An item of the
// orbit's table of releases says which template a stack has in its state: see package compared. A stack is taken as unchanged without
// a call only when its item says so, and the listing shows the item's state. Every other one is compared in full.

// survey lists the regions in which this run has more than a handful of stacks, and reads their items.
func (d *Deployment) survey(ctx context.Context) {
	d.compared = compared.New(d.cloud, d.orbit, d.options.Verify)
	// A redeploy and a revert of drift change every stack, whatever its template is.
	if d.options.Redeploy || d.options.RevertDrift {
		return
	}
	refs := make([]assembly.StackRef, len(d.parts))
	for i, p := range d.parts {
		refs[i] = p.ref()
	}
	handful := d.options.Handful
	switch {
	case handful == 0:
		handful = compared.Handful
	case handful < 0:
		handful = 0
	}
	without := d.compared.Survey(ctx, d.live, refs, handful)
	for _, region := range slices.Sorted(maps.Keys(without)) {
		d.follower.Tell(activity.Event{Kind: activity.Note, Region: region, Reason: fmt.Sprintf(
			"every deployed template is compared, since the results of earlier comparisons cannot be read: %v", without[region])})
	}
}

// day is the date that chooses the stacks of the sample.
func (s *session) day() time.Time {
	if s.options.Day.IsZero() {
		return time.Now()
	}
	return s.options.Day
}

// hiddenVersions returns the versions of the secrets that are sent, by parameter.
func (in inputs) hiddenVersions() map[string]string {
	out := map[string]string{}
	for name, v := range in {
		if v.Secret && !v.Keep {
			out[name] = v.Version
		}
	}
	return out
}

// isKnown reports whether the stack's item says that it has the artifact's template and the present secrets.
func (p planner) isKnown(plan stackPlan) bool {
	item, trusted := p.compared.Of(plan.deployed)
	return trusted && item.Template == p.spec.Digest && item.HasHidden(plan.inputs.hiddenVersions())
}

// isTemplateSame reads the deployed template and compares it with the artifact's.
func (p planner) isTemplateSame(ctx context.Context, plan stackPlan) (bool, error) {
	body, err := p.live.TemplateText(ctx, plan.deployed)
	if err != nil {
		return false, p.asFailure(err)
	}
	same, err := p.template.equals(body)
	if item, trusted := p.compared.Of(plan.deployed); trusted && err == nil && !same && item.Template == p.spec.Digest {
		p.tell(activity.Event{Kind: activity.Warning, Reason: "its template changed, although CloudFormation shows no operation since " +
			"the last comparison: others may have changed the same way, and spacel deploy --verify compares all of them"})
	}
	return same, err
}

// noteEmptyChangeSet notes the item of a stack for which CloudFormation found nothing to change. Only a change set tells that of hidden
// values, and it tells nothing about parts of a template that change no resource. So the template is compared, too.
func (p planner) noteEmptyChangeSet(ctx context.Context, plan stackPlan) error {
	if !p.compared.Uses(p.spec.Region) || !plan.inputs.setsSecret() {
		return nil
	}
	same, err := p.isTemplateSame(ctx, plan)
	if err == nil && same {
		p.compared.Checked(plan.deployed, p.spec.Digest, plan.inputs.hiddenVersions())
	}
	return err
}

// keepComparisons writes the items of the stacks that Prepare compared in full. A dry run writes nothing. What cannot be written is
// compared again by the next deploy, so a note is enough.
func (d *Deployment) keepComparisons(ctx context.Context) {
	if !d.options.DryRun {
		d.noteUnkept(d.compared.KeepChecked(ctx, d.live))
	}
}

// keepProven writes the items of the stacks that this run changed.
func (d *Deployment) keepProven(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishPatience)
	defer cancel()
	d.noteUnkept(d.compared.KeepProven(ctx))
}

// noteUnkept tells that items were not written.
func (d *Deployment) noteUnkept(err error) {
	if err != nil {
		d.follower.Tell(activity.Event{Kind: activity.Note,
			Reason: fmt.Sprintf("the next deploy compares all templates again, since the results cannot be kept: %v", err)})
	}
}

// noteOwnOperation notes the item of a stack after an operation of this run. The stack was read after the operation had ended, and
// somebody may have begun another one before that. Then the state belongs to the other operation, and its template is not known.
func (x executor) noteOwnOperation(ctx context.Context, before, plan stackPlan, end live.Ending) {
	if !x.compared.Uses(x.spec.Region) || len(end.Events) == 0 {
		return
	}
	// The events of another operation may be among the last ones, too.
	last := end.Events[len(end.Events)-1]
	if last.Token != before.changeSet.name || plan.deployed.Changed().After(last.Time) {
		return
	}
	if !hasOnly(plan.deployed, before.deployed, end.Operation) {
		// An answer may have no operations. Then the newest event tells, which is read after the stack.
		newest, err := x.live.LastEvent(ctx, x.ref(), plan.deployed.ID)
		if err != nil || newest != last.ID {
			return
		}
	}
	x.compared.Proven(plan.deployed, x.spec.Digest, plan.inputs.hiddenVersions())
}

// hasOnly reports whether one operation is the only new one in a stack's description.
func hasOnly(now, before *live.Stack, operation string) bool {
	for _, id := range now.Operations {
		if id != operation && (before == nil || !slices.Contains(before.Operations, id)) {
			return false
		}
	}
	return operation != "" && slices.Contains(now.Operations, operation)
}
