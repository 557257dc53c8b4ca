package destroy

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// tries is how often a stack's deletion is begun before the user is asked. A resource that hinders the first try, such as a
// network interface that AWS releases late, is often gone by the second.
const tries = 2

// delete deletes a stack, and reports the end.
func (r *run) delete(ctx context.Context, stack Stack) StackResult {
	behind, failed, err := r.remove(ctx, stack)
	if err != nil || len(failed) > 0 {
		r.protectAgain(ctx, stack)
	}
	switch {
	case err == nil && len(failed) == 0:
		r.say(stack.StackRef, activity.Done, string(types.StackStatusDeleteComplete), "")
		return StackResult{Outcome: activity.WasDeleted, Kept: stack.Kept, Behind: behind}
	case errors.Is(context.Cause(ctx), live.ErrDetached) || errors.Is(err, live.ErrDetached) || errors.Is(err, context.Canceled):
		r.say(stack.StackRef, activity.Note, "", "goes on in CloudFormation; it is no longer followed")
		return StackResult{Outcome: activity.WasDetached, Why: "goes on in CloudFormation"}
	case err != nil:
		r.say(stack.StackRef, activity.Failed, "", err.Error())
		return StackResult{Outcome: activity.HasFailed, Why: err.Error()}
	}
	why := inWords(failed)
	r.say(stack.StackRef, activity.Failed, string(types.StackStatusDeleteFailed), why)
	return StackResult{Outcome: activity.HasFailed, Why: why, Failed: failed}
}

// inWords names the first resource in the way, with its reason.
func inWords(failed []live.FailedResource) string {
	text := fmt.Sprintf("%s %s: %s", failed[0].Type, failed[0].LogicalID, failed[0].Reason)
	if len(failed) > 1 {
		text += fmt.Sprintf("; and %d more", len(failed)-1)
	}
	return text
}

// remove deletes a stack until it is gone. It returns the resources that were left behind to get there, or the ones that keep
// the stack from being deleted.
func (r *run) remove(ctx context.Context, stack Stack) (behind, failed []live.FailedResource, err error) {
	for try := 1; ; try++ {
		gone, err := r.attempt(ctx, stack, nil, "")
		if gone || err != nil {
			return nil, nil, err
		}
		if failed, err = r.inTheWay(ctx, stack); err != nil || len(failed) == 0 { // gone: somebody else deleted it
			return nil, nil, err
		}
		if try < tries {
			r.say(stack.StackRef, activity.Warning, string(types.StackStatusDeleteFailed), inWords(failed)+"; trying again")
			continue
		}
		if yes, err := r.leaveBehind(ctx, stack, failed); err != nil || !yes {
			return nil, failed, err
		}
		return r.removeExcept(ctx, stack, failed)
	}
}

