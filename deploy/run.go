package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
)

// maxOvertaken is how often other people's operations may come between before a stack is given up.
const maxOvertaken = 10

// run is a stack's turn: it takes the stack to what the artifact says. Others may come between at any time; then the stack is
// looked at anew.
func (j *job) run(ctx context.Context) (activity.Outcome, error) {
	j.started = time.Now()
	err := j.freshen(ctx)
	for range maxOvertaken {
		if err == nil {
			var outcome activity.Outcome
			if outcome, err = j.carryOut(ctx); err == nil {
				return outcome, nil
			}
		}
		if !errors.Is(err, errOvertaken) {
			return outcomeOf(err), err
		}
		err = j.redraw(ctx)
	}
	return activity.HasFailed, j.alwaysOvertaken()
}

// outcomeOf is what an error leaves a stack as.
func outcomeOf(err error) activity.Outcome {
	switch {
	case errors.Is(err, live.ErrDetached):
		return activity.WasDetached
	case errors.Is(err, errCancelled):
		return activity.WasCancelled
	case errors.Is(err, errStopped):
		return activity.WasSkipped
	}
	if _, lost := errors.AsType[*lostError](err); lost {
		return activity.WasDetached
	}
	return activity.HasFailed
}

// errCancelled is the end of an operation that Control.Cancel undid.
const errCancelled = sentinel("cancelled")

// lostError is that an operation goes on which could not be followed.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// isWorlds says that an error is neither the stack's nor the user's.
func isWorlds(err error) bool {
	if _, planned := errors.AsType[sentinel](err); err == nil || planned || errors.Is(err, live.ErrDetached) {
		return false
	}
	_, refused := errors.AsType[*refusedError](err)
	return !refused
}

// freshen mends the stack, and draws its plan anew if what it was made of has changed since.
func (j *job) freshen(ctx context.Context) error {
	mended, err := j.mend(ctx)
	if err != nil {
		return err
	}
	if mended || j.plan.Action == Later || j.plan.Action == Repair {
		return j.redraw(ctx)
	}
	was := j.values
	if err := j.resolve(ctx); err != nil {
		return refuseAll(err)
	}
	if j.sameOutputs(was, j.values) {
		return nil
	}
	return j.redraw(ctx)
}

// refuseAll makes the stack's own failure of what its parameters' sources answered.
func refuseAll(err error) error { return refuse("%v", err) }

// redraw looks at the stack, its values and its change set anew.
func (j *job) redraw(ctx context.Context) error {
	if old := j.proposal; old != nil {
		j.proposal = nil
		if err := j.discard(ctx, old); err != nil {
			return err
		}
	}
	if err := j.look(ctx); err != nil {
		return err
	}
	if err := j.settle(ctx); err != nil {
		return err
	}
	if err := j.ours(); err != nil {
		return refuseAll(err)
	}
	if _, err := j.mend(ctx); err != nil {
		return err
	}
	if err := j.resolve(ctx); err != nil {
		return refuseAll(err)
	}
	if pending := j.pending(); len(pending) > 0 {
		return refuse("%s: %s", j.ref(), j.whyPending())
	}
	return j.drawOnce(ctx)
}

// whyPending is what the first missing value's source says.
func (j *job) whyPending() string {
	for _, v := range j.values {
		if len(j.pending()) > 0 && v.Pending == j.pending()[0] {
			return v.Missing
		}
	}
	return ""
}

// carryOut does what the plan says.
func (j *job) carryOut(ctx context.Context) (activity.Outcome, error) {
	switch {
	case j.plan.Action == Later || j.plan.Action == Repair: // it is not as it was looked at: someone else has begun something
		return "", errOvertaken
	case j.proposal == nil:
		return j.finish(ctx, false)
	case j.control.IsStopped(): // before a question that would come to nothing
		return "", errStopped
	}
	if err := j.agree(ctx); err != nil {
		return "", err
	}
	end, err := j.execute(ctx)
	if err != nil {
		return "", err
	}
	if err := j.look(ctx); err != nil {
		return "", err
	}
	switch {
	case succeeded(end.Status):
		return j.finish(ctx, true)
	case end.Cancelled:
		return "", errCancelled
	}
	j.failure = j.explain(ctx, end)
	return "", errFailed
}

// errFailed is a failure that is explained already.
const errFailed = sentinel("the stack failed")

// finish sets what is no part of an operation.
func (j *job) finish(ctx context.Context, changed bool) (activity.Outcome, error) {
	protected, err := j.protect(ctx)
	switch {
	case err != nil:
		return "", err
	case changed && j.plan.Action == Create:
		return activity.WasCreated, nil
	case changed || protected:
		return activity.WasUpdated, nil
	}
	return activity.WasUnchanged, nil
}

