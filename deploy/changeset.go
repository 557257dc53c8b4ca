package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
)

// changeSet is one that this run made.
type changeSet struct {
	name, stackID string
	kind          types.ChangeSetType
	newStack      bool           // there was no stack before: CloudFormation made one to hold the change set
	template      staging.Object // as it was staged for it; zero when it was sent with the call
}

// maxPropose is the longest that CloudFormation may take over a change set.
const maxPropose = 10 * time.Minute

// makeChangeSet makes a change set and waits until it can be read. The error may be errUnchanged or errOvertaken.
func (j *job) makeChangeSet(ctx context.Context, kind types.ChangeSetType) (*changeSet, *cloudformation.DescribeChangeSetOutput, error) {
	made := &changeSet{name: j.token(), kind: kind, newStack: j.deployed == nil}
	input, err := j.changeSetInput(ctx, made)
	if err != nil {
		return nil, nil, err
	}
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	// An interrupt does not cut it off: whether it had arrived would not be known, nor so what there is to discard.
	out, err := j.cloudFormation().CreateChangeSet(context.WithoutCancel(ctx), input)
	switch {
	case live.IsDuplicate(err): // the answer to this very call was lost
		made.stackID = j.stack.Name
	case err != nil:
		if _, answered := errors.AsType[smithy.APIError](err); !answered {
			made.stackID = j.stack.Name // interrupted or cut off, it may have arrived all the same
		}
		return nil, nil, j.afterFailed(ctx, made, j.explainProposal(err))
	default:
		made.stackID = aws.ToString(out.StackId)
	}
	description, err := j.awaitChangeSet(ctx, made)
	if err != nil {
		return nil, nil, j.afterFailed(ctx, made, err)
	}
	made.stackID = aws.ToString(description.StackId)
	if description.Status == types.ChangeSetStatusFailed {
		return nil, nil, j.afterFailed(ctx, made, j.whyProposalFailed(ctx, made, description))
	}
	return made, description, nil
}

func (j *job) changeSetInput(ctx context.Context, made *changeSet) (*cloudformation.CreateChangeSetInput, error) {
	input := &cloudformation.CreateChangeSetInput{
		StackName: &j.stack.Name, ChangeSetName: &made.name, ClientToken: &made.name, ChangeSetType: made.kind,
		Description: aws.String("made by spacel deploy"), Parameters: j.parameters(), Tags: j.tags(),
	}
	for _, c := range j.stack.Capabilities {
		input.Capabilities = append(input.Capabilities, types.Capability(c))
	}
	if made.kind == types.ChangeSetTypeCreate {
		input.OnStackFailure = types.OnStackFailureDelete
	}
	if j.options.Redeploy {
		input.UsePreviousTemplate = aws.Bool(true)
		return input, nil
	}
	if j.template.Retains() {
		input.ImportExistingResources = aws.Bool(true) // what an earlier stack left behind
	}
	if j.sendsTemplate() {
		input.TemplateBody = aws.String(string(j.template.Body))
		return input, nil
	}
	var err error
	if made.template, err = j.stageTemplate(ctx); err != nil {
		return nil, err
	}
	input.TemplateURL = &made.template.URL
	return input, nil
}

func (j *job) tags() []types.Tag {
	var out []types.Tag
	for _, name := range slices.Sorted(maps.Keys(j.stack.Tags)) {
		out = append(out, types.Tag{Key: &name, Value: aws.String(j.stack.Tags[name])})
	}
	return out
}

// sendsTemplate says that the template goes with the call: a dry run puts nothing anywhere if it can be helped, and a small
// orbit needs no bucket.
func (j *job) sendsTemplate() bool {
	noBucket := j.options.Buckets.Template == "" && j.options.Buckets.Asset == ""
	return len(j.template.Body) <= maxInline && (j.options.DryRun || noBucket)
}

func (j *job) stageTemplate(ctx context.Context) (staging.Object, error) {
	stage := j.stage.Template
	if j.options.DryRun {
		stage = j.stage.Temporary
	}
	object, err := stage(ctx, j.stack.Region, j.stack.Digest, j.template.Body)
	if err != nil {
		return staging.Object{}, fmt.Errorf("%s: %w", j.ref(), err)
	}
	if object.New {
		j.tell(activity.Event{Kind: activity.Uploaded, Reason: object.URL})
	}
	return object, nil
}

