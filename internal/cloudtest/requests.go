package cloudtest

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// execute starts the operation of a change set. The stack's other change sets become obsolete, since they were
// compared with a state which is gone.
func (c *call) execute(s *stack, set *changeSet, in *cloudformation.ExecuteChangeSetInput, at time.Time) {
	// CloudFormation makes the other change sets unusable as soon as one is executed. deploy must therefore never rely on a
	// change set of an earlier run.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-execute.html
	for _, other := range s.changeSets {
		if other != set {
			other.execution = types.ExecutionStatusObsolete
		}
	}
	set.execution = types.ExecutionStatusExecuteInProgress
	g := &change{
		engine: c.engine, s: s, set: set, before: s.inputs, onFailure: set.onFailure,
		keep:    set.onFailure == types.OnStackFailureDoNothing || aws.ToBool(in.DisableRollback),
		ongoing: map[string]*resourceChange{}, saved: map[string]*resource{},
	}
	// The stack has the new template and parameters from the begin of the operation. A rollback restores those of before.
	s.inputs, s.guard = set.next, set.guard
	s.onFailure = set.onFailure
	g.scope = s.scope(s.inputs)
	// A creation cannot be cancelled, only deleted: cancel stays nil for it, and CancelUpdateStack refuses.
	kind := types.OperationTypeCreateStack
	if set.kind == types.ChangeSetTypeUpdate {
		kind = types.OperationTypeUpdateStack
		s.updated = at
	}
	c.engine.begin(s, at, kind, aws.ToString(in.ClientRequestToken), g.steps()...)
	if set.kind == types.ChangeSetTypeUpdate {
		s.operation.cancel = g.cancel
	}
	s.set(at, g.status("_IN_PROGRESS"), "User Initiated")
}

// cancelUpdateStack makes an update roll back at its next step.
func (c *call) cancelUpdateStack(in *cloudformation.CancelUpdateStackInput) (*cloudformation.CancelUpdateStackOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	// Only UPDATE_IN_PROGRESS can be cancelled. During the clean-up after a successful update AWS refuses, too.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn--stack-update-cancel.html
	if s.status != types.StackStatusUpdateInProgress || s.operation == nil || s.operation.cancel == nil {
		return nil, invalid("CancelUpdateStack cannot be called from current stack status")
	}
	s.operation.cancelled = true
	return &cloudformation.CancelUpdateStackOutput{}, nil
}

// continueUpdateRollback tries a failed rollback again. The resources to skip must be in UPDATE_FAILED.
func (c *call) continueUpdateRollback(in *cloudformation.ContinueUpdateRollbackInput) (*cloudformation.ContinueUpdateRollbackOutput,
	error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	token := aws.ToString(in.ClientRequestToken)
	// The SDK repeats a call whose answer was lost. Without this rule the second call would meet a stack in progress and fail.
	if token != "" && s.tokens[token] == "continue" {
		return &cloudformation.ContinueUpdateRollbackOutput{}, nil
	}
	if s.status != types.StackStatusUpdateRollbackFailed {
		return nil, invalid("Stack:%s is in %s state and can not continue rolling back.", s.id, s.status)
	}
	// A resource in UPDATE_FAILED for another reason, for example a cancelled update, must not be skipped.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
	for _, logical := range in.ResourcesToSkip {
		if r := s.resources[logical]; r == nil || r.Status != types.ResourceStatusUpdateFailed {
			return nil, invalid("The resource(s) %s cannot be skipped: only resources that are in the UPDATE_FAILED state because a "+
				"rollback failed can be", bracketed([]string{logical}))
		}
	}
	s.tokens[token] = "continue"
	c.accept(s, func(at time.Time) {
		if s.status == types.StackStatusUpdateRollbackFailed {
			c.engine.begin(s, at, types.OperationTypeContinueRollback, token)
			s.set(at, types.StackStatusUpdateRollbackInProgress, "User Initiated")
			s.operation.queue = s.resume(in.ResourcesToSkip)
		}
	})
	return &cloudformation.ContinueUpdateRollbackOutput{}, nil
}

// describeStacks returns one stack by name or id, or all stacks of the region without the deleted ones. An unknown name is
// a ValidationError ("does not exist"), the same code as for any other mistake in the call: deploy has to read the text.
// A deleted stack is still found by its id, with the status DELETE_COMPLETE.
func (c *call) describeStacks(in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
	out := &cloudformation.DescribeStacksOutput{}
	if in.StackName != nil {
		s, err := c.must(in.StackName)
		if err != nil {
			return nil, err
		}
		out.Stacks = []types.Stack{s.describe()}
		return out, nil
	}
	var all []*stack
	for _, s := range c.engine.stacks {
		if s.region == c.region && s.deleted.IsZero() && s.name != c.Unlisted {
			all = append(all, s)
		}
	}
	stacks, next := page(all, in.NextToken, c.Page)
	out.NextToken = next
	out.Stacks = []types.Stack{} // AWS sends an empty list, as the query protocol does: <Stacks/>
	for _, s := range stacks {
		out.Stacks = append(out.Stacks, s.describe())
	}
	return out, nil
}

