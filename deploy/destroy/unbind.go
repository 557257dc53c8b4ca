package destroy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// unbind updates a stack to no longer name deleted stacks: these parameters become empty, and all else stays.
// The stack's next deployment finds the same values, because the outputs are gone by then.
func (r *run) unbind(ctx context.Context, u Unbind) error {
	from := "rules for " + strings.Join(u.From, ", ")
	stack, err := r.idle(ctx, u.StackRef)
	// An earlier run may have emptied them, or somebody deleted the stack meanwhile: then nothing is to be done.
	if err != nil || stack == nil || !hasValue(stack, u.Parameters) {
		return err
	}
	mark, err := r.stacks.LastEvent(ctx, u.StackRef, stack.ID)
	if err != nil {
		return err
	}
	r.say(u.StackRef, activity.Started, "update", "takes out its "+from)
	// A change set is not needed: the update only empties parameters, and the plan has shown them.
	// As with a deletion, the update has begun when an event has this token.
	token := r.nextToken()
	_, err = r.client(u.Region).UpdateStack(ctx, withEmpty(stack, u.Parameters, token))
	if live.IsUnchanged(err) {
		r.say(u.StackRef, activity.Unchanged, string(stack.Status), "")
		return nil
	}
	if err != nil {
		return fmt.Errorf("take the %s out of %s: %w; nothing was deleted", from, u.StackRef, cloud.Explain(err))
	}
	end, err := r.follower.Follow(ctx, live.Operation{Ref: u.StackRef, StackID: stack.ID, Mark: mark, Token: token})
	if err != nil || end.IsGone() {
		return err
	}
	if end.NeverBegan {
		return fmt.Errorf("take the %s out of %s: %w; nothing was deleted", from, u.StackRef, r.neverBegan(end))
	}
	if end.Status != types.StackStatusUpdateComplete {
		r.say(u.StackRef, activity.Failed, string(end.Status), end.Reason)
		return fmt.Errorf("take the %s out of %s: it is %s: %s; nothing was deleted: repair it with spacel deploy, then run this again",
			from, u.StackRef, end.Status, end.Reason)
	}
	r.say(u.StackRef, activity.Done, string(end.Status), "")
	return nil
}

// hasValue reports whether any of the parameters still has a value.
func hasValue(stack *live.Stack, parameters []string) bool {
	return slices.ContainsFunc(parameters, func(name string) bool { return stack.Parameters[name] != "" })
}

// withEmpty returns an update of a stack that empties some parameters and keeps all else.
func withEmpty(stack *live.Stack, parameters []string, token string) *cloudformation.UpdateStackInput {
	input := &cloudformation.UpdateStackInput{StackName: &stack.ID, UsePreviousTemplate: aws.Bool(true), ClientRequestToken: &token}
	for _, capability := range stack.Capabilities {
		input.Capabilities = append(input.Capabilities, types.Capability(capability))
	}
	for _, name := range slices.Sorted(maps.Keys(stack.Parameters)) {
		p := types.Parameter{ParameterKey: &name, UsePreviousValue: aws.Bool(true)}
		if slices.Contains(parameters, name) {
			p.UsePreviousValue, p.ParameterValue = nil, aws.String("")
		}
		input.Parameters = append(input.Parameters, p)
	}
	return input
}
