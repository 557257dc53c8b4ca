package live

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/pebble/spacel/deploy/cloud"
)

// PhysicalID returns the physical id of one resource of a stack, by its logical id. For a logical id that the stack lacks,
// CloudFormation answers ValidationError with the words "does not exist", so IsGone recognizes this error, too.
func (s *Stacks) PhysicalID(ctx context.Context, stack *Stack, logicalID string) (string, error) {
	out, err := s.client(stack.Region).DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{
		StackName: &stack.ID, LogicalResourceId: &logicalID,
	})
	if err != nil {
		return "", fmt.Errorf("find the resource %s of %s: %w", logicalID, stack.StackRef, cloud.Explain(err))
	}
	if out.StackResources == nil {
		return "", fmt.Errorf("find the resource %s of %s: %w", logicalID, stack.StackRef,
			cloud.Incomplete("cloudformation:DescribeStackResources", "no StackResources"))
	}
	if len(out.StackResources) == 0 {
		return "", nil
	}
	return aws.ToString(out.StackResources[0].PhysicalResourceId), nil
}
