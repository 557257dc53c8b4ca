package deploy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// mend takes a failed stack to where a change set can be made. It says whether it did anything.
func (j *job) mend(ctx context.Context) (bool, error) {
	step := stepFor(j.deployed)
	switch {
	case step != toRemove && step != toResume:
		return false, nil
	case j.control.stop.isRaised():
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
	if err != nil || end.status == types.StackStatusDeleteComplete {
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
func (j *job) removeBut(ctx context.Context, end ending) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	if end.cancelled {
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
			if end, err = j.delete(ctx, logicalIDs(stuck)); err != nil || end.status == types.StackStatusDeleteComplete {
				return orLook(ctx, j, err)
			}
		}
	}
	j.failure = j.explain(ctx, end)
	return errFailed
}

// delete deletes the stack, but for some resources.
func (j *job) delete(ctx context.Context, but []string) (ending, error) {
	id, token := j.deployed.ID, j.token()
	mark, err := j.lastEvent(ctx, id)
	if err != nil {
		return ending{}, err
	}
	_, err = j.cloudFormation().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id, ClientRequestToken: &token, RetainResources: but})
	switch {
	case isOvertaken(err) && !isGone(err):
		return ending{}, errOvertaken
	case err != nil && !isGone(err):
		return ending{}, j.failed("delete what is left of the stack", err)
	}
	j.tell(Event{Kind: Started, Status: "delete"})
	return j.followOwn(ctx, operation{ref: j.ref(), stackID: id, mark: mark})
}

// resume continues a rollback that failed: as it is at first, for what was in its way may be gone; then without what still
// fails, after consent.
func (j *job) resume(ctx context.Context) error {
	end, err := j.continueRollback(ctx, nil)
	if err != nil || end.status == types.StackStatusUpdateRollbackComplete {
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
			if end, err = j.continueRollback(ctx, logicalIDs(stuck)); err != nil || end.status == types.StackStatusUpdateRollbackComplete {
				return orLook(ctx, j, err)
			}
		}
	}
	j.failure = j.explain(ctx, end)
	return errFailed
}

func (j *job) continueRollback(ctx context.Context, skip []string) (ending, error) {
	id, token := j.deployed.ID, j.token()
	mark, err := j.lastEvent(ctx, id)
	if err != nil {
		return ending{}, err
	}
	_, err = j.cloudFormation().ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{StackName: &id, ClientRequestToken: &token, ResourcesToSkip: skip})
	if isOvertaken(err) {
		return ending{}, errOvertaken
	}
	if err != nil {
		return ending{}, j.failed("continue the rollback", err)
	}
	j.tell(Event{Kind: Started, Status: "rollback"})
	return j.followOwn(ctx, operation{ref: j.ref(), stackID: id, mark: mark})
}

// stuck are the resources in a state, with why.
func (j *job) stuck(ctx context.Context, status types.ResourceStatus) ([]FailedResource, error) {
	left, err := j.leftovers(ctx)
	if err != nil {
		return nil, err
	}
	var out []FailedResource
	for _, r := range left {
		if r.ResourceStatus == status {
			out = append(out, FailedResource{
				LogicalID: aws.ToString(r.LogicalResourceId), PhysicalID: aws.ToString(r.PhysicalResourceId),
				Type: aws.ToString(r.ResourceType), Reason: j.mask(aws.ToString(r.ResourceStatusReason)),
			})
		}
	}
	return out, nil
}

func logicalIDs(resources []FailedResource) []string {
	var ids []string
	for _, r := range resources {
		ids = append(ids, r.LogicalID)
	}
	return ids
}