// listStacks lists stacks, deleted ones too.
func (c *call) listStacks(in *cloudformation.ListStacksInput) (*cloudformation.ListStacksOutput, error) {
	out := &cloudformation.ListStacksOutput{}
	var all []types.StackSummary
	for _, s := range c.engine.stacks {
		// An empty filter selects every status. AWS forgets deleted stacks after 90 days; this account keeps them.
		if s.region != c.region || len(in.StackStatusFilter) > 0 && !slices.Contains(in.StackStatusFilter, s.status) {
			continue
		}
		summary := types.StackSummary{StackId: &s.id, StackName: &s.name, StackStatus: s.status, CreationTime: &s.created}
		if !s.deleted.IsZero() {
			summary.DeletionTime = &s.deleted
		}
		all = append(all, summary)
	}
	out.StackSummaries, out.NextToken = page(all, in.NextToken, c.Page)
	return out, nil
}

// getTemplate returns a template as it was sent, in its layout, but with ? for each character outside of ASCII.
func (c *call) getTemplate(in *cloudformation.GetTemplateInput) (*cloudformation.GetTemplateOutput, error) {
	stages := []types.TemplateStage{types.TemplateStageOriginal, types.TemplateStageProcessed}
	if in.ChangeSetName != nil {
		_, set, err := c.findChangeSet(in.ChangeSetName, in.StackName)
		if err != nil {
			return nil, err
		}
		return &cloudformation.GetTemplateOutput{TemplateBody: readBack(set.next.body), StagesAvailable: stages}, nil
	}
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	// A stack in REVIEW_IN_PROGRESS has change sets and no template yet. It exists, but GetTemplate fails for it.
	if s.inputs.body == "" {
		return nil, invalid("Stack with id %s does not have a template", s.name)
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: readBack(s.inputs.body), StagesAvailable: stages}, nil
}

// readBack returns a template's text as GetTemplate does. CloudFormation applies "Helloこん" as it is, and returns "Hello??"
// (aws-cloudformation/cloudformation-coverage-roadmap #1220 and #814, both open in 2026). \u escapes are ASCII and stay.
func readBack(body string) *string {
	shown := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, body)
	return &shown
}

// describeStackResources returns a stack's resources, or the one with the given logical id. There are no pages: AWS returns
// only the first 100 resources, so deploy uses ListStackResources. This account has no such limit.
func (c *call) describeStackResources(in *cloudformation.DescribeStackResourcesInput) (*cloudformation.DescribeStackResourcesOutput,
	error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeStackResourcesOutput{StackResources: []types.StackResource{}}
	for _, r := range s.listed() {
		if in.LogicalResourceId != nil && r.Logical != *in.LogicalResourceId {
			continue
		}
		described := types.StackResource{
			LogicalResourceId: &r.Logical, PhysicalResourceId: &r.Physical, ResourceStatus: r.Status, ResourceType: &r.Type,
			StackId: &s.id, StackName: &s.name, Timestamp: &r.Updated,
		}
		if r.Reason != "" {
			described.ResourceStatusReason = &r.Reason
		}
		out.StackResources = append(out.StackResources, described)
	}
	// An unknown logical id is an error, not an empty list (https://github.com/getmoto/moto/pull/4186).
	if in.LogicalResourceId != nil && len(out.StackResources) == 0 {
		return nil, invalid("Resource %s does not exist for stack %s", *in.LogicalResourceId, s.name)
	}
	return out, nil
}

// listed returns the stack's resources, sorted by logical id.
func (s *stack) listed() []*resource {
	var all []*resource
	for _, r := range s.resources {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *resource) int { return strings.Compare(a.Logical, b.Logical) })
	return all
}

// listStackResources returns a stack's resources in pages of Page elements, deleted ones included.
func (c *call) listStackResources(in *cloudformation.ListStackResourcesInput) (*cloudformation.ListStackResourcesOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ListStackResourcesOutput{}
	resources, next := page(s.listed(), in.NextToken, c.Page)
	out.NextToken = next
	out.StackResourceSummaries = []types.StackResourceSummary{}
	for _, r := range resources {
		summary := types.StackResourceSummary{
			LogicalResourceId: &r.Logical, PhysicalResourceId: &r.Physical, ResourceStatus: r.Status, ResourceType: &r.Type,
			LastUpdatedTimestamp: &r.Updated,
		}
		if r.Reason != "" {
			summary.ResourceStatusReason = &r.Reason
		}
		out.StackResourceSummaries = append(out.StackResourceSummaries, summary)
	}
	return out, nil
}

// updateTerminationProtection sets the flag that makes DeleteStack fail. It needs no operation: it holds at once, in every
// state of the stack, and no event tells of it.
func (c *call) updateTerminationProtection(
	in *cloudformation.UpdateTerminationProtectionInput,
) (*cloudformation.UpdateTerminationProtectionOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	s.protected = aws.ToBool(in.EnableTerminationProtection)
	return &cloudformation.UpdateTerminationProtectionOutput{StackId: &s.id}, nil
}

// setStackPolicy keeps the text of a policy. This account does not enforce it, while AWS then refuses updates of the
// resources which it names.
func (c *call) setStackPolicy(in *cloudformation.SetStackPolicyInput) (*cloudformation.SetStackPolicyOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	s.policy = aws.ToString(in.StackPolicyBody)
	return &cloudformation.SetStackPolicyOutput{}, nil
}

// getStackPolicy returns the policy's text, "" for a stack without one.
func (c *call) getStackPolicy(in *cloudformation.GetStackPolicyInput) (*cloudformation.GetStackPolicyOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	return &cloudformation.GetStackPolicyOutput{StackPolicyBody: &s.policy}, nil
}
