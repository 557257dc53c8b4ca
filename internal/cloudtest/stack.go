package cloudtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// stack is a stack, with its change sets, events and operation.
// A deleted stack stays in the engine's list, since it can still be described by its id.
type stack struct {
	account, region, name, id string

	status     types.StackStatus
	reason     string
	inputs     inputs
	guard      guard
	resources  map[string]*resource
	outputs    map[string]string
	protected  bool
	policy     string
	created    time.Time
	updated    time.Time // zero: never
	deleted    time.Time // zero: not
	onFailure  types.OnStackFailure
	events     []types.StackEvent // oldest first
	changeSets []*changeSet
	operation  *operation
	accepted   []acceptance      // operations before their beginning
	tokens     map[string]string // of requests that started something → what
	last       []types.OperationEntry

	// After a failed rollback: the resources that could not be restored, and the function that tries again.
	resume func(skip []string) []step
}

// inputs are the template, parameters, tags and capabilities of a stack.
// A stack has one, and so has each of its change sets.
type inputs struct {
	body         string
	template     *template
	parameters   map[string]string
	tags         map[string]string
	capabilities []types.Capability
	role         *string
}

// busy reports whether an operation is in progress.
// REVIEW_IN_PROGRESS counts as busy, too, although no operation runs: the callers except it where AWS does.
func (s *stack) busy() bool { return strings.HasSuffix(string(s.status), "_IN_PROGRESS") }

// scope returns the evaluation of a template with these inputs.
func (s *stack) scope(in inputs) *scope {
	return &scope{
		template:   in.template,
		parameters: in.parameters,
		pseudo: map[string]string{
			"AWS::AccountId": s.account,
			"AWS::Partition": "aws",
			"AWS::Region":    s.region,
			"AWS::StackId":   s.id,
			"AWS::StackName": s.name,
			"AWS::URLSuffix": "amazonaws.com",
		},
		resource:   func(logical string) *resource { return s.resources[logical] },
		conditions: map[string]bool{},
	}
}

// exists reports whether the resource exists in the account.
// DELETE_SKIPPED means a policy kept the resource: it exists, but no longer as a part of the stack.
func (r *resource) exists() bool {
	return r != nil && r.Physical != "" && r.Status != types.ResourceStatusDeleteComplete && r.Status != types.ResourceStatusDeleteSkipped
}

// findOutputs evaluates the stack's outputs.
func (s *stack) findOutputs() map[string]string {
	found := map[string]string{}
	if s.inputs.template == nil {
		return found
	}
	scope := s.scope(s.inputs)
	for name, o := range s.inputs.template.Outputs {
		if scope.condition(o.Condition) {
			found[name] = text(scope.value(o.Value))
		}
	}
	return found
}

// set changes the stack's status and adds an event.
func (s *stack) set(at time.Time, status types.StackStatus, reason string) {
	s.status, s.reason = status, reason
	// The stack itself is listed like a resource. Its events are the ones whose logical id is the stack's name.
	s.event(at, &resource{Logical: s.name, Physical: s.id, Type: "AWS::CloudFormation::Stack", Status: types.ResourceStatus(status),
		Reason: reason})
}

// mark changes a resource's status and adds an event to the stack.
func (s *stack) mark(at time.Time, r *resource, status types.ResourceStatus, reason string) {
	r.Status, r.Reason, r.Updated = status, reason, at
	s.event(at, r)
}

// event adds an event about a resource or about the stack itself. Events of an operation carry the token of the call that
// started it, so a program recognizes its own operation even after a crash.
func (s *stack) event(at time.Time, r *resource) {
	e := types.StackEvent{
		EventId:           aws.String(fmt.Sprintf("%s-%d-%s", r.Logical, len(s.events), digest(8, s.id, len(s.events)))),
		StackId:           &s.id,
		StackName:         &s.name,
		Timestamp:         &at,
		LogicalResourceId: &r.Logical,
		ResourceType:      &r.Type,
		ResourceStatus:    r.Status,
	}
	if r.Physical != "" {
		e.PhysicalResourceId = aws.String(r.Physical)
	}
	if r.Reason != "" {
		e.ResourceStatusReason = aws.String(r.Reason)
	}
	// A status change outside of an operation (REVIEW_IN_PROGRESS, or a stack which a test puts) has no operation id.
	if s.operation != nil {
		e.OperationId = &s.operation.id
		if s.operation.token != "" {
			e.ClientRequestToken = &s.operation.token
		}
	}
	if r.Properties != nil {
		e.ResourceProperties = aws.String(compact(r.Properties))
	}
	s.events = append(s.events, e)
}

// describe returns the stack as DescribeStacks shows it.
func (s *stack) describe() types.Stack {
	d := types.Stack{
		StackId:                     &s.id,
		StackName:                   &s.name,
		StackStatus:                 s.status,
		CreationTime:                &s.created,
		EnableTerminationProtection: &s.protected,
		DisableRollback:             aws.Bool(false),
		Capabilities:                s.inputs.capabilities,
		RoleARN:                     s.inputs.role,
		DriftInformation:            &types.StackDriftInformation{StackDriftStatus: types.StackDriftStatusNotChecked},
		LastOperations:              s.last,
		RollbackConfiguration:       s.guard.describe(),
	}
	if s.reason != "" {
		d.StackStatusReason = &s.reason
	}
	if !s.updated.IsZero() {
		d.LastUpdatedTime = &s.updated
	}
	if !s.deleted.IsZero() {
		d.DeletionTime = &s.deleted
	}
	if s.inputs.template != nil && s.inputs.template.Description != "" {
		d.Description = &s.inputs.template.Description
	}
	d.Parameters = s.inputs.shown()
	for _, name := range slices.Sorted(maps.Keys(s.outputs)) {
		d.Outputs = append(d.Outputs, types.Output{OutputKey: &name, OutputValue: aws.String(s.outputs[name])})
	}
	d.Tags = s.inputs.tagList()
	return d
}

// shown returns the parameters with the NoEcho ones masked.
func (in inputs) shown() []types.Parameter {
	var all []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(in.parameters)) {
		value := in.parameters[name]
		// CloudFormation never returns a NoEcho value: deploy can only keep it with UsePreviousValue.
		if in.template != nil && in.template.Parameters[name].isNoEcho() {
			value = "****"
		}
		all = append(all, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	return all
}

// tagList returns the tags in the SDK's form, sorted by key.
func (in inputs) tagList() []types.Tag {
	var all []types.Tag
	for _, key := range slices.Sorted(maps.Keys(in.tags)) {
		all = append(all, types.Tag{Key: &key, Value: aws.String(in.tags[key])})
	}
	return all
}
