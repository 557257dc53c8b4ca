package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/live"
)

// dangers are the changes that end what holds data, or an address that others know.
func (j *job) dangers(changes []Change) []Danger {
	var out []Danger
	for _, c := range changes {
		if !diff.HoldsData(c.Type) {
			continue
		}
		if what := j.loss(c); what != "" {
			out = append(out, j.danger(c.LogicalID, describeResource(c.Type, c.LogicalID, c.PhysicalID)+" "+what))
		}
	}
	return out
}

func (j *job) danger(logicalID, what string) Danger {
	return Danger{ID: j.ref().String() + "/" + logicalID, What: what}
}

func describeResource(kind, logicalID, physicalID string) string {
	if physicalID == "" {
		return kind + " " + logicalID
	}
	return fmt.Sprintf("%s %s (%s)", kind, logicalID, physicalID)
}

// loss says what a change loses, empty for nothing.
func (j *job) loss(c Change) string {
	switch {
	case c.Action == string(types.ChangeActionRemove):
		return removalLoss(c.Policy)
	case c.Action == string(types.ChangeActionDynamic):
		return "may be replaced or deleted: only CloudFormation knows in the end"
	case c.Action != string(types.ChangeActionModify):
		return ""
	case c.Replacement == string(types.ReplacementTrue):
		return "is replaced: " + j.replacementLoss(c)
	case c.Replacement == string(types.ReplacementConditional):
		return "may be replaced: if so, " + j.replacementLoss(c)
	}
	return ""
}

func removalLoss(policy string) string {
	switch policy {
	case string(types.PolicyActionRetain):
		return "" // it leaves the stack, and stays
	case string(types.PolicyActionSnapshot):
		return "is deleted: a snapshot is kept"
	}
	return "is deleted with what it holds"
}

// replacementLoss reads the change set's policy, else the template's.
func (j *job) replacementLoss(c Change) string {
	policy := c.Policy
	if policy == "" {
		policy = "ReplaceAnd" + j.template.Resources[c.LogicalID].UpdateReplacePolicy
	}
	switch policy {
	case string(types.PolicyActionReplaceAndRetain):
		return "the new one is empty, the old one is kept outside of the stack"
	case string(types.PolicyActionReplaceAndSnapshot):
		return "the new one is empty, a snapshot of the old one is kept"
	}
	return "the new one is empty, the old one is deleted with what it holds"
}

// leftovers are the resources that a failed stack still has. Sorted by logical id.
func (j *job) leftovers(ctx context.Context) ([]live.Resource, error) {
	left, err := j.live.Resources(ctx, j.deployed)
	return left, j.asFailure(err)
}

// lossDangers are what goes with a failed stack that is deleted. Its own template's policies decide.
func (j *job) lossDangers(ctx context.Context, left []live.Resource) ([]Danger, error) {
	if !slices.ContainsFunc(left, holdsData) {
		return nil, nil
	}
	was, err := j.live.Template(ctx, j.deployed)
	if err != nil {
		return nil, j.asFailure(err)
	}
	var out []Danger
	for _, r := range left {
		if !holdsData(r) {
			continue
		}
		id, kind := r.LogicalID, r.Type
		if what := deletionLoss(was.DeletionPolicy(id, kind)); what != "" {
			out = append(out, j.danger(id, describeResource(kind, id, r.PhysicalID)+" "+what))
		}
	}
	return out, nil
}

// holdsData says whether something is lost with what is left. What has no physical id was never made.
func holdsData(r live.Resource) bool {
	return diff.HoldsData(r.Type) && r.PhysicalID != ""
}

// deletionLoss is what the end of a resource loses when its stack is deleted.
func deletionLoss(policy string) string {
	if strings.HasPrefix(policy, "Retain") {
		policy = "Retain"
	}
	return removalLoss(policy)
}
