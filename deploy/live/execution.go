package live

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Execution returns the ExecutionStatus of a change set, by its ARN. It is empty when there is no such change set any more.
func (s *Stacks) Execution(ctx context.Context, ref assembly.StackRef, changeSet string) (types.ExecutionStatus, error) {
	out, err := s.client(ref.Region).DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: &changeSet})
	switch {
	case IsGone(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("describe the change set of %s: %w", ref, cloud.Explain(err))
	// The ARN is unique, so an answer about another change set can only come from a broken emulator or proxy.
	case aws.ToString(out.ChangeSetId) != changeSet:
		return "", fmt.Errorf("describe the change set of %s: %w", ref, cloud.Incomplete("cloudformation:DescribeChangeSet",
			"another change set, "+aws.ToString(out.ChangeSetId)))
	}
	return out.ExecutionStatus, nil
}

// IsExecuted reports whether the execution of a change set has begun, or ended.
func IsExecuted(status types.ExecutionStatus) bool {
	return slices.Contains([]types.ExecutionStatus{
		types.ExecutionStatusExecuteInProgress, types.ExecutionStatusExecuteComplete, types.ExecutionStatusExecuteFailed,
	}, status)
}
