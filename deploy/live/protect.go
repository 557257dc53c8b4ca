package live

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/pebble/spacel/deploy/cloud"
)

// Protect turns a stack's termination protection on or off. It is no operation: it is done when CloudFormation has answered with
// the stack's id. The error is not explained.
func (s *Stacks) Protect(ctx context.Context, stack *Stack, on bool) error {
	out, err := s.client(stack.Region).UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
		StackName: &stack.ID, EnableTerminationProtection: &on,
	})
	switch {
	case err != nil:
		return err
	case aws.ToString(out.StackId) == "":
		return cloud.Incomplete("cloudformation:UpdateTerminationProtection", "no StackId")
	case *out.StackId != stack.ID:
		return cloud.Incomplete("cloudformation:UpdateTerminationProtection", "another stack, "+*out.StackId)
	}
	return nil
}