// awaitChangeSet describes a change set until it is made, with all its pages.
func (j *job) awaitChangeSet(ctx context.Context, made *changeSet) (*cloudformation.DescribeChangeSetOutput, error) {
	deadline := time.Now().Add(maxPropose)
	for {
		out, err := j.describeChangeSet(ctx, made)
		if err != nil {
			return nil, err
		}
		switch {
		case out.Status == types.ChangeSetStatusCreateComplete, out.Status == types.ChangeSetStatusFailed:
			return out, nil
		case time.Now().After(deadline):
			return nil, fmt.Errorf("%s: change set %s is still %s after %s: look at it in the console", j.ref(), made.name, out.Status, maxPropose)
		}
		if err := j.follower.Pause(ctx); err != nil {
			return nil, err
		}
	}
}

func (j *job) describeChangeSet(ctx context.Context, made *changeSet) (*cloudformation.DescribeChangeSetOutput, error) {
	input := &cloudformation.DescribeChangeSetInput{StackName: &made.stackID, ChangeSetName: &made.name, IncludePropertyValues: aws.Bool(true)}
	var whole *cloudformation.DescribeChangeSetOutput
	for {
		page, err := j.cloudFormation().DescribeChangeSet(ctx, input)
		if live.IsOvertaken(err) {
			return nil, errOvertaken
		}
		if err != nil {
			return nil, j.failed("describe change set "+made.name, err)
		}
		if whole != nil {
			page.Changes = append(whole.Changes, page.Changes...)
		}
		whole = page
		if input.NextToken = page.NextToken; input.NextToken == nil {
			return whole, nil
		}
	}
}

// errUnchanged and errOvertaken are not failures: a change set without changes; and one that someone else's operation made
// worthless, which is made again.
const (
	errUnchanged = sentinel("there are no changes")
	errOvertaken = sentinel("another operation came first")
)

type sentinel string

func (s sentinel) Error() string { return string(s) }

// explainProposal is an error of CreateChangeSet.
func (j *job) explainProposal(err error) error {
	switch {
	case live.SaysUnchanged(live.Message(err)):
		return errUnchanged
	case live.IsOvertaken(err):
		return errOvertaken
	}
	return j.failed("make a change set", err)
}

// whyProposalFailed is a failed change set's reason.
func (j *job) whyProposalFailed(ctx context.Context, made *changeSet, d *cloudformation.DescribeChangeSetOutput) error {
	reason := aws.ToString(d.StatusReason)
	if live.SaysUnchanged(reason) {
		return errUnchanged
	}
	text := fmt.Sprintf("%s: CloudFormation refuses the change: %s", j.ref(), reason)
	for _, v := range j.validationErrors(ctx, made) {
		text += "; " + v
	}
	return refuse("%s", j.mask(text))
}

// validationErrors are what CloudFormation found wrong before it would have begun: only the newer DescribeEvents tells. Where
// that cannot be asked, the change set's reason must do.
func (j *job) validationErrors(ctx context.Context, made *changeSet) []string {
	return j.failedValidations(ctx, &cloudformation.DescribeEventsInput{StackName: &made.stackID, ChangeSetName: &made.name})
}

func (j *job) failedValidations(ctx context.Context, of *cloudformation.DescribeEventsInput) []string {
	of.Filters = &types.EventFilter{FailedEvents: aws.Bool(true)}
	out, err := j.cloudFormation().DescribeEvents(ctx, of, func(o *cloudformation.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return nil
	}
	var lines []string
	for _, e := range out.OperationEvents {
		if e.EventType != types.EventTypeValidationError {
			continue
		}
		id := aws.ToString(e.LogicalResourceId)
		lines = append(lines, j.mask(place(j.origin(id))+id+aws.ToString(e.ValidationPath)+": "+aws.ToString(e.ValidationStatusReason)))
	}
	return lines
}

func place(origin string) string {
	if origin == "" {
		return ""
	}
	return origin + ": "
}

// afterFailed takes a change set away that came to nothing, and says why it did.
func (j *job) afterFailed(ctx context.Context, made *changeSet, why error) error {
	if err := j.discard(context.WithoutCancel(ctx), made); err != nil {
		j.tell(activity.Event{Kind: activity.Warning, Reason: err.Error()})
	}
	return why
}

// mask hides secrets in a text.
func (j *job) mask(text string) string { return j.secrets().Mask(text) }
