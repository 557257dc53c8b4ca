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

// executor carries out the plan of one stack. It holds no state of the run: each method takes a plan and returns the next one.
type executor struct {
	*stack
	approvals *approvals
}

// outcome is the end of one stack's turn. Explaining takes it.
type outcome struct {
	activity.Outcome
	plan    stackPlan     // the last plan, with the stack as read last. Its change set, if any, was not used
	err     error         // nil if and only if the outcome is OK
	seconds time.Duration // of the turn
}

// run makes the stack match the artifact. When somebody else's operation comes first, it plans again.
func (x executor) run(ctx context.Context, plan stackPlan) outcome {
	began := time.Now()
	end := x.attempt(ctx, plan)
	end.seconds = time.Since(began)
	return end
}

// attempt carries the plan out. Each time another operation came first it makes a new plan, at most maxOvertaken times.
func (x executor) attempt(ctx context.Context, plan stackPlan) outcome {
	plan, err := x.refreshInputs(ctx, plan)
	for range maxOvertaken {
		if err == nil {
			var done activity.Outcome
			if plan, done, err = x.carryOut(ctx, plan); err == nil {
				return outcome{Outcome: done, plan: plan}
			}
		}
		if !errors.Is(err, errOvertaken) {
			return outcome{Outcome: outcomeOf(err), plan: plan, err: err}
		}
		last := err
		if err = x.pauseOvertaken(ctx, last); err != nil {
			return outcome{Outcome: outcomeOf(err), plan: plan, err: err}
		}
		plan, err = x.replan(ctx, plan)
	}
	return outcome{Outcome: activity.HasFailed, plan: plan, err: x.alwaysOvertaken(err)}
}

// outcomeOf is the outcome of a stack whose turn ended with an error.
func outcomeOf(err error) activity.Outcome {
	switch {
	case errors.Is(err, live.ErrDetached):
		return activity.WasDetached
	case errors.Is(err, errCancelled):
		return activity.WasCancelled
	case errors.Is(err, errStopped):
		return activity.WasSkipped
	}
	// The operation goes on without us: its end is unknown, which is not the same as a failure.
	if _, lost := errors.AsType[*lostError](err); lost {
		return activity.WasDetached
	}
	return activity.HasFailed
}

// refreshInputs repairs a failed stack, and plans again if an input has changed since the plan was made.
func (x executor) refreshInputs(ctx context.Context, plan stackPlan) (stackPlan, error) {
	plan, repaired, err := x.repair(ctx, plan)
	if err != nil {
		return plan, err
	}
	// Such a plan was made before its inputs or the stack's state were known, so it says nothing about changes.
	if repaired || plan.Action == Later || plan.Action == Repair {
		return x.replan(ctx, plan)
	}
	in, err := x.resolve(ctx, plan.deployed)
	if err != nil {
		return plan, refuseFor(err)
	}
	// The plan is still right if no input differs. The new inputs are kept, since they are complete.
	scaled, err := resized(ctx, x.stack, plan)
	if err != nil {
		return plan, err
	}
	if !scaled && x.sameOutputs(plan.inputs, in) {
		plan.inputs = in
		return plan, nil
	}
	return x.replan(ctx, plan)
}

// replan makes a plan from the stack and its inputs as they are now. Unlike planner.replan it discards the old change set, and
// repairs a failed stack.
func (x executor) replan(ctx context.Context, plan stackPlan) (stackPlan, error) {
	if old := plan.changeSet; old != nil {
		plan.changeSet = nil
		if err := (changeSets{x.stack}).discard(ctx, old); err != nil {
			return plan, err
		}
	}
	var err error
	if plan.deployed, err = x.refreshIdle(ctx); err != nil {
		return plan, err
	}
	// The stack may have been deleted and created again by somebody else since the preflight.
	if err := x.checkOwner(plan.deployed); err != nil {
		return plan, refuseFor(err)
	}
	if plan, _, err = x.repair(ctx, plan); err != nil {
		return plan, err
	}
	in, err := x.resolve(ctx, plan.deployed)
	if err != nil {
		return plan, refuseFor(err)
	}
	plan.inputs = in
	// All stacks this one needs are done by now, so a value still missing will never come.
	if len(in.pending()) > 0 {
		return plan, refuse("%s: %s", x.ref(), in.whyPending())
	}
	return planner{x.stack}.planOnce(ctx, plan.deployed, in)
}

