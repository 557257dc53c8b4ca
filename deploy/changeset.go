package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/staging"
)

// changeSet is a change set that this run made.
//
// A change set is addressed by its ARN. Its name alone is not enough, because all stacks of a run use the same names.
type changeSet struct {
	name, stackID string
	id            string // ARN, as CreateChangeSet returned it; empty while only the name is known, because the answer was lost
	kind          types.ChangeSetType
	newStack      bool           // there was no stack before: CloudFormation made one to hold the change set
	template      staging.Object // as it was staged for it; zero when it was sent with the call
	before        stackState     // of the stack for which it was made
}

// stackState tells whether another operation came in between.
type stackState struct {
	status  types.StackStatus
	updated time.Time
}

// stateBefore returns the state in which a stack is after a change set for it was made: CloudFormation makes a stack to hold one.
func stateBefore(deployed *live.Stack) stackState {
	if deployed == nil {
		return stackState{status: types.StackStatusReviewInProgress}
	}
	return stackState{deployed.Status, deployed.Updated}
}

// address returns the StackName and ChangeSetName of a call about the change set. An ARN needs no stack.
func (c *changeSet) address() (stack, set *string) {
	if c.id != "" {
		return nil, &c.id
	}
	return &c.stackID, &c.name
}

// describeInput names the change set. The stack's id is used, since the name could belong to a newer stack by now.
func (c *changeSet) describeInput() *cloudformation.DescribeChangeSetInput {
	stack, set := c.address()
	return &cloudformation.DescribeChangeSetInput{StackName: stack, ChangeSetName: set}
}

// changeSets makes and discards the change sets of one stack.
type changeSets struct{ *stack }

// changeSetPatience is the longest that CloudFormation may take to make a change set.
const changeSetPatience = 10 * time.Minute

// create makes a change set and waits until it can be read. The error may be errUnchanged or errOvertaken. With an error, the
// change set is discarded.
func (s changeSets) create(
	ctx context.Context, kind types.ChangeSetType, plan stackPlan,
) (*changeSet, *cloudformation.DescribeChangeSetOutput, error) {
	made := &changeSet{name: s.nextName(), kind: kind, newStack: plan.deployed == nil, before: stateBefore(plan.deployed)}
	input, err := s.input(ctx, made, plan)
	if err != nil {
		return nil, nil, err
	}
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	// An interrupt does not cut this call off. Otherwise nobody would know whether it arrived, and whether to discard a change set.
	out, err := s.client().CreateChangeSet(context.WithoutCancel(ctx), input)
	switch {
	case live.IsDuplicate(err): // the answer to this very call was lost
		made.stackID = s.spec.Name
	case err != nil:
		if !live.IsAnswer(err) {
			made.stackID = s.spec.Name // the connection broke, and the call may have arrived
		}
		return nil, nil, s.discardAfter(ctx, made, s.creationError(err))
	default:
		made.id, made.stackID = aws.ToString(out.Id), aws.ToString(out.StackId)
		if err := s.checkMade(made); err != nil {
			return nil, nil, err // nothing is discarded: it may be somebody else's
		}
	}
	description, err := s.await(ctx, made)
	if err != nil {
		return nil, nil, s.discardAfter(ctx, made, err)
	}
	made.id, made.stackID = aws.ToString(description.ChangeSetId), aws.ToString(description.StackId)
	if description.Status == types.ChangeSetStatusFailed {
		return nil, nil, s.discardAfter(ctx, made, s.failureOf(ctx, made, description))
	}
	if err := s.verifyTemplate(ctx, made); err != nil {
		return nil, nil, s.discardAfter(ctx, made, err)
	}
	return made, description, nil
}

// input returns the arguments of CreateChangeSet. The name is the client token, too, so a call that the SDK repeats makes no
// second change set.
func (s changeSets) input(ctx context.Context, made *changeSet, plan stackPlan) (*cloudformation.CreateChangeSetInput, error) {
	input := &cloudformation.CreateChangeSetInput{
		StackName: &s.spec.Name, ChangeSetName: &made.name, ClientToken: &made.name, ChangeSetType: made.kind,
		Description: aws.String("made by spacel deploy"), Parameters: plan.inputs.parameters(), Tags: s.tags(),
		RollbackConfiguration: plan.Guard.configuration(),
	}
	for _, c := range s.spec.Capabilities {
		input.Capabilities = append(input.Capabilities, types.Capability(c))
	}
	if made.kind == types.ChangeSetTypeCreate {
		// A stack whose creation failed can only be deleted. CloudFormation does it at once, so the next deploy can create again.
		input.OnStackFailure = types.OnStackFailureDelete
	}
	if s.options.RevertDrift && made.kind == types.ChangeSetTypeUpdate {
		input.DeploymentMode = types.DeploymentModeRevertDrift
	}
	// A redeploy changes parameters only. The previous template needs no bucket, and cannot change by accident.
	if s.options.Redeploy || s.options.RevertDrift {
		input.UsePreviousTemplate = aws.Bool(true)
		return input, nil
	}
	whole, err := s.template.whole()
	if err != nil {
		return nil, err
	}
	if whole.Retains() {
		input.ImportExistingResources = aws.Bool(true) // an earlier stack of this name may have left them behind
	}
	if s.sendsTemplate() {
		input.TemplateBody = aws.String(string(whole.Body))
		return input, nil
	}
	if made.template, err = s.stageTemplate(ctx, whole.Body); err != nil {
		return nil, err
	}
	input.TemplateURL = &made.template.URL
	return input, nil
}