// removeExcept deletes a stack without some resources. CloudFormation accepts RetainResources only for those whose deletion
// failed before; when others fail then, the stack is deleted by force, which leaves behind all that cannot be deleted.
func (r *run) removeExcept(
	ctx context.Context, stack Stack, failed []live.FailedResource,
) (behind, still []live.FailedResource, err error) {
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

// leaveBehind asks the user, one question at a time. After an interrupt it answers no itself.
func (r *run) leaveBehind(ctx context.Context, stack Stack, failed []live.FailedResource) (bool, error) {
	r.asking.Lock()
	defer r.asking.Unlock()
	if r.control.IsStopped() {
		return false, nil
	}
	return r.consent.LeaveBehind(ctx, stack.StackRef, failed)
}

// attempt begins a deletion and follows it. It first waits for somebody else's operation, which may be a deletion.
func (r *run) attempt(ctx context.Context, stack Stack, retain []live.FailedResource, mode types.DeletionMode) (gone bool, err error) {
	before, err := r.idle(ctx, stack.StackRef)
	if err != nil || before == nil {
		return before == nil && err == nil, err
	}
	// The plan shows the data to be lost. It says nothing about a newer stack with the same name.
	if before.ID != r.plan.live[stack.StackRef].ID {
		return false, fmt.Errorf("%s was deleted and created again meanwhile, by someone else: look at it, then run this again",
			stack.StackRef)
	}
	// Protection is turned off as late as possible, so an interrupted run leaves the other stacks protected.
	if err := r.unprotect(ctx, before); err != nil {
		return false, err
	}
	mark, err := r.stacks.LastEvent(ctx, stack.StackRef, before.ID)
	if err != nil {
		return false, err
	}
	r.say(stack.StackRef, activity.Started, "delete", "")
	// The token is the only proof of the beginning: DeleteStack is acknowledged before the stack's state changes.
	// Without it the old state, which lasts, would look like the end of the operation.
	token := r.nextToken()
	_, err = r.client(stack.Region).DeleteStack(ctx, &cloudformation.DeleteStackInput{
		StackName: &before.ID, DeletionMode: mode, RetainResources: live.LogicalIDs(retain), ClientRequestToken: &token,
	})
	if err != nil {
		return false, fmt.Errorf("delete %s: %w", stack.StackRef, cloud.Explain(err))
	}
	end, err := r.follower.Follow(ctx, live.Operation{Ref: stack.StackRef, StackID: before.ID, Mark: mark, Token: token})
	if err == nil && end.NeverBegan {
		err = fmt.Errorf("delete %s: %w", stack.StackRef, r.neverBegan(end))
	}
	return end.IsGone() && err == nil, err
}

// neverBegan is the error for an operation that CloudFormation accepted and did not begin.
func (r *run) neverBegan(end live.Ending) error {
	return fmt.Errorf("CloudFormation accepted the call, and did not begin within %s: the stack is still %s: run this again",
		r.follower.Waits(), end.Status)
}

// client returns CloudFormation in a region.
func (r *run) client(region string) *cloudformation.Client {
	return r.cloud.Region(region).CloudFormation()
}

// unprotect turns a stack's termination protection off, with which CloudFormation refuses to delete it.
func (r *run) unprotect(ctx context.Context, stack *live.Stack) error {
	if !stack.TerminationProtection {
		return nil
	}
	if err := r.stacks.Protect(ctx, stack, false); err != nil {
		return fmt.Errorf("turn off the termination protection of %s: %w", stack.StackRef, cloud.Explain(err))
	}
	r.say(stack.StackRef, activity.Note, "", "termination protection is turned off")
	return nil
}

// protectAgain turns the termination protection of a stack whose deletion did not begin on again. A stack in DELETE_FAILED stays
// without it, so that deploy can repair it. In either case the user is told.
func (r *run) protectAgain(ctx context.Context, stack Stack) {
	if !stack.Protected {
		return
	}
	// An interrupt must not keep the protection off.
	ctx = context.WithoutCancel(ctx)
	now, err := r.stacks.Refresh(ctx, stack.StackRef)
	switch {
	case err == nil && (now == nil || now.Busy() || now.TerminationProtection):
		return
	// A protected stack could not be deleted and created again by deploy.
	case err == nil && now.Status == types.StackStatusDeleteFailed:
		r.say(stack.StackRef, activity.Warning, "",
			"its termination protection is off: spacel deploy turns it on when it repairs the stack")
		return
	case err == nil:
		err = r.stacks.Protect(ctx, now, true)
	}
	if err != nil {
		r.say(stack.StackRef, activity.Warning, "", "its termination protection may be off: turning it on again failed: "+
			cloud.Explain(err).Error())
		return
	}
	r.say(stack.StackRef, activity.Note, "", "termination protection is on again")
}

// idle returns a stack when no operation goes on in it, nil when there is no stack.
func (r *run) idle(ctx context.Context, ref assembly.StackRef) (*live.Stack, error) {
	stack, err := r.stacks.Refresh(ctx, ref)
	if err != nil {
		return nil, err
	}
	return r.follower.WaitUntilIdle(ctx, stack, nil, nil)
}

// inTheWay returns the resources whose deletion failed, none when the stack is gone after all.
func (r *run) inTheWay(ctx context.Context, stack Stack) ([]live.FailedResource, error) {
	found, err := r.stacks.ResourcesIn(ctx, r.plan.live[stack.StackRef], types.ResourceStatusDeleteFailed, nil)
	if err != nil || len(found) > 0 {
		return found, err
	}
	now, err := r.stacks.Refresh(ctx, stack.StackRef)
	if err != nil || now == nil {
		return nil, err
	}
	return nil, fmt.Errorf("delete %s: it is %s: %s", stack.StackRef, now.Status, cmp.Or(now.Reason, "CloudFormation gives no reason"))
}
