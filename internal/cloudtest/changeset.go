package cloudtest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// changeSet is a change set of a stack.
// A change set belongs to the stack's state at the time of its creation. It never changes except for its states.
type changeSet struct {
	name, id, token string
	kind            types.ChangeSetType
	created, ready  time.Time
	next            inputs
	description     *string
	onFailure       types.OnStackFailure
	importExisting  *bool
	toImport        []types.ResourceToImport
	guard           guard
	reverts         bool // DeploymentMode REVERT_DRIFT

	// A change set has two states: status (created or failed) and execution (can it still be executed).
	failure   string // the reason of a failure, or ""
	execution types.ExecutionStatus
	changes   []types.ResourceChange
	conflicts []types.OperationEvent
	operation string
}

// These are the limits of a template in bytes: in a call, and in S3.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const (
	inlineLimit = 51200
	urlLimit    = 1 << 20
)

var (
	changeSetName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)
	stackName     = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)
)

// createChangeSet creates a change set, and a stack in REVIEW_IN_PROGRESS if there is none. A repeated ClientToken
// gives the same change set again.
func (c *call) createChangeSet(in *cloudformation.CreateChangeSetInput) (*cloudformation.CreateChangeSetOutput, error) {
	if !changeSetName.MatchString(aws.ToString(in.ChangeSetName)) {
		return nil, invalid("1 validation error detected: Value '%s' at 'changeSetName' failed to satisfy constraint: Member must "+
			"satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", aws.ToString(in.ChangeSetName))
	}
	// The API's default is an update, which fails for a stack that does not exist.
	if in.ChangeSetType == "" {
		in.ChangeSetType = types.ChangeSetTypeUpdate
	}
	s := c.find(in.StackName)
	// The SDK repeats a call whose answer was lost. The token tells such a repetition from a second, different change set.
	if same := s.changeSet(aws.ToString(in.ChangeSetName)); same != nil {
		if same.token != "" && same.token == aws.ToString(in.ClientToken) {
			return &cloudformation.CreateChangeSetOutput{Id: &same.id, StackId: &s.id}, nil
		}
		return nil, refuse("AlreadyExistsException", "ChangeSet %s already exists", same.id)
	}
	// The checks come in this order on AWS, too: the state first, then template and parameters. Nothing is made if one fails.
	if err := c.mayChange(s, in); err != nil {
		return nil, err
	}
	next, err := c.nextInputs(s, in)
	if err != nil {
		return nil, err
	}
	if s == nil {
		if !stackName.MatchString(*in.StackName) {
			return nil, invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must "+
				"satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*", *in.StackName)
		}
		s = c.engine.newStack(c.region, *in.StackName, c.now)
		s.set(c.now, types.StackStatusReviewInProgress, "User Initiated")
		s.inputs.tags = next.tags // known before anything is made
	}
	set := c.newChangeSet(s, in, next)
	s.changeSets = append(s.changeSets, set)
	return &cloudformation.CreateChangeSetOutput{Id: &set.id, StackId: &s.id}, nil
}

// changeSet returns a stack's change set by name or id, nil if there is none.
func (s *stack) changeSet(name string) *changeSet {
	if s == nil {
		return nil
	}
	for _, set := range s.changeSets {
		if set.name == name || set.id == name {
			return set
		}
	}
	return nil
}

// mayChange checks whether the kind of change set fits the stack's state.
func (c *call) mayChange(s *stack, in *cloudformation.CreateChangeSetInput) error {
	// A stack in REVIEW_IN_PROGRESS has no resources: only CREATE and IMPORT change sets fit, as if it did not exist.
	fresh := s == nil || s.status == types.StackStatusReviewInProgress
	switch {
	case in.ChangeSetType == types.ChangeSetTypeCreate && fresh, in.ChangeSetType == types.ChangeSetTypeImport && fresh:
		return nil
	case in.ChangeSetType == types.ChangeSetTypeCreate:
		return invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", s.name, *in.ChangeSetName)
	case s == nil:
		return invalid("Stack [%s] does not exist", *in.StackName)
	case fresh:
		return invalid("Stack:%s does not exist", s.id)
	case in.OnStackFailure == types.OnStackFailureDelete:
		return invalid("OnStackFailure parameter value DELETE is only valid for CREATE change sets")
	case !s.updatable():
		return invalid("Stack:%s is in %s state and can not be updated.", s.id, s.status)
	}
	return nil
}

// updatable reports whether the stack's state allows an update. After CREATE_FAILED an update is only allowed if the
// resources were kept on purpose (OnStackFailure DO_NOTHING).
// In ROLLBACK_COMPLETE and the other states a stack can only be deleted, or its rollback continued.
func (s *stack) updatable() bool {
	switch s.status {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
		types.StackStatusImportComplete, types.StackStatusImportRollbackComplete, types.StackStatusUpdateFailed:
		return true
	case types.StackStatusCreateFailed:
		return s.onFailure == types.OnStackFailureDoNothing
	}
	return false
}

