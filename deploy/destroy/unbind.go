package destroy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// unbind updates a stack so that it no longer names what goes: all is as it was but those parameters, which become empty.
// Its next deployment finds them the same way.
func (r *run) unbind(ctx context.Context, u Unbind) error {
	from := "rules for " + strings.Join(u.From, ", ")
	stack, err := r.quiet(ctx, u.StackRef)
	if err != nil || stack == nil || !named(stack, u.Parameters) {
		return err
	}
	w, err := r.watcher(ctx, stack)
	if err != nil {
		return err
	}
	r.say(u.StackRef, deploy.Started, "update", "takes out its "+from)
	_, err = r.cloud.Region(u.Region).CloudFormation().UpdateStack(ctx, emptying(stack, u.Parameters))
	if unchanged(err) {
		r.say(u.StackRef, deploy.Unchanged, string(stack.Status), "")
		return nil
	}
	if err != nil {
		return fmt.Errorf("take the %s out of %s: %w; nothing was deleted", from, u.StackRef, cloud.Explain(err))
	}
	now, err := w.follow(ctx)
	if err != nil || now == nil {
		return err
	}
	if now.Status != types.StackStatusUpdateComplete {
		err := fmt.Errorf("take the %s out of %s: it is %s: %s; nothing was deleted: mend it with spacel deploy, then run this again", from, u.StackRef, now.Status, now.Reason)
		r.say(u.StackRef, deploy.Failed, string(now.Status), now.Reason)
		return err
	}
	r.say(u.StackRef, deploy.Done, string(now.Status), "")
	return nil
}

// quiet is a stack when no operation goes on; nil when there is none.
func (r *run) quiet(ctx context.Context, ref assembly.StackRef) (*live.Stack, error) {
	now, err := r.stacks.Refresh(ctx, ref)
	if err != nil || now == nil || now.Settled() || !now.Exists() {
		return now, err
	}
	r.say(ref, deploy.Waiting, string(now.Status), "for the operation that goes on")
	w, err := r.watcher(ctx, now)
	if err != nil {
		return nil, err
	}
	return w.follow(ctx)
}

// named says whether any of the parameters still has a value.
func named(stack *live.Stack, parameters []string) bool {
	return slices.ContainsFunc(parameters, func(name string) bool { return stack.Parameters[name] != "" })
}

func emptying(stack *live.Stack, parameters []string) *cloudformation.UpdateStackInput {
	input := &cloudformation.UpdateStackInput{StackName: &stack.ID, UsePreviousTemplate: aws.Bool(true)}
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

// unchanged is CloudFormation's answer to an update that would change nothing.
func unchanged(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.Contains(api.ErrorMessage(), "No updates are to be performed")
}
