package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/compiler/impact"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/hexdigest"
)

// forecastPlan adds to a plan what users notice of it, or a summary if the stack is new.
func (p planner) forecastPlan(ctx context.Context, plan *stackPlan) (err error) {
	if plan.New, err = p.summary(*plan); err != nil {
		return fmt.Errorf("%s: summarise its template: %w", p.ref(), err)
	}
	plan.Impact, err = p.effects(ctx, *plan)
	return err
}

// effects returns what users of the stack notice of the plan, nil for a stack that nobody can use yet. The rules are those of spacel
// diff, applied to the deployed template and the artifact's, each with the values of its parameters. So an update that only a value
// causes, such as another image or a forced redeploy, is forecast like one that a template causes.
func (p planner) effects(ctx context.Context, plan stackPlan) ([]impact.Effect, error) {
	if !isDeployed(plan.deployed) {
		return nil, nil
	}
	body, err := p.live.TemplateText(ctx, plan.deployed)
	if err != nil {
		return nil, p.asFailure(err)
	}
	running, err := p.running(ctx, plan)
	if err != nil {
		return nil, err
	}
	report, err := p.forecast(body, plan, running)
	if err != nil {
		// A template that somebody else deployed may be of a form that cannot be read here. CloudFormation still takes the update.
		return []impact.Effect{{Kind: impact.Unknown,
			Text: "not known: the deployed template cannot be compared: " + p.mask(err.Error())}}, nil
	}
	for _, stack := range report.Impact {
		return stack.Effects, nil
	}
	return nil, nil
}

// running returns how many instances the groups have that the plan changes, by logical id. Scaling has made of a group what the template
// does not say. Without the permission to read it, the forecast speaks of the least that there are.
func (p planner) running(ctx context.Context, plan stackPlan) (map[string]int, error) {
	ids := map[string]string{} // by the group's name
	for _, c := range plan.Changes {
		if c.Type == live.GroupType && c.PhysicalID != "" {
			ids[c.PhysicalID] = c.LogicalID
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := groups.Read(ctx, p.cloud.Region(p.spec.Region), slices.Sorted(maps.Keys(ids))...)
	if cloud.IsDenied(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: describe its auto scaling group: %w", p.ref(), err)
	}
	out := map[string]int{}
	for name, group := range found {
		if group.DesiredCapacity != nil {
			out[ids[name]] = int(*group.DesiredCapacity)
		}
	}
	return out, nil
}

// forecast compares the deployed template with the artifact's. A value that is not there yet changes nothing in it.
func (p planner) forecast(deployed []byte, plan stackPlan, running map[string]int) (*impact.Report, error) {
	after := maps.Clone(plan.deployed.Parameters)
	if after == nil {
		after = map[string]string{}
	}
	for name, value := range plan.inputs {
		switch {
		case value.Secret:
			delete(after, name)
		case value.Pending == assembly.StackRef{}:
			after[name] = value.Text // of a kept value, the deployed one
		}
	}
	before, err := p.assemblyOf(deployed, withoutMasked(plan.deployed.Parameters))
	if err != nil {
		return nil, err
	}
	body, err := p.template.body()
	if err != nil {
		return nil, err
	}
	now, err := p.assemblyOf(body, withoutMasked(after))
	if err != nil {
		return nil, err
	}
	d, err := diff.Compare(before, now)
	if err != nil {
		return nil, err
	}
	return impact.OfRunning(before, now, d, running)
}

// withoutMasked leaves out the values that CloudFormation does not reveal: they cannot be compared.
func withoutMasked(values map[string]string) map[string]assembly.ValueFrom {
	out := map[string]assembly.ValueFrom{}
	for name, value := range values {
		if value != live.Masked {
			out[name] = assembly.ValueFrom{Literal: &value}
		}
	}
	return out
}

// assemblyOf returns an assembly of this stack alone, with a template and the sources of its values.
func (p planner) assemblyOf(body []byte, sources map[string]assembly.ValueFrom) (*assembly.Assembly, error) {
	stack := p.spec
	stack.Digest = hexdigest.SHA256(body)
	stack.DependsOn = nil
	stack.Parameters = sources
	m := assembly.NewInMemory(nil, p.orbit)
	if err := m.Stack(stack, body, p.origins()); err != nil {
		return nil, err
	}
	return m.Assembly()
}

// summary returns a new stack in a few lines, nil for one that is deployed.
func (p planner) summary(plan stackPlan) (*impact.Summary, error) {
	if isDeployed(plan.deployed) {
		return nil, nil
	}
	body, err := p.template.body()
	if err != nil {
		return nil, err
	}
	side, err := impact.NewSide(p.orbit, p.spec, body, p.origins())
	if err != nil {
		return nil, err
	}
	return side.Summary(), nil
}