// newChangeSet compares the new inputs with the stack. The result is known at once; DescribeChangeSet shows it after
// ChangeSetDelay.
func (c *call) newChangeSet(s *stack, in *cloudformation.CreateChangeSetInput, next inputs) *changeSet {
	c.engine.serial++
	set := &changeSet{
		name: *in.ChangeSetName,
		id: fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%s", c.region, c.engine.account, *in.ChangeSetName,
			digest(32, s.id, c.engine.serial)),
		token:          aws.ToString(in.ClientToken),
		kind:           in.ChangeSetType,
		created:        c.now,
		ready:          c.now.Add(c.ChangeSetDelay),
		next:           next,
		description:    in.Description,
		onFailure:      in.OnStackFailure,
		importExisting: in.ImportExistingResources,
		toImport:       in.ResourcesToImport,
		guard:          nextGuard(s, in.RollbackConfiguration),
		execution:      types.ExecutionStatusAvailable,
		operation:      digest(36, s.id, c.engine.serial, "operation"),
	}
	set.changes = diff(s, next, func(logical string, d definition, properties map[string]any) bool {
		return set.imports(c, logical, d, properties)
	})
	if set.reverts = in.DeploymentMode == types.DeploymentModeRevertDrift; set.reverts {
		set.changes = append(set.changes, c.engine.reverts(s, set.changes)...)
	}
	// A failed validation counts before "no changes": deploy treats the latter as success.
	set.validate(c, s)
	if set.failure == "" && len(set.changes) == 0 && !set.otherChanges(s) {
		set.failure = c.NoChanges
	}
	if set.failure != "" {
		set.execution = types.ExecutionStatusUnavailable
	}
	return set
}

// status returns the state of the change set at a time.
func (set *changeSet) status(now time.Time) types.ChangeSetStatus {
	switch {
	case now.Before(set.ready):
		return types.ChangeSetStatusCreateInProgress
	case set.failure != "":
		return types.ChangeSetStatusFailed
	}
	return types.ChangeSetStatusCreateComplete
}

// findChangeSet returns a change set by its id, or by its name and stack.
func (c *call) findChangeSet(name, of *string) (*stack, *changeSet, error) {
	for _, s := range slices.Backward(c.engine.stacks) {
		if s.region != c.region {
			continue
		}
		for _, set := range s.changeSets {
			// A name is unique only within a stack. An id (an ARN) is unique by itself.
			bracketed := set.name == aws.ToString(name) && s == c.find(of)
			if set.id == aws.ToString(name) || bracketed {
				return s, set, nil
			}
		}
	}
	if of != nil && !strings.HasPrefix(aws.ToString(name), "arn:") && c.find(of) == nil {
		return nil, nil, invalid("Stack [%s] does not exist", *of)
	}
	return nil, nil, &refusal{404, "ChangeSetNotFound", fmt.Sprintf("ChangeSet [%s] does not exist", aws.ToString(name))}
}