// tags returns the stack's tags as the artifact has them, sorted. CloudFormation copies them to the stack's resources.
func (s changeSets) tags() []types.Tag {
	var out []types.Tag
	for _, name := range slices.Sorted(maps.Keys(s.spec.Tags)) {
		out = append(out, types.Tag{Key: &name, Value: aws.String(s.spec.Tags[name])})
	}
	return out
}

// sendsTemplate reports whether the template is sent with the call, and not uploaded to a bucket. Every template that fits is sent:
// nobody can exchange it on the way.
func (s changeSets) sendsTemplate() bool { return s.template.size <= maxInline }

// stageTemplate uploads the template. A deploy keeps it under its digest for later runs; a dry run uploads it under a
// temporary name, and discard removes it.
func (s changeSets) stageTemplate(ctx context.Context, body []byte) (staging.Object, error) {
	upload := s.stage.Template
	if s.options.DryRun {
		upload = s.stage.Temporary
	}
	object, err := upload(ctx, s.spec.Region, s.spec.Digest, body)
	if err != nil {
		return staging.Object{}, fmt.Errorf("%s: %w", s.ref(), err)
	}
	if object.New {
		s.tell(activity.Event{Kind: activity.Uploaded, Reason: object.URL})
	}
	return object, nil
}

// freshLooks is how many looks at a new change set may find nothing, or nothing usable. CloudFormation's answers are eventually
// consistent.
const freshLooks = 4

// await describes a change set until it is complete or failed.
func (s changeSets) await(ctx context.Context, made *changeSet) (*cloudformation.DescribeChangeSetOutput, error) {
	deadline := time.Now().Add(changeSetPatience)
	for looks := 1; ; looks++ {
		out, err := s.describe(ctx, made)
		if err == nil {
			err = s.checkDescription(made, out)
		}
		switch {
		case err != nil && (looks >= freshLooks || !mayAppear(err)):
			return nil, s.lostChangeSet(ctx, made, err)
		case err != nil:
			s.tell(activity.Event{Kind: activity.Waiting, Reason: "for change set " + made.name + ": " + err.Error()})
		case out.Status == types.ChangeSetStatusCreateComplete, out.Status == types.ChangeSetStatusFailed:
			return out, nil
		case time.Now().After(deadline):
			return nil, fmt.Errorf("%s: change set %s is still %s after %s: look at it in the console",
				s.ref(), made.name, out.Status, changeSetPatience)
		case looks%looksPerNotice == 0:
			s.tell(activity.Event{Kind: activity.Waiting, Reason: fmt.Sprintf("for change set %s, which is %s", made.name, out.Status)})
		}
		if err := s.follower.Pause(ctx); err != nil {
			return nil, err
		}
	}
}

// looksPerNotice is the number of looks at an unfinished change set for each line of progress: one line in 9 s.
const looksPerNotice = 3

// mayAppear reports whether the next look may find what this one did not.
func mayAppear(err error) bool {
	_, incomplete := errors.AsType[*cloud.IncompleteError](err)
	return incomplete || errors.Is(err, errOvertaken)
}

// lostChangeSet is the error for a change set that CloudFormation made and does not find. When another operation began meanwhile,
// it deleted the change set, and the plan is made again. Otherwise the user gets CloudFormation's own words.
func (s changeSets) lostChangeSet(ctx context.Context, made *changeSet, err error) error {
	if !errors.Is(err, errOvertaken) {
		return err
	}
	now, readErr := s.refresh(ctx)
	if readErr != nil {
		return readErr
	}
	if now != nil && now.Status == made.before.status && now.Updated.Equal(made.before.updated) {
		return refuse("%s: CloudFormation made the change set %s, and does not find it: %s: run spacel %s again; "+
			"if this repeats, look at the stack in the console", s.ref(), cmp.Or(made.id, made.name), words(err), s.verb())
	}
	return err
}

