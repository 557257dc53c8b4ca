package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/live"
)

// dangers returns a danger for each change that destroys data, or an address that others know.
func (s *stack) dangers(changes []Change) []Danger {
	var out []Danger
	for _, c := range changes {
		// Only types with data or a public address count: databases, buckets, volumes and so on. An instance is not a danger.
		if !diff.HoldsData(c.Type) {
			continue
		}
		if loss := s.loss(c); loss != "" {
			out = append(out, s.danger(c.LogicalID, describeResource(c.Type, c.LogicalID, c.PhysicalID)+" "+loss))
		}
	}
	return out
}

// danger returns a danger with the id that --allow-replace takes.
func (s *stack) danger(logicalID, what string) Danger {
	return Danger{ID: s.ref().String() + "/" + logicalID, What: what}
}

// describeResource names a resource by type and logical id, with its physical id if it exists.
func describeResource(kind, logicalID, physicalID string) string {
	if physicalID == "" {
		return kind + " " + logicalID
	}
	return fmt.Sprintf("%s %s (%s)", kind, logicalID, physicalID)
}

// loss describes the loss by a change, empty for none.
func (s *stack) loss(c Change) string {
	switch {
	case c.Action == string(types.ChangeActionRemove):
		return removalLoss(c.Policy)
	case c.Action == string(types.ChangeActionDynamic):
		return "may be replaced or deleted: only CloudFormation knows in the end"
	case c.Action != string(types.ChangeActionModify):
		return ""
	case c.Replacement == string(types.ReplacementTrue):
		return "is replaced: " + s.replacementLoss(c)
	case c.Replacement == string(types.ReplacementConditional):
		return "may be replaced: if so, " + s.replacementLoss(c)
	}
	return ""
}

// removalLoss describes the loss when a resource is removed, empty if its policy keeps it.
func removalLoss(policy string) string {
	switch {
	case strings.HasPrefix(policy, string(types.PolicyActionRetain)):
		return "" // it leaves the stack, and stays
	case policy == string(types.PolicyActionSnapshot):
		return "is deleted: a snapshot is kept"
	}
	return "is deleted with what it holds"
}

// replacementLoss reads the change set's policy, or the template's if the change set has none. A template that cannot be read any more
// counts as one without policies, the largest loss.
func (s *stack) replacementLoss(c Change) string {
	policy := c.Policy
	if policy == "" {
		if whole, err := s.template.whole(); err == nil {
			policy = "ReplaceAnd" + whole.Resources[c.LogicalID].UpdateReplacePolicy
		}
	}
	switch policy {
	case string(types.PolicyActionReplaceAndRetain):
		return "the new one is empty, the old one is kept outside of the stack"
	case string(types.PolicyActionReplaceAndSnapshot):
		return "the new one is empty, a snapshot of the old one is kept"
	}
	return "the new one is empty, the old one is deleted with what it holds"
}

// refuseProtected is the failure of a stack that must be deleted and has protected databases. CloudFormation would delete everything else
// first, and then fail.
func (s *stack) refuseProtected(protected []live.Resource) error {
	var lines []string
	for _, r := range protected {
		lines = append(lines, fmt.Sprintf("%s is protected from deletion: turn that off with %s",
			describeResource(r.Type, r.LogicalID, r.PhysicalID), r.Unprotect(s.spec.Region)))
	}
	return refuse("%s: the stack must be deleted before it can be created again, and nothing was deleted: %s; then run spacel %s again; "+
		"or keep the database and delete the rest with spacel destroy --orbit %s --stack %s --leave-behind",
		s.ref(), strings.Join(lines, "; "), s.verb(), s.orbit, s.spec.Name)
}

// removalDangers returns the dangers of deleting a failed stack. The policies of its own template decide, not the artifact's.
func (s *stack) removalDangers(ctx context.Context, deployed *live.Stack) ([]Danger, error) {
	all, err := s.live.Resources(ctx, deployed)
	if err != nil {
		return nil, s.asFailure(err)
	}
	var holding []live.Resource
	for _, r := range all {
		if diff.HoldsData(r.Type) && r.PhysicalID != "" { // without a physical id it was never created
			holding = append(holding, r)
		}
	}
	// The template is only read if there is something to lose.
	if len(holding) == 0 {
		return nil, nil
	}
	old, err := s.live.Template(ctx, deployed)
	if err != nil {
		return nil, s.asFailure(err)
	}
	if protected := old.Protected(holding); len(protected) > 0 {
		return nil, s.refuseProtected(protected)
	}
	var out []Danger
	for _, r := range holding {
		if loss := removalLoss(old.DeletionPolicy(r.LogicalID, r.Type)); loss != "" {
			out = append(out, s.danger(r.LogicalID, describeResource(r.Type, r.LogicalID, r.PhysicalID)+" "+loss))
		}
	}
	return out, nil
}
