package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
)

// offline fills the plan in without a change set: from the templates alone.
func (j *job) offline(ctx context.Context) error {
	if !deployed(j.deployed) {
		j.plan.Changes = j.additions()
		return nil
	}
	body, err := j.deployedTemplate(ctx)
	if err != nil {
		return err
	}
	compared, err := j.compare(body)
	if err != nil {
		return fmt.Errorf("%s: compare its template with the deployed one: %w", j.ref(), err)
	}
	for _, stack := range compared.Stacks {
		for _, r := range stack.Resources {
			j.plan.Changes = append(j.plan.Changes, j.offlineChange(r))
		}
	}
	return nil
}

func (j *job) compare(body []byte) (*diff.Diff, error) {
	before, err := j.side(body)
	if err != nil {
		return nil, err
	}
	now, err := j.side(j.template.Body)
	if err != nil {
		return nil, err
	}
	return diff.Compare(before, now)
}

// side is an assembly that has only this stack, with some template. The other stacks, and where values come from, are left out
// of the comparison.
func (j *job) side(body []byte) (*assembly.Assembly, error) {
	sum := sha256.Sum256(body)
	stack := j.stack
	stack.Digest = hex.EncodeToString(sum[:])
	stack.DependsOn = nil
	stack.Parameters = nil
	m := assembly.NewInMemory(nil, j.orbit)
	if err := m.Stack(stack, body, j.places[j.ref().String()]); err != nil {
		return nil, err
	}
	return m.Assembly()
}

func (j *job) offlineChange(r diff.Resource) Change {
	c := Change{LogicalID: r.ID, Type: r.Type, Origin: r.From, Action: string(types.ChangeActionModify)}
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
	c.Policy = offlinePolicy(r)
	for _, p := range r.Properties {
		c.Properties = append(c.Properties, PropertyChange{Path: p.Path, Before: string(p.Before), After: string(p.After)})
	}
	return c
}

// offlinePolicy is what becomes of the old resource, in the words that a change set has for it.
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

// certain are the changes that will come whatever the values are that are not known yet.
func certain(changes []Change) []Change {
	var out []Change
	for _, c := range changes {
		if ends(c) {
			out = append(out, c)
		}
	}
	return out
}
