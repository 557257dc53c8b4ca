package deploy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
)

// mend takes a failed stack to where a change set can be made. It says whether it did anything.
func (j *job) mend(ctx context.Context) (bool, error) {
	step := stepFor(j.deployed)
	switch {
	case step != toRemove && step != toResume:
		return false, nil
	case j.control.IsStopped():
		return false, errStopped
	case step == toRemove:
		return true, j.remove(ctx)
	}
	return true, j.resume(ctx)
}

// remove deletes what is left of a stack, after consent to what is lost with it.
func (j *job) remove(ctx context.Context) error {
	left, err := j.leftovers(ctx)
	if err != nil {
		return err
	}
	if j.plan.Dangers, err = j.lossDangers(ctx, left); err != nil {
		return err
	}
	if err := j.agree(ctx); err != nil {
		return err
	}
	end, err := j.delete(ctx, nil)
	if err != nil || end.Status == types.StackStatusDeleteComplete {
		return orLook(ctx, j, err)
	}
	return j.removeBut(ctx, end)
}

// orLook looks at the stack if there was no error.
func orLook(ctx context.Context, j *job, err error) error {
	if err != nil {
		return err
	}
	return j.look(ctx)
}

// removeBut deletes a stack without what could not be deleted, after consent.
func (j *job) removeBut(ctx context.Context, end live.Ending) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	if end.Cancelled {
		return errCancelled
	}
	stuck, err := j.stuck(ctx, types.ResourceStatusDeleteFailed)
	if err != nil {
		return err
	}
	if len(stuck) > 0 {
		yes, err := j.approvals.leaveBehind(ctx, j.ref(), stuck)
		if err != nil {
			return refuse("%s: %v", j.ref(), err)
		}
		if yes {
			if end, err = j.delete(ctx, live.LogicalIDs(stuck)); err != nil || end.Status == types.StackStatusDeleteComplete {
				return orLook(ctx, j, err)
			}
		}
	}
	j.failure = j.explain(ctx, end)
	return errFailed
}

// delete deletes the stack, but for some resources.
func (j *job) delete(ctx context.Context, but []string) (live.Ending, error) {
	id, token := j.deployed.ID, j.token()
	mark, err := j.lastEvent(ctx, id)
	if err != nil {
		return live.Ending{}, err
	}
	_, err = j.cloudFormation().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id, ClientRequestToken: &token, RetainResources: but})
	switch {
	case live.IsOvertaken(err) && !live.IsGone(err):
		return live.Ending{}, errOvertaken
	case err != nil && !live.IsGone(err):
		return live.Ending{}, j.failed("delete what is left of the stack", err)
	}
	j.tell(activity.Event{Kind: activity.Started, Status: "delete"})
	return j.followOwn(ctx, live.Operation{StackID: id, Mark: mark})
}

// resume continues a rollback that failed: as it is at first, for what was in its way may be gone; then without what still
// fails, after consent.
func (j *job) resume(ctx context.Context) error {
	end, err := j.continueRollback(ctx, nil)
	if err != nil || end.Status == types.StackStatusUpdateRollbackComplete {
		return orLook(ctx, j, err)
	}
	stuck, err := j.stuck(ctx, types.ResourceStatusUpdateFailed)
	if err != nil {
		return err
	}
	if len(stuck) > 0 {
		yes, err := j.approvals.skip(ctx, j.ref(), stuck)
		if err != nil {
			return refuse("%s: %v", j.ref(), err)
		}
		if yes {
			if end, err = j.continueRollback(ctx, live.LogicalIDs(stuck)); err != nil || end.Status == types.StackStatusUpdateRollbackComplete {
				return orLook(ctx, j, err)
			}
		}
	}
	j.failure = j.explain(ctx, end)
	return errFailed
}

func (j *job) continueRollback(ctx context.Context, skip []string) (live.Ending, error) {
	id, token := j.deployed.ID, j.token()
	mark, err := j.lastEvent(ctx, id)
	if err != nil {
		return live.Ending{}, err
	}
	_, err = j.cloudFormation().ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{StackName: &id, ClientRequestToken: &token, ResourcesToSkip: skip})
	if live.IsOvertaken(err) {
		return live.Ending{}, errOvertaken
	}
	if err != nil {
		return live.Ending{}, j.failed("continue the rollback", err)
	}
	j.tell(activity.Event{Kind: activity.Started, Status: "rollback"})
	return j.followOwn(ctx, live.Operation{StackID: id, Mark: mark})
}

// stuck are the resources in a state, with why.
func (j *job) stuck(ctx context.Context, status types.ResourceStatus) ([]live.FailedResource, error) {
	found, err := j.live.ResourcesIn(ctx, j.deployed, status, j.secrets())
	return found, j.asFailure(err)
}

// lastEvent is the id of a stack's newest event, empty if it has none.
func (j *job) lastEvent(ctx context.Context, stackID string) (string, error) {
	last, err := j.live.LastEvent(ctx, j.ref(), stackID)
	return last, j.asFailure(err)
}
