package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
)

// discardAfter discards a useless change set, and returns the reason given.
func (s changeSets) discardAfter(ctx context.Context, made *changeSet, why error) error {
	if err := s.discard(context.WithoutCancel(ctx), made); err != nil {
		s.tell(activity.Event{Kind: activity.Warning, Reason: err.Error()})
	}
	return why
}

// discard deletes a change set, and with it the stack and the template that were made for it.
func (s changeSets) discard(ctx context.Context, made *changeSet) error {
	var errs []error
	if made.stackID != "" {
		errs = append(errs, s.discardChangeSet(ctx, made))
	}
	if s.options.DryRun && made.template != (staging.Object{}) {
		errs = append(errs, s.stage.Remove(ctx, made.template))
	}
	return errors.Join(errs...)
}

// discardChangeSet deletes the change set. If the stack was made only to hold it, that stack is deleted, too.
func (s changeSets) discardChangeSet(ctx context.Context, made *changeSet) error {
	err := s.delete(ctx, made)
	switch {
	case live.IsOvertaken(err): // CloudFormation deleted it when another one was executed
		return nil
	case err != nil:
		return s.failed("delete change set "+made.name, err)
	case made.newStack:
		return s.discardStack(ctx, made)
	}
	return nil
}

// delete deletes a change set. CloudFormation refuses while it is still making the change set, as after an interrupt, so
// delete tries again until it succeeds.
func (s changeSets) delete(ctx context.Context, made *changeSet) error {
	deadline := time.Now().Add(changeSetPatience)
	for {
		stack, set := made.address()
		_, err := s.client().DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: stack, ChangeSetName: set})
		if !live.IsChangeSetBusy(err) || s.isUsed(ctx, made) || time.Now().After(deadline) || s.follower.Pause(ctx) != nil {
			return err
		}
	}
}

// isUsed reports whether a change set is gone, or was executed.
func (s changeSets) isUsed(ctx context.Context, made *changeSet) bool {
	out, err := s.client().DescribeChangeSet(ctx, made.describeInput())
	return err != nil || out.ExecutionStatus != types.ExecutionStatusAvailable && out.ExecutionStatus != types.ExecutionStatusUnavailable
}

// discardStack deletes the stack that CloudFormation made to hold a change set, unless it holds somebody else's by now.
func (s changeSets) discardStack(ctx context.Context, made *changeSet) error {
	held, err := s.live.ByID(ctx, s.spec.Region, made.stackID)
	if err != nil || held == nil || held.Status != types.StackStatusReviewInProgress {
		return err
	}
	out, err := s.client().ListChangeSets(ctx, &cloudformation.ListChangeSetsInput{StackName: &held.ID})
	switch {
	case live.IsGone(err):
		return nil
	case err != nil:
		return s.failed("list the change sets", err)
	// Somebody else prepares the same new stack. Deleting it would take their change set away.
	case holdsOthers(out.Summaries, made.name):
		return nil
	}
	token := made.name + "-discard"
	_, err = s.client().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &held.ID, ClientRequestToken: &token})
	if err != nil && !live.IsGone(err) {
		return s.failed("delete the stack that held the change set", err)
	}
	return s.awaitDeletion(ctx, held.ID)
}

// awaitDeletion waits until a stack without resources is deleted, which takes seconds. Like any operation the deletion may begin
// late. Another change set for the stack would be deleted with it, so the next step waits, but not for ever.
func (s changeSets) awaitDeletion(ctx context.Context, id string) error {
	deadline := time.Now().Add(min(discardPatience, s.follower.Waits()))
	for {
		held, err := s.live.ByID(ctx, s.spec.Region, id)
		if err != nil || held == nil || held.Status == types.StackStatusDeleteComplete || held.Exists() && !held.Busy() {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: the stack that held the change set is still %s: delete it in the console, or deploy again", s.ref(),
				held.Status)
		}
		if err := s.follower.Pause(ctx); errors.Is(err, live.ErrDetached) {
			return nil // the deletion goes on by itself
		} else if err != nil {
			return err
		}
	}
}

// holdsOthers reports whether there are change sets other than ours, which may be listed for a moment after it is deleted.
func holdsOthers(all []types.ChangeSetSummary, ours string) bool {
	for _, c := range all {
		if aws.ToString(c.ChangeSetName) != ours {
			return true
		}
	}
	return false
}
