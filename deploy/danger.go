package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/diff"
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
func (j *job) leftovers(ctx context.Context) ([]types.StackResourceSummary, error) {
	var left []types.StackResourceSummary
	pages := cloudformation.NewListStackResourcesPaginator(j.cloudFormation(), &cloudformation.ListStackResourcesInput{StackName: &j.deployed.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, j.failed("list the stack's resources", err)
		}
		for _, r := range page.StackResourceSummaries {
			if r.ResourceStatus != types.ResourceStatusDeleteComplete && r.ResourceStatus != types.ResourceStatusDeleteSkipped {
				left = append(left, r)
			}
		}
	}
	slices.SortFunc(left, func(a, b types.StackResourceSummary) int {
		return strings.Compare(aws.ToString(a.LogicalResourceId), aws.ToString(b.LogicalResourceId))
	})
	return left, nil
}

// lossDangers are what goes with a failed stack that is deleted. Its own template's policies decide.
func (j *job) lossDangers(ctx context.Context, left []types.StackResourceSummary) ([]Danger, error) {
	if !slices.ContainsFunc(left, holdsData) {
		return nil, nil
	}
	body, err := j.deployedTemplate(ctx)
	if err != nil {
		return nil, err
	}
	was, err := parseTemplate(body)
	if err != nil {
		return nil, fmt.Errorf("%s: read the deployed template: %w", j.ref(), err)
	}
	var out []Danger
	for _, r := range left {
		if !holdsData(r) {
			continue
		}
		id, kind := aws.ToString(r.LogicalResourceId), aws.ToString(r.ResourceType)
		if what := deletionLoss(kind, was.Resources[id]); what != "" {
			out = append(out, j.danger(id, describeResource(kind, id, aws.ToString(r.PhysicalResourceId))+" "+what))
		}
	}
	return out, nil
}

// holdsData says whether something is lost with what is left. What has no physical id was never made.
func holdsData(r types.StackResourceSummary) bool {
	return diff.HoldsData(aws.ToString(r.ResourceType)) && aws.ToString(r.PhysicalResourceId) != ""
}

// deletionLoss is what the end of a resource loses when its stack is deleted.
func deletionLoss(kind string, r resource) string {
	policy := r.DeletionPolicy
	if policy == "" {
		policy = diff.DefaultDeletionPolicy(kind, r.Properties)
	}
	if strings.HasPrefix(policy, "Retain") {
		policy = "Retain"
	}
	return removalLoss(policy)
}