// checkMade refuses an answer of CreateChangeSet about another stack or change set. The change set in such an answer is left alone.
func (s changeSets) checkMade(made *changeSet) error {
	const call = "cloudformation:CreateChangeSet"
	switch {
	case made.id == "" || made.stackID == "":
		return fmt.Errorf("%s: make a change set: %w", s.ref(), cloud.Incomplete(call, "no Id or no StackId"))
	case !strings.Contains(made.stackID+"/", ":stack/"+s.spec.Name+"/"):
		return fmt.Errorf("%s: make a change set: %w", s.ref(), cloud.Incomplete(call, "another stack, "+made.stackID))
	case !strings.Contains(made.id+"/", ":changeSet/"+made.name+"/"):
		return fmt.Errorf("%s: make a change set: %w", s.ref(), cloud.Incomplete(call, "another change set, "+made.id))
	}
	return nil
}

// checkDescription refuses an answer of DescribeChangeSet about another stack or change set, or without a known status.
func (s changeSets) checkDescription(made *changeSet, d *cloudformation.DescribeChangeSetOutput) error {
	const call = "cloudformation:DescribeChangeSet"
	id, stackID, name := aws.ToString(d.ChangeSetId), aws.ToString(d.StackId), aws.ToString(d.StackName)
	var what string
	switch {
	case id == "" || stackID == "":
		what = "no ChangeSetId or no StackId"
	case made.id != "" && id != made.id, aws.ToString(d.ChangeSetName) != made.name:
		what = "another change set, " + id
	case strings.HasPrefix(made.stackID, "arn:") && stackID != made.stackID, name != s.spec.Name:
		what = "another stack, " + stackID
	case !slices.Contains(d.Status.Values(), d.Status):
		what = fmt.Sprintf("the status %q", d.Status)
	default:
		return nil
	}
	return fmt.Errorf("%s: describe change set %s: %w", s.ref(), made.name, cloud.Incomplete(call, what))
}

// describe reads all pages of a change set as one.
func (s changeSets) describe(ctx context.Context, made *changeSet) (*cloudformation.DescribeChangeSetOutput, error) {
	input := made.describeInput()
	input.IncludePropertyValues = aws.Bool(true)
	var whole *cloudformation.DescribeChangeSetOutput
	for {
		page, err := s.client().DescribeChangeSet(ctx, input)
		if live.IsOvertaken(err) {
			return nil, overtaken(err)
		}
		if err != nil {
			return nil, s.failed("describe change set "+made.name, err)
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

// creationError is the meaning of an error of CreateChangeSet.
func (s changeSets) creationError(err error) error {
	switch {
	case live.IsUnchanged(err):
		return errUnchanged
	case live.IsOvertaken(err):
		return overtaken(err)
	}
	return s.failed("make a change set", err)
}

// failureOf is the error for a change set that CloudFormation made and that failed.
func (s changeSets) failureOf(ctx context.Context, made *changeSet, d *cloudformation.DescribeChangeSetOutput) error {
	reason := aws.ToString(d.StatusReason)
	if live.SaysUnchanged(reason) {
		return errUnchanged
	}
	text := fmt.Sprintf("%s: CloudFormation refuses the change: %s", s.ref(), reason)
	stack, set := made.address()
	for _, v := range s.validationErrors(ctx, &cloudformation.DescribeEventsInput{StackName: stack, ChangeSetName: set}) {
		text += "; " + v
	}
	return refuse("%s", s.mask(text))
}

// validationErrors returns the mistakes that CloudFormation found before it began. Only the newer call DescribeEvents has them.
// If that call fails, they are left out: an emulator or a policy may not know it, and there is a reason without them.
func (s *stack) validationErrors(ctx context.Context, of *cloudformation.DescribeEventsInput) []string {
	of.Filters = &types.EventFilter{FailedEvents: aws.Bool(true)}
	// One attempt is enough, since the list only adds detail to an error reported anyway.
	out, err := s.client().DescribeEvents(ctx, of, func(o *cloudformation.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return nil
	}
	var lines []string
	for _, e := range out.OperationEvents {
		if e.EventType != types.EventTypeValidationError {
			continue
		}
		id := aws.ToString(e.LogicalResourceId)
		lines = append(lines, s.mask(place(s.origin(id))+id+aws.ToString(e.ValidationPath)+": "+aws.ToString(e.ValidationStatusReason)))
	}
	return lines
}

// isExecutedByUs reports whether it was this run that executed a change set, though the answer to its call was lost: nobody else
// executes a change set of this name. The mark is the stack's last event before the call. Together with live.Follower, which
// follows the operation, this decides whether an operation of ours has begun.
func (s changeSets) isExecutedByUs(ctx context.Context, made *changeSet, mark string) bool {
	// The change set's own state is the surest sign. If it can no longer be described, the stack's events tell by their token.
	if status, err := s.live.Execution(ctx, s.ref(), made.id); err == nil && live.IsExecuted(status) {
		return true
	}
	events, err := s.live.EventsAfter(ctx, s.ref(), made.stackID, func(e live.Event) bool { return e.ID == mark })
	return err == nil && slices.ContainsFunc(events, func(e live.Event) bool { return e.Token == made.name })
}
