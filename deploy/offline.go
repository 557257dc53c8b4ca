package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/diff"
)

// planOffline fills a plan in without a change set, from the templates alone. Its dangers are the certain ones,
// whatever the unknown values will be.
func (p planner) planOffline(ctx context.Context, plan stackPlan) (stackPlan, error) {
	var err error
	if plan.Changes, err = p.offlineChanges(ctx, plan); err != nil {
		return plan, err
	}
	plan.Dangers = p.dangers(certain(plan.Changes))
	return plan, p.forecastPlan(ctx, &plan)
}

// offlineChanges compares the deployed template with the artifact's.
func (p planner) offlineChanges(ctx context.Context, plan stackPlan) ([]Change, error) {
	if !isDeployed(plan.deployed) {
		return p.additions()
	}
	body, err := p.live.TemplateText(ctx, plan.deployed)
	if err != nil {
		return nil, p.asFailure(err)
	}
	compared, err := p.compare(body)
	if err != nil {
		return nil, fmt.Errorf("%s: compare its template with the deployed one: %w", p.ref(), err)
	}
	var out []Change
	for _, stack := range compared.Stacks {
		for _, r := range stack.Resources {
			out = append(out, offlineChange(r))
		}
	}
	return out, nil
}

// compare returns the differences between the deployed template and the artifact's, as spacel diff finds them. It works on the
// text alone, without calls. Other stacks and the sources of the values are left out.
func (p planner) compare(deployed []byte) (*diff.Diff, error) {
	before, err := p.assemblyOf(deployed, nil)
	if err != nil {
		return nil, err
	}
	body, err := p.template.body()
	if err != nil {
		return nil, err
	}
	now, err := p.assemblyOf(body, nil)
	if err != nil {
		return nil, err
	}
	return diff.Compare(before, now)
}

// offlineChange writes a difference of the templates in the words of a change set.
func offlineChange(r diff.Resource) Change {
	c := Change{LogicalID: r.ID, Type: r.Type, Origin: r.From, Action: string(types.ChangeActionModify), Policy: offlinePolicy(r)}
	switch r.Action {
	case diff.Create:
		c.Action = string(types.ChangeActionAdd)
	case diff.Delete:
		c.Action = string(types.ChangeActionRemove)
	case diff.Replace:
		c.Replacement = string(types.ReplacementTrue)
	case diff.MaybeReplace:
		c.Replacement = string(types.ReplacementConditional)
	}
	for _, p := range r.Properties {
		before, after := string(p.Before), string(p.After)
		c.Properties = append(c.Properties, PropertyChange{Path: p.Path, Before: before, After: after,
			Change: changeOf(&types.ResourceTargetDefinition{BeforeValue: given(before), AfterValue: given(after)})})
	}
	return c
}

// given returns a value as a change set has it: nil for none.
func given(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

// offlinePolicy is the PolicyAction as in a change set: the fate of the old resource.
func offlinePolicy(r diff.Resource) string {
	if r.Data == nil {
		return ""
	}
	policy := strings.TrimSuffix(r.Data.Policy, "ExceptOnCreate")
	if r.Action == diff.Delete {
		return policy
	}
	return "ReplaceAnd" + policy
}

// certain returns the changes that come whatever the unknown values will be.
func certain(changes []Change) []Change {
	var out []Change
	for _, c := range changes {
		if c.ends() {
			out = append(out, c)
		}
	}
	return out
}