// describeChangeSet returns a change set, its changes in pages. There are none before it is ready and after a failure.
func (c *call) describeChangeSet(in *cloudformation.DescribeChangeSetInput) (*cloudformation.DescribeChangeSetOutput, error) {
	s, set, err := c.findChangeSet(in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeChangeSetOutput{
		Capabilities:            set.next.capabilities,
		ChangeSetId:             &set.id,
		ChangeSetName:           &set.name,
		CreationTime:            &set.created,
		Description:             set.description,
		ExecutionStatus:         set.execution,
		ImportExistingResources: set.importExisting,
		OnStackFailure:          set.onFailure,
		Parameters:              set.next.shown(),
		RollbackConfiguration:   set.guard.describe(),
		StackId:                 &s.id,
		StackName:               &s.name,
		Status:                  set.status(c.now),
		Tags:                    set.next.tagList(),
	}
	if out.Status == types.ChangeSetStatusCreateInProgress {
		out.ExecutionStatus = types.ExecutionStatusUnavailable
		return out, nil
	}
	if set.failure != "" {
		out.StatusReason = &set.failure
		return out, nil
	}
	changes, next := page(set.changes, in.NextToken, c.Page)
	out.NextToken = next
	for _, change := range changes {
		out.Changes = append(out.Changes, types.Change{Type: types.ChangeTypeResource,
			ResourceChange: presented(change, aws.ToBool(in.IncludePropertyValues), set.next, s.inputs)})
	}
	return out, nil
}

// presented returns a change with or without its values (IncludePropertyValues). Values of NoEcho parameters are
// masked in both.
func presented(change types.ResourceChange, values bool, all ...inputs) *types.ResourceChange {
	if !values {
		change.BeforeContext, change.AfterContext = nil, nil
	}
	details := slices.Clone(change.Details)
	for i, detail := range details {
		target := *detail.Target
		if !values {
			// AWS leaves these fields out unless IncludePropertyValues is set, to keep the answer small.
			target.BeforeValue, target.AfterValue, target.Path, target.AttributeChangeType = nil, nil, nil, ""
		}
		target.BeforeValue, target.AfterValue = masked(target.BeforeValue, all), masked(target.AfterValue, all)
		details[i].Target = &target
	}
	change.Details = details
	change.BeforeContext, change.AfterContext = masked(change.BeforeContext, all), masked(change.AfterContext, all)
	return &change
}

// masked replaces the values of NoEcho parameters in a text by ****.
func masked(value *string, all []inputs) *string {
	if value == nil {
		return nil
	}
	shown := *value
	for _, in := range all {
		for name, secret := range in.parameters {
			// The value is masked wherever it stands, in the middle of a text, too. An empty value would match everywhere.
			if in.template.Parameters[name].isNoEcho() && secret != "" {
				shown = strings.ReplaceAll(shown, secret, "****")
			}
		}
	}
	return &shown
}

// page returns one page of a list. The token is the index of the page's first element.
func page[T any](all []T, token *string, size int) ([]T, *string) {
	from, _ := strconv.Atoi(aws.ToString(token))
	from = min(from, len(all))
	to := min(from+size, len(all))
	if to == len(all) {
		return all[from:to], nil
	}
	return all[from:to], aws.String(strconv.Itoa(to))
}

// listChangeSets lists a stack's change sets of all states, executed and failed ones included.
func (c *call) listChangeSets(in *cloudformation.ListChangeSetsInput) (*cloudformation.ListChangeSetsOutput, error) {
	s, err := c.must(in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ListChangeSetsOutput{}
	sets, next := page(s.changeSets, in.NextToken, c.Page)
	out.NextToken = next
	for _, set := range sets {
		summary := types.ChangeSetSummary{
			ChangeSetId: &set.id, ChangeSetName: &set.name, CreationTime: &set.created, Description: set.description,
			ExecutionStatus: set.execution, StackId: &s.id, StackName: &s.name, Status: set.status(c.now),
		}
		if set.failure != "" {
			summary.StatusReason = &set.failure
		}
		out.Summaries = append(out.Summaries, summary)
	}
	return out, nil
}

// deleteChangeSet removes a change set. The stack stays, also in REVIEW_IN_PROGRESS without any change set.
func (c *call) deleteChangeSet(in *cloudformation.DeleteChangeSetInput) (*cloudformation.DeleteChangeSetOutput, error) {
	s, set, err := c.findChangeSet(in.ChangeSetName, in.StackName)
	if said, ok := err.(*refusal); ok && said.code == "ChangeSetNotFound" {
		return &cloudformation.DeleteChangeSetOutput{}, nil // deleting is idempotent
	}
	if err != nil {
		return nil, err
	}
	if set.status(c.now) == types.ChangeSetStatusCreateInProgress || set.execution == types.ExecutionStatusExecuteInProgress {
		return nil, refuse("InvalidChangeSetStatus", "An operation on this ChangeSet is currently in progress.  Please attempt this "+
			"operation again later.")
	}
	s.changeSets = slices.DeleteFunc(s.changeSets, func(each *changeSet) bool { return each == set })
	return &cloudformation.DeleteChangeSetOutput{}, nil
}

// executeChangeSet starts the operation. A repeated ClientRequestToken is answered like the first call and starts
// nothing.
func (c *call) executeChangeSet(in *cloudformation.ExecuteChangeSetInput) (*cloudformation.ExecuteChangeSetOutput, error) {
	s, set, err := c.findChangeSet(in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	token := aws.ToString(in.ClientRequestToken)
	if token != "" && s.tokens[token] == set.id {
		return &cloudformation.ExecuteChangeSetOutput{}, nil
	}
	if status := set.status(c.now); status != types.ChangeSetStatusCreateComplete {
		return nil, refuse("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", set.id, status)
	}
	if set.execution != types.ExecutionStatusAvailable {
		return nil, refuse("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current execution status of [%s]", set.id,
			set.execution)
	}
	// Between creation and execution another program can have started an operation or broken the stack.
	if s.busy() && s.status != types.StackStatusReviewInProgress || s.status != types.StackStatusReviewInProgress && !s.updatable() {
		return nil, invalid("Stack:%s is in %s state and can not be updated.", s.id, s.status)
	}
	// Both say what happens after a failure, so AWS accepts only one of them.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
	if set.onFailure != "" && in.DisableRollback != nil {
		return nil, invalid("DisableRollback cannot be specified when OnStackFailure was specified for the change set")
	}
	if token != "" {
		s.tokens[token] = set.id
	}
	c.accept(s, func(at time.Time) {
		if set.execution == types.ExecutionStatusAvailable && s.changeSet(set.id) == set && s.deleted.IsZero() &&
			(s.status == types.StackStatusReviewInProgress || s.updatable()) {
			c.execute(s, set, in, at)
		}
	})
	return &cloudformation.ExecuteChangeSetOutput{}, nil
}
