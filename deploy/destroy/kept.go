package destroy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// template is what is read of a deployed template.
type template struct {
	Parameters map[string]struct{ Default any }
	Resources  map[string]struct {
		Type           string
		DeletionPolicy string
		Properties     map[string]any
	}
}

// optional says whether a parameter may be empty, which ours say by their default.
func (t *template) optional(parameter string) bool {
	return t != nil && t.Parameters[parameter].Default == ""
}

// policy is a resource's DeletionPolicy, or what CloudFormation does without one.
func (t *template) policy(id string) string {
	if t == nil {
		return ""
	}
	r := t.Resources[id]
	return cmp.Or(r.DeletionPolicy, diff.DefaultDeletionPolicy(r.Type, r.Properties))
}

func keeps(policy string) bool {
	return slices.Contains([]string{"Retain", "RetainExceptOnCreate", "Snapshot"}, policy)
}

// readTemplate is a stack's template as it was deployed; none of a stack that was never made.
func readTemplate(ctx context.Context, c *cloud.Cloud, stack *live.Stack) (*template, error) {
	if !stack.Exists() {
		return &template{}, nil
	}
	out, err := c.Region(stack.Region).CloudFormation().GetTemplate(ctx, &cloudformation.GetTemplateInput{
		StackName: &stack.ID, TemplateStage: types.TemplateStageOriginal,
	})
	if err != nil {
		return nil, fmt.Errorf("read the template of %s: %w", stack.StackRef, cloud.Explain(err))
	}
	t := &template{}
	if err := json.Unmarshal([]byte(aws.ToString(out.TemplateBody)), t); err != nil {
		return nil, fmt.Errorf("read the template of %s: it is not what spacel deploys: %w", stack.StackRef, err)
	}
	return t, nil
}

// readResources lists what a stack holds by now.
func readResources(ctx context.Context, c *cloud.Cloud, stack *live.Stack) ([]Resource, error) {
	var found []Resource
	if !stack.Exists() {
		return nil, nil
	}
	summaries, err := listResources(ctx, c, stack)
	for _, r := range summaries {
		if r.ResourceStatus != types.ResourceStatusDeleteComplete && r.ResourceStatus != types.ResourceStatusDeleteSkipped {
			found = append(found, Resource{LogicalID: aws.ToString(r.LogicalResourceId), PhysicalID: aws.ToString(r.PhysicalResourceId), Type: aws.ToString(r.ResourceType)})
		}
	}
	return found, err
}

func listResources(ctx context.Context, c *cloud.Cloud, stack *live.Stack) ([]types.StackResourceSummary, error) {
	var found []types.StackResourceSummary
	pages := cloudformation.NewListStackResourcesPaginator(c.Region(stack.Region).CloudFormation(), &cloudformation.ListStackResourcesInput{StackName: &stack.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the resources of %s: %w", stack.StackRef, cloud.Explain(err))
		}
		found = append(found, page.StackResourceSummaries...)
	}
	return found, nil
}
