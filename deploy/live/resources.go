package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// Resource is a resource in a stack.
type Resource struct {
	LogicalID  string
	PhysicalID string // empty: it was never created
	Type       string
	Status     types.ResourceStatus
	Reason     string // of the status, as CloudFormation gives it: it may contain secrets
}

// FailedResource is a resource that keeps an operation from succeeding.
type FailedResource struct {
	LogicalID  string `json:"logicalId"`
	PhysicalID string `json:"physicalId,omitempty"`
	Type       string `json:"type"`
	Reason     string `json:"reason,omitempty"` // of its status, in CloudFormation's words, without secrets
}

// Resources lists the current resources of a stack by logical id. CloudFormation also lists deleted resources and ones left
// behind, which are left out.
func (s *Stacks) Resources(ctx context.Context, stack *Stack) ([]Resource, error) {
	var found []Resource
	input := &cloudformation.ListStackResourcesInput{StackName: &stack.ID}
	pages := cloudformation.NewListStackResourcesPaginator(s.client(stack.Region), input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the resources of %s: %w", stack.StackRef, cloud.Explain(err))
		}
		if page.StackResourceSummaries == nil {
			return nil, fmt.Errorf("list the resources of %s: %w", stack.StackRef,
				cloud.Incomplete("cloudformation:ListStackResources", "no StackResourceSummaries"))
		}
		for _, r := range page.StackResourceSummaries {
			if r.ResourceStatus != types.ResourceStatusDeleteComplete && r.ResourceStatus != types.ResourceStatusDeleteSkipped {
				found = append(found, Resource{
					LogicalID: aws.ToString(r.LogicalResourceId), PhysicalID: aws.ToString(r.PhysicalResourceId),
					Type: aws.ToString(r.ResourceType), Status: r.ResourceStatus, Reason: aws.ToString(r.ResourceStatusReason),
				})
			}
		}
	}
	slices.SortFunc(found, func(a, b Resource) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	return found, nil
}

// ResourcesIn lists the resources of a stack in one status, with the masked reason.
func (s *Stacks) ResourcesIn(ctx context.Context, stack *Stack, status types.ResourceStatus, secrets Secrets) ([]FailedResource, error) {
	all, err := s.Resources(ctx, stack)
	if err != nil {
		return nil, err
	}
	var found []FailedResource
	for _, r := range all {
		if r.Status == status {
			found = append(found, FailedResource{
				LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type, Reason: secrets.MaskReason(r.Reason),
			})
		}
	}
	return found, nil
}

// LogicalIDs returns the resources' logical ids, in their order.
func LogicalIDs(resources []FailedResource) []string {
	var ids []string
	for _, r := range resources {
		ids = append(ids, r.LogicalID)
	}
	return ids
}
