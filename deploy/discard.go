package deploy

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
)

// Discard deletes what Prepare made and Execute did not use: change sets, stacks that have nothing but those, and templates
// that were staged for a dry run. It can be called more than once.
func (d *Deployment) Discard(ctx context.Context) error {
	return errors.Join(d.each(ctx, func(ctx context.Context, j *job) error {
		made := j.proposal
		if made == nil {
			return nil
		}
		j.proposal = nil
		return j.discard(ctx, made)
	})...)
}

// discard takes a change set away, with the stack and the template that were made for it.
func (j *job) discard(ctx context.Context, made *changeSet) error {
	var errs []error
	if made.stackID != "" {
		errs = append(errs, j.discardChangeSet(ctx, made))
	}
	if j.options.DryRun && made.template != (staging.Object{}) {
		errs = append(errs, j.stage.Remove(ctx, made.template))
	}
	return errors.Join(errs...)
}

func (j *job) discardChangeSet(ctx context.Context, made *changeSet) error {
	err := j.deleteChangeSet(ctx, made)
	switch {
	case live.IsOvertaken(err): // it went when another was executed
		return nil
	case err != nil:
		return j.failed("delete change set "+made.name, err)
	case made.newStack:
		return j.discardStack(ctx, made)
	}
	return nil
}

// deleteChangeSet waits for one that is in the making, which CloudFormation does not delete: the run was interrupted.
func (j *job) deleteChangeSet(ctx context.Context, made *changeSet) error {
	deadline := time.Now().Add(maxPropose)
	for {
		_, err := j.cloudFormation().DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &made.stackID, ChangeSetName: &made.name})
		if !live.IsChangeSetBusy(err) || j.isExecuted(ctx, made) || time.Now().After(deadline) || j.follower.Pause(ctx) != nil {
			return err
		}
	}
}

// isExecuted says that a change set is gone, or became an operation.
func (j *job) isExecuted(ctx context.Context, made *changeSet) bool {
	out, err := j.cloudFormation().DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &made.stackID, ChangeSetName: &made.name})
	return err != nil || out.ExecutionStatus != types.ExecutionStatusAvailable && out.ExecutionStatus != types.ExecutionStatusUnavailable
}

// discardStack deletes the stack that CloudFormation made to hold a change set, unless someone else's is in it by now.
func (j *job) discardStack(ctx context.Context, made *changeSet) error {
	s, err := j.live.ByID(ctx, j.stack.Region, made.stackID)
	if err != nil || s == nil || s.Status != types.StackStatusReviewInProgress {
		return err
	}
	out, err := j.cloudFormation().ListChangeSets(ctx, &cloudformation.ListChangeSetsInput{StackName: &s.ID})
	switch {
	case live.IsGone(err):
		return nil
	case err != nil:
		return j.failed("list the change sets", err)
	case holdsOthers(out.Summaries, made.name):
		return nil
	}
	_, err = j.cloudFormation().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.ID, ClientRequestToken: aws.String(made.name + "-discard")})
	if err != nil && !live.IsGone(err) {
		return j.failed("delete the stack that held the change set", err)
	}
	return j.awaitGone(ctx, s.ID)
}

// awaitGone waits until a stack is deleted, which takes seconds when there is nothing in it.
func (j *job) awaitGone(ctx context.Context, id string) error {
	for {
		s, err := j.live.ByID(ctx, j.stack.Region, id)
		if err != nil || s == nil || s.Status != types.StackStatusDeleteInProgress {
			return err
		}
		if err := j.follower.Pause(ctx); err == live.ErrDetached {
			return nil // it goes by itself
		} else if err != nil {
			return err
		}
	}
}

// holdsOthers says whether there are change sets but ours, which may take a moment to go.
func holdsOthers(all []types.ChangeSetSummary, ours string) bool {
	for _, c := range all {
		if aws.ToString(c.ChangeSetName) != ours {
			return true
		}
	}
	return false
}