// carryOut does the work of a plan. It returns the plan with the stack as it is afterwards.
func (x executor) carryOut(ctx context.Context, plan stackPlan) (stackPlan, activity.Outcome, error) {
	switch {
	case plan.Action == Later || plan.Action == Repair: // the stack's state changed while it was planned: somebody else began an operation
		return plan, "", errOvertaken
	case plan.changeSet == nil:
		return x.finish(ctx, plan, false)
	case x.control.IsStopped(): // before a question whose answer would not matter
		return plan, "", errStopped
	}
	if err := x.agree(ctx, plan.StackPlan); err != nil {
		return plan, "", err
	}
	// The alarms were read for the plan, which may be an hour old after other stacks and a question.
	if plan.Guard != nil {
		if err := (guardian{x.stack}).check(ctx, plan.Guard); err != nil {
			return plan, "", err
		}
	}
	if err := (taskPlanner{x.stack}).release(ctx, plan); err != nil {
		return plan, "", err
	}
	before := plan
	plan, end, err := x.execute(ctx, plan)
	if err != nil {
		return plan, "", err
	}
	// The stack was read after the end, with the outputs that stacks later in the order take as parameters.
	if succeeded(end.Status) {
		plan.deployed = x.remember(end.Stack)
		x.noteOwnOperation(ctx, before, plan, end)
		return x.finish(ctx, plan, true)
	}
	if plan.deployed, err = x.refresh(ctx); err != nil {
		return plan, "", err
	}
	resetCapacity(ctx, x.stack, plan)
	if end.Cancelled {
		return plan, "", errCancelled
	}
	return plan, "", &operationError{end}
}

// finish sets termination protection, which is not a part of any operation.
func (x executor) finish(ctx context.Context, plan stackPlan, changed bool) (stackPlan, activity.Outcome, error) {
	plan, protected, err := x.protect(ctx, plan)
	switch {
	case err != nil:
		return plan, "", err
	// A change of termination protection alone counts as an update, too: the stack differs from before.
	case changed && plan.Action == Create:
		return plan, activity.WasCreated, nil
	case changed || protected:
		return plan, activity.WasUpdated, nil
	}
	return plan, activity.WasUnchanged, nil
}

// protect turns termination protection on or off, if it differs. It comes last, because CloudFormation cannot delete a
// protected stack whose creation fails.
func (x executor) protect(ctx context.Context, plan stackPlan) (stackPlan, bool, error) {
	want := x.spec.TerminationProtection
	if plan.deployed == nil || plan.deployed.TerminationProtection == want {
		return plan, false, nil
	}
	err := x.live.Protect(ctx, plan.deployed, want)
	if err != nil {
		return plan, false, x.failed("turn termination protection "+live.OnOff(want), err)
	}
	// The call changes nothing else, so the stack is not read again.
	now := *plan.deployed
	now.TerminationProtection = want
	plan.deployed = x.remember(&now)
	return plan, true, nil
}

// remember takes a stack that was read by its id for the present one.
func (x executor) remember(read *live.Stack) *live.Stack {
	x.live.Remember(x.spec.Region, []string{x.spec.Name}, map[string]*live.Stack{x.spec.Name: read})
	return read
}

