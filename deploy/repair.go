package deploy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
)

// repair takes a failed stack to a state in which a change set can be made. It reports whether it did anything, and returns the
// plan with the stack as it is afterwards.
func (x executor) repair(ctx context.Context, plan stackPlan) (stackPlan, bool, error) {
	step := stepFor(plan.deployed)
	// All other states need no repair, or have an operation in progress.
	if step != toRemove && step != toResume {
		return plan, false, nil
	}
	if x.control.IsStopped() {
		return plan, false, errStopped
	}
	work := x.continueRollback
	if step == toRemove {
		work = x.remove
	}
	err := work(ctx, &plan)
	return plan, true, err
}

// remove deletes a failed stack, after the user's consent to the loss.
func (x executor) remove(ctx context.Context, plan *stackPlan) (err error) {
	if plan.Dangers, err = x.removalDangers(ctx, plan.deployed); err != nil {
		return err
	}
	if err := x.agree(ctx, plan.StackPlan); err != nil {
		return err
	}
	// The first deletion leaves nothing behind: CloudFormation refuses RetainResources before a deletion has failed.
	end, err := x.delete(ctx, plan.deployed.ID, nil)
	if err != nil {
		return err
	}
	if plan.deployed, err = x.refresh(ctx); err != nil || end.IsGone() {
		return err
	}
	if end.Cancelled {
		return errCancelled
	}
	return x.removeExcept(ctx, plan, end)
}

// removeExcept deletes a stack without the resources that could not be deleted, after the user's consent. Without it, the first
// deletion is the failure.
func (x executor) removeExcept(ctx context.Context, plan *stackPlan, end live.Ending) error {
	stuck, err := x.resourcesIn(ctx, plan.deployed, types.ResourceStatusDeleteFailed)
	if err != nil {
		return err
	}
	if len(stuck) > 0 {
		yes, err := x.approvals.leaveBehind(ctx, x.ref(), stuck)
		if err != nil {
			return refuse("%s: %v", x.ref(), err)
		}
		if yes {
			if end, err = x.delete(ctx, plan.deployed.ID, live.LogicalIDs(stuck)); err != nil {
				return err
			}
			if end.IsGone() {
				plan.deployed, err = x.refresh(ctx)
				return err
			}
		}
	}
	return &operationError{end}
}

// delete deletes the stack, and leaves some resources behind. CloudFormation takes the names only of those whose deletion
// failed before.
func (x executor) delete(ctx context.Context, id string, leave []string) (live.Ending, error) {
	token := x.nextName()
	mark, err := x.lastEvent(ctx, id)
	if err != nil {
		return live.Ending{}, err
	}
	_, err = x.client().DeleteStack(ctx, &cloudformation.DeleteStackInput{
		StackName: &id, ClientRequestToken: &token, RetainResources: leave,
	})
	switch {
	case live.IsOvertaken(err) && !live.IsGone(err):
		return live.Ending{}, overtaken(err)
	case err != nil && !live.IsGone(err):
		return live.Ending{}, x.failed("delete the remains of the stack", err)
	}
	x.tell(activity.Event{Kind: activity.Started, Status: "delete"})
	end, err := x.follow(ctx, live.Operation{StackID: id, Mark: mark, Token: token})
	if err == nil && end.NeverBegan {
		err = x.neverBegan("delete the stack", end)
	}
	return end, err
}

// continueRollback continues a rollback that failed. The first try skips nothing, because the obstacle may be gone. The second
// skips the resources that still fail, after the user's consent.
func (x executor) continueRollback(ctx context.Context, plan *stackPlan) error {
	end, err := x.rollBack(ctx, plan.deployed.ID, nil)
	if err != nil {
		return err
	}
	if end.Status == types.StackStatusUpdateRollbackComplete {
		plan.deployed, err = x.refresh(ctx)
		return err
	}
	stuck, err := x.resourcesIn(ctx, plan.deployed, types.ResourceStatusUpdateFailed)
	if err != nil {
		return err
	}
	if len(stuck) > 0 {
		yes, err := x.approvals.skip(ctx, x.ref(), stuck)
		if err != nil {
			return refuse("%s: %v", x.ref(), err)
		}
		if yes {
			if end, err = x.rollBack(ctx, plan.deployed.ID, live.LogicalIDs(stuck)); err != nil {
				return err
			}
			if end.Status == types.StackStatusUpdateRollbackComplete {
				plan.deployed, err = x.refresh(ctx)
				return err
			}
		}
	}
	return &operationError{end}
}

// rollBack calls ContinueUpdateRollback once and follows the operation. skip lists logical ids, nil for none.
func (x executor) rollBack(ctx context.Context, id string, skip []string) (live.Ending, error) {
	token := x.nextName()
	mark, err := x.lastEvent(ctx, id)
	if err != nil {
		return live.Ending{}, err
	}
	_, err = x.client().ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{
		StackName: &id, ClientRequestToken: &token, ResourcesToSkip: skip,
	})
	if live.IsOvertaken(err) {
		return live.Ending{}, overtaken(err)
	}
	if err != nil {
		return live.Ending{}, x.failed("continue the rollback", err)
	}
	x.tell(activity.Event{Kind: activity.Started, Status: "rollback"})
	end, err := x.follow(ctx, live.Operation{StackID: id, Mark: mark, Token: token})
	if err == nil && end.NeverBegan {
		err = x.neverBegan("continue the rollback", end)
	}
	return end, err
}

// resourcesIn lists the resources in a status, with the reason.
func (x executor) resourcesIn(ctx context.Context, deployed *live.Stack, status types.ResourceStatus) ([]live.FailedResource, error) {
	found, err := x.live.ResourcesIn(ctx, deployed, status, x.secrets)
	return found, x.asFailure(err)
}
