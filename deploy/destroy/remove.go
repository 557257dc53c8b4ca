package destroy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// tries is how often a stack's deletion is begun before somebody is asked: what hindered the first, such as a network
// interface that goes late, is often gone by the second.
const tries = 2

func (r *run) delete(ctx context.Context, stack Stack) StackResult {
	behind, failed, err := r.remove(ctx, stack)
	switch {
	case err == nil && len(failed) == 0:
		r.say(stack.StackRef, deploy.Done, string(types.StackStatusDeleteComplete), "")
		return StackResult{Outcome: WasDeleted, Kept: stack.Kept, Behind: behind}
	case errors.Is(context.Cause(ctx), errDetached) || errors.Is(err, context.Canceled):
		r.say(stack.StackRef, deploy.Note, "", "goes on in CloudFormation; nobody follows it")
		return StackResult{Outcome: WasDetached, Why: "goes on in CloudFormation"}
	case err != nil:
		r.say(stack.StackRef, deploy.Failed, "", err.Error())
		return StackResult{Outcome: HasFailed, Why: err.Error()}
	}
	why := inWords(failed)
	r.say(stack.StackRef, deploy.Failed, string(types.StackStatusDeleteFailed), why)
	return StackResult{Outcome: HasFailed, Why: why, Failed: failed}
}

// inWords is the first resource in the way and its reason.
func inWords(failed []deploy.FailedResource) string {
	text := fmt.Sprintf("%s %s: %s", failed[0].Type, failed[0].LogicalID, failed[0].Reason)
	if len(failed) > 1 {
		text += fmt.Sprintf("; and %d more", len(failed)-1)
	}
	return text
}

// remove deletes a stack until it is gone. Failed is what keeps it from going, behind what was left.
func (r *run) remove(ctx context.Context, stack Stack) (behind, failed []deploy.FailedResource, err error) {
	for try := 1; ; try++ {
		gone, err := r.attempt(ctx, stack, nil, "")
		if gone || err != nil {
			return nil, nil, err
		}
		if failed, err = r.inTheWay(ctx, stack); err != nil || len(failed) == 0 { // gone, by someone else
			return nil, nil, err
		}
		if try < tries {
			r.say(stack.StackRef, deploy.Warning, string(types.StackStatusDeleteFailed), inWords(failed)+"; trying again")
			continue
		}
		if yes, err := r.leaveBehind(ctx, stack, failed); err != nil || !yes {
			return nil, failed, err
		}
		return r.without(ctx, stack, failed)
	}
}

// without deletes a stack and leaves what failed: first just that, then by force.
func (r *run) without(ctx context.Context, stack Stack, failed []deploy.FailedResource) (behind, still []deploy.FailedResource, err error) {
	gone, err := r.attempt(ctx, stack, failed, "")
	if gone || err != nil {
		return failed, nil, err
	}
	more, err := r.inTheWay(ctx, stack)
	if err != nil {
		return nil, nil, err
	}
	gone, err = r.attempt(ctx, stack, nil, types.DeletionModeForceDeleteStack)
	if gone || err != nil {
		return append(failed, more...), nil, err
	}
	still, err = r.inTheWay(ctx, stack)
	return nil, still, err
}

func (r *run) leaveBehind(ctx context.Context, stack Stack, failed []deploy.FailedResource) (bool, error) {
	r.asking.Lock()
	defer r.asking.Unlock()
	if r.stopping() {
		return false, nil
	}
	return r.consent.LeaveBehind(ctx, stack.StackRef, failed)
}

// attempt begins a deletion and follows it. What someone else began is waited for first; a deletion is simply followed.
func (r *run) attempt(ctx context.Context, stack Stack, retain []deploy.FailedResource, mode types.DeletionMode) (gone bool, err error) {
	before, err := r.settled(ctx, stack)
	if err != nil || before == nil {
		return before == nil && err == nil, err
	}
	client := r.cloud.Region(stack.Region).CloudFormation()
	if before.TerminationProtection {
		_, err := client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: &before.ID, EnableTerminationProtection: aws.Bool(false)})
		if err != nil {
			return false, fmt.Errorf("turn off the termination protection of %s: %w", stack.StackRef, cloud.Explain(err))
		}
	}
	w, err := r.watcher(ctx, before)
	if err != nil {
		return false, err
	}
	r.say(stack.StackRef, deploy.Started, "delete", "")
	input := &cloudformation.DeleteStackInput{StackName: &before.ID, DeletionMode: mode}
	for _, resource := range retain {
		input.RetainResources = append(input.RetainResources, resource.LogicalID)
	}
	if _, err := client.DeleteStack(ctx, input); err != nil {
		return false, fmt.Errorf("delete %s: %w", stack.StackRef, cloud.Explain(err))
	}
	after, err := w.follow(ctx)
	return after == nil && err == nil, err
}

// settled waits for operations that go on, and gives the stack as it is then: nil when it is gone.
func (r *run) settled(ctx context.Context, stack Stack) (*live.Stack, error) {
	now, err := r.quiet(ctx, stack.StackRef)
	if err != nil || now == nil {
		return nil, err
	}
	if planned := r.plan.live[stack.StackRef]; now.ID != planned.ID {
		return nil, fmt.Errorf("%s was deleted and made again meanwhile, by someone else: look at it, then run this again", stack.StackRef)
	}
	return now, nil
}

// inTheWay are the resources whose deletion failed; none when the stack is gone after all.
func (r *run) inTheWay(ctx context.Context, stack Stack) ([]deploy.FailedResource, error) {
	of := r.plan.live[stack.StackRef]
	summaries, err := listResources(ctx, r.cloud, of)
	if err != nil {
		return nil, err
	}
	var found []deploy.FailedResource
	for _, s := range summaries {
		if s.ResourceStatus == types.ResourceStatusDeleteFailed {
			found = append(found, deploy.FailedResource{
				LogicalID: aws.ToString(s.LogicalResourceId), PhysicalID: aws.ToString(s.PhysicalResourceId),
				Type: aws.ToString(s.ResourceType), Reason: strings.TrimSpace(aws.ToString(s.ResourceStatusReason)),
			})
		}
	}
	if len(found) == 0 {
		now, err := r.stacks.Refresh(ctx, stack.StackRef)
		if err != nil || now == nil {
			return nil, err
		}
		return nil, fmt.Errorf("delete %s: it is %s: %s", stack.StackRef, now.Status, now.Reason)
	}
	return found, nil
}