// execute executes the plan's change set and follows the operation. The returned plan has no change set any more.
func (x executor) execute(ctx context.Context, plan stackPlan) (stackPlan, live.Ending, error) {
	if x.control.IsStopped() {
		return plan, live.Ending{}, errStopped
	}
	made := plan.changeSet
	// The mark is taken before the call: all events after it belong to this operation. Without it, events of an earlier
	// operation could be taken for ours.
	mark, err := x.lastEvent(ctx, made.stackID)
	if err != nil {
		return plan, live.Ending{}, err
	}
	stackName, set := made.address()
	_, err = x.client().ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{
		StackName: stackName, ChangeSetName: set, ClientRequestToken: &made.name,
	})
	switch {
	// The SDK repeats a call after a lost answer. The repetition is refused, because the first call began the operation.
	case live.IsOvertaken(err) && changeSets{x.stack}.isExecutedByUs(ctx, made, mark): // the answer to the first call was lost
	case live.IsOvertaken(err):
		return plan, live.Ending{}, overtaken(err)
	case err != nil:
		return plan, live.Ending{}, x.failed("execute the change set", err)
	}
	// From here on the change set is executed, so discardUnused must leave it alone.
	plan.changeSet, plan.began = nil, time.Now()
	started := activity.Event{Kind: activity.Started, Status: string(plan.Action), Total: len(plan.Changes)}
	if plan.Guard != nil && len(plan.Guard.Alarms) > 0 {
		started.Reason, started.Watch = plan.Guard.Text(), plan.Guard.Minutes
	}
	x.tell(started)
	end, err := x.follow(ctx, live.Operation{
		StackID: made.stackID, Mark: mark, Token: made.name, ChangeSet: made.id,
		Creates: made.kind == types.ChangeSetTypeCreate, Undo: x.undo(made), UndoToken: made.undoToken(),
	})
	if err == nil && end.NeverBegan {
		plan.changeSet = made // which is deleted at the end, so that nothing begins after all
		err = x.neverBegan(map[bool]string{false: "execute the change set", true: "cancel"}[end.Cancelled], end)
	}
	return plan, end, err
}

// lastEvent returns the id of a stack's newest event: see live.Operation.Mark.
func (x executor) lastEvent(ctx context.Context, stackID string) (string, error) {
	last, err := x.live.LastEvent(ctx, x.ref(), stackID)
	return last, x.asFailure(err)
}

// follow follows an operation of ours. Otherwise the operation goes on in CloudFormation.
func (x executor) follow(ctx context.Context, o live.Operation) (live.Ending, error) {
	o.Ref, o.Secrets, o.Origins = x.ref(), x.secrets, x.origins()
	end, err := x.follower.Follow(ctx, o)
	if err != nil && !errors.Is(err, live.ErrDetached) {
		return end, &lostError{fmt.Errorf("%s: the operation goes on in CloudFormation, but could not be followed: %w: %s",
			x.ref(), err, x.pickUp(x.spec.App))}
	}
	return end, err
}

// undoToken is the token of the deletion that undoes a creation. Rolling an update back is a part of the update.
func (c *changeSet) undoToken() string {
	if c.kind == types.ChangeSetTypeCreate {
		return c.name + "-cancel"
	}
	return ""
}

// undo cancels the operation of a change set: an update is rolled back, a creation is deleted.
func (x executor) undo(made *changeSet) func(context.Context) error {
	// The token is another one than that of the execution, so the events of the undoing can be told apart.
	token := made.name + "-cancel"
	return func(ctx context.Context) error {
		var err error
		// CloudFormation has no call to cancel a creation, so the stack is deleted.
		if made.kind == types.ChangeSetTypeCreate {
			_, err = x.client().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &made.stackID, ClientRequestToken: &token})
		} else {
			_, err = x.client().CancelUpdateStack(ctx, &cloudformation.CancelUpdateStackInput{
				StackName: &made.stackID, ClientRequestToken: &token,
			})
		}
		if err != nil {
			return x.failed("cancel", err)
		}
		return nil
	}
}
