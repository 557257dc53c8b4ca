package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// signalDeadline is how long it may take to tell CloudFormation.
const signalDeadline = 25 * time.Second

// signal tells CloudFormation how the boot of this instance went. CloudFormation refuses the signal when the stack does
// not wait, as after a launch by scaling. Such a refusal is no error.
func (b *Boot) signal(ctx context.Context, status types.ResourceSignalStatus) error {
	ctx, cancel := context.WithTimeout(ctx, signalDeadline)
	defer cancel()
	to := b.Document.Signal
	_, err := b.AWS.CloudFormation.SignalResource(ctx, &cloudformation.SignalResourceInput{
		StackName:         &to.Stack,
		LogicalResourceId: &to.Resource,
		UniqueId:          &b.Instance.ID,
		Status:            status,
	})
	var refused smithy.APIError
	// The code is ValidationError for every mistake in the call, but stack and resource come from the template itself.
	if errors.As(err, &refused) && refused.ErrorCode() == "ValidationError" {
		b.Log.Info("the stack does not wait for a signal: " + refused.ErrorMessage())
		return nil
	}
	if err != nil {
		return fmt.Errorf("signal %s to stack %s: %w", status, to.Stack, err)
	}
	b.Log.Info(fmt.Sprintf("signalled %s to %s of stack %s", status, to.Resource, to.Stack))
	return nil
}