// protect turns termination protection on or off. A stack is protected only now, for one that fails at first must go.
func (j *job) protect(ctx context.Context) (bool, error) {
	want := j.stack.TerminationProtection
	if j.deployed == nil || j.deployed.TerminationProtection == want {
		return false, nil
	}
	_, err := j.cloudFormation().UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
		StackName: &j.deployed.ID, EnableTerminationProtection: &want,
	})
	if err != nil {
		return false, j.failed("turn termination protection "+onOff(want), err)
	}
	return true, j.look(ctx)
}

// errStopped is the end of a turn that had not changed anything when Control.Stop came.
const errStopped = sentinel("stopped before anything changed")

// execute executes the change set and follows it to its end.
func (j *job) execute(ctx context.Context) (live.Ending, error) {
	if j.control.IsStopped() {
		return live.Ending{}, errStopped
	}
	made := j.proposal
	mark, err := j.lastEvent(ctx, made.stackID)
	if err != nil {
		return live.Ending{}, err
	}
	_, err = j.cloudFormation().ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{
		StackName: &made.stackID, ChangeSetName: &made.name, ClientRequestToken: &made.name,
	})
	switch {
	case live.IsOvertaken(err) && j.executed(ctx, made, mark): // the answer to the first call was lost
	case live.IsOvertaken(err):
		return live.Ending{}, errOvertaken
	case err != nil:
		return live.Ending{}, j.failed("execute the change set", err)
	}
	j.proposal = nil
	j.tell(activity.Event{Kind: activity.Started, Status: string(j.plan.Action), Total: len(j.plan.Changes)})
	return j.followOwn(ctx, live.Operation{StackID: made.stackID, Mark: mark, Creates: made.kind == types.ChangeSetTypeCreate, Undo: j.undo(made)})
}

// followOwn follows an operation of ours. If that is no longer possible, the operation goes on.
func (j *job) followOwn(ctx context.Context, o live.Operation) (live.Ending, error) {
	o.Ref, o.Secrets, o.Origins = j.ref(), j.secrets(), j.places[j.ref().String()]
	end, err := j.follower.Follow(ctx, o)
	if err != nil && !errors.Is(err, live.ErrDetached) {
		return end, &lostError{fmt.Errorf("%s: the operation goes on in CloudFormation, but could not be followed: %w: %s", j.ref(), err, j.pickUp(j.stack.App))}
	}
	return end, err
}

// executed says whether it was this run that executed a change set: nobody else executes one of its name.
func (j *job) executed(ctx context.Context, made *changeSet, mark string) bool {
	out, err := j.cloudFormation().DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &made.stackID, ChangeSetName: &made.name})
	if err == nil {
		switch out.ExecutionStatus {
		case types.ExecutionStatusExecuteInProgress, types.ExecutionStatusExecuteComplete, types.ExecutionStatusExecuteFailed:
			return true
		}
	}
	events, err := j.live.EventsAfter(ctx, j.ref(), made.stackID, func(e live.Event) bool { return e.ID == mark })
	if err != nil {
		return false
	}
	for _, e := range events {
		if e.Token == made.name {
			return true
		}
	}
	return false
}

// undo is what cancels an operation: an update is rolled back, a creation is deleted.
func (j *job) undo(made *changeSet) func(context.Context) error {
	token := made.name + "-cancel"
	return func(ctx context.Context) error {
		var err error
		if made.kind == types.ChangeSetTypeCreate {
			_, err = j.cloudFormation().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &made.stackID, ClientRequestToken: &token})
		} else {
			_, err = j.cloudFormation().CancelUpdateStack(ctx, &cloudformation.CancelUpdateStackInput{StackName: &made.stackID, ClientRequestToken: &token})
		}
		if err != nil {
			return j.failed("cancel", err)
		}
		return nil
	}
}

// conclude notes what the job's turn came to.
func (j *job) conclude(outcome activity.Outcome, err error) {
	if j.result.Outcome == "" {
		j.result.Outcome = outcome
	}
	j.result.Seconds += time.Since(j.started).Seconds()
	switch outcome {
	case activity.WasUnchanged:
		j.tell(activity.Event{Kind: activity.Unchanged})
	case activity.WasCreated, activity.WasUpdated:
		j.tell(activity.Event{Kind: activity.Done, Status: j.summary().Status})
	case activity.HasFailed:
		j.fail(err)
	default:
		j.result.Why = j.describeEnd(err)
		j.tell(activity.Event{Kind: activity.Skipped, Reason: j.result.Why})
	}
}

// fail notes a failure, explained or not.
func (j *job) fail(err error) {
	if j.failure == nil {
		j.failure = &Failure{StackRef: j.ref(), What: err.Error(), Next: "mend that, then run " + j.command()}
	}
	j.result.Why = j.failure.What
	j.tell(activity.Event{Kind: activity.Failed, Resource: j.failure.Resource, Type: j.failure.Type, Reason: j.failure.What, Origin: j.failure.Origin})
}

func (j *job) describeEnd(err error) string {
	switch {
	case errors.Is(err, live.ErrDetached):
		return "goes on in CloudFormation: " + j.pickUp(j.stack.App)
	case errors.Is(err, errCancelled):
		return "cancelled"
	}
	return err.Error()
}
