package cloudtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Stack is a stack which a test puts into the account.
// Put builds its resources at once and without events of an operation, so a test starts in any state of AWS, also in one
// which takes a failure at the right moment to reach.
type Stack struct {
	Region, Name string
	Status       types.StackStatus
	Reason       string
	Template     string // JSON; "" in REVIEW_IN_PROGRESS
	Parameters   map[string]string
	Tags         map[string]string
	Outputs      map[string]string // nil to evaluate the template's
	Capabilities []types.Capability
	Protected    bool // from termination

	// Failed are resources that stand in a FAILED state, with the reason: UPDATE_FAILED in UPDATE_ROLLBACK_FAILED,
	// CREATE_FAILED in CREATE_FAILED, else DELETE_FAILED.
	Failed map[string]string

	// A stack in progress ends in the state Then after the time After.
	Then  types.StackStatus
	After time.Duration
}

// Put puts a stack into the account, in any state that AWS has, and returns its id.
func (c *CloudFormation) Put(t testing.TB, put Stack) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	s := c.engine.newStack(put.Region, put.Name, now)
	s.inputs = inputs{tags: put.Tags, parameters: map[string]string{}, capabilities: put.Capabilities}
	s.protected = put.Protected
	if put.Template != "" {
		c.engine.addResources(t, s, put, now)
	}
	s.set(now, put.Status, put.Reason)
	if put.Outputs != nil {
		s.outputs = put.Outputs
	} else {
		s.outputs = s.findOutputs()
	}
	// Status is then a state in progress, and one step leads to Then. Deploy has to wait for it or to follow it.
	if put.Then != "" {
		c.engine.begin(s, now, types.OperationTypeUpdateStack, "", func(at time.Time) []step {
			s.set(at, put.Then, "")
			if put.Then == types.StackStatusDeleteComplete {
				s.deleted = at
			}
			return nil
		})
		s.operation.next = now.Add(put.After)
	}
	return s.id
}

// addResources creates the resources of a stack which a test puts.
func (e *engine) addResources(t testing.TB, s *stack, put Stack, now time.Time) {
	t.Helper()
	var err error
	s.inputs.body = put.Template
	if s.inputs.template, err = parseTemplate(put.Template); err != nil {
		t.Fatalf("put the stack %s: %v", put.Name, err)
	}
	maps.Copy(s.inputs.parameters, put.Parameters)
	if err := s.inputs.completeParameters(); err != nil {
		t.Fatalf("put the stack %s: %v", put.Name, err)
	}
	scope := s.scope(s.inputs)
	for _, level := range scope.active() {
		for _, logical := range level {
			e.addResource(s, scope, logical, put, now)
		}
	}
	// Only ContinueUpdateRollback uses it, which refuses unless the stack is in UPDATE_ROLLBACK_FAILED.
	s.resume = func(skip []string) []step { return e.resumePut(s, put, skip) }
}

// addResource creates one resource in the state that fits the stack's.
func (e *engine) addResource(s *stack, scope *scope, logical string, put Stack, now time.Time) {
	d := s.inputs.template.Resources[logical]
	e.serial++
	r := &resource{
		Logical: logical, Type: d.Type, Definition: d, Properties: scope.properties(d), Tags: put.Tags, Revision: 1,
		region: s.region, account: s.account,
	}
	r.Physical = s.newPhysical(logical, d.Type, r.Properties, e.serial)
	s.resources[logical] = r
	if r.Type == groupType && put.Status != types.StackStatusRollbackComplete {
		e.putGroup(r)
	}
	reason, failed := put.Failed[logical]
	switch {
	case failed:
		s.mark(now, r, put.failedStatus(), reason)
	// After a rolled back creation all resources are gone, but the stack still lists them.
	case put.Status == types.StackStatusRollbackComplete:
		s.mark(now, r, types.ResourceStatusDeleteComplete, "")
	default:
		s.mark(now, r, types.ResourceStatusCreateComplete, "")
	}
}

// failedStatus returns the state of the resources in Failed, which follows from the stack's state.
func (put Stack) failedStatus() types.ResourceStatus {
	switch put.Status {
	case types.StackStatusUpdateRollbackFailed, types.StackStatusUpdateFailed:
		return types.ResourceStatusUpdateFailed
	case types.StackStatusCreateFailed:
		return types.ResourceStatusCreateFailed
	}
	return types.ResourceStatusDeleteFailed
}

// resumePut continues the rollback of a stack which a test put into UPDATE_ROLLBACK_FAILED.
func (e *engine) resumePut(s *stack, put Stack, skip []string) []step {
	// The saved state equals the present one: the failed update itself never ran in this account.
	g := &change{engine: e, s: s, before: s.inputs, saved: map[string]*resource{}}
	stuck := slices.Sorted(maps.Keys(put.Failed))
	for _, logical := range stuck {
		saved := *s.resources[logical]
		g.saved[logical] = &saved
		g.order = append(g.order, logical)
	}
	return g.resume(stuck, skip)
}

// PutChangeSet adds a change set to a stack, as an earlier run could have left it. It is FAILED if a reason is given,
// else it can be executed.
func (c *CloudFormation) PutChangeSet(t testing.TB, region, stack, name, template, failure string) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := (&call{c, region, time.Now()}).find(&stack)
	if s == nil {
		t.Fatalf("there is no stack %s in %s", stack, region)
	}
	parsed, err := parseTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	c.engine.serial++
	set := &changeSet{
		name: name, id: fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%s", region, c.engine.account, name,
			digest(32, s.id, c.engine.serial)),
		kind: types.ChangeSetTypeUpdate, created: time.Now(), failure: failure, execution: types.ExecutionStatusAvailable,
		next: inputs{body: template, template: parsed, parameters: map[string]string{}, tags: s.inputs.tags},
	}
	if s.status == types.StackStatusReviewInProgress {
		set.kind = types.ChangeSetTypeCreate
	}
	if failure != "" {
		set.execution = types.ExecutionStatusUnavailable
	}
	s.changeSets = append(s.changeSets, set)
	return set.id
}

// Retain puts a named resource into the account that belongs to no stack.
func (c *CloudFormation) Retain(region, kind, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.retained = append(c.engine.retained, asset{region, kind, name})
}

// UpdateByHand updates a stack as somebody in the console does, and waits for the end. The parameters are all of the template's, and the
// tags stay.
func UpdateByHand(c *CloudFormation, t testing.TB, region, name, template string, parameters map[string]string) error {
	t.Helper()
	in := &cloudformation.UpdateStackInput{StackName: &name, TemplateBody: &template,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}}
	for _, key := range slices.Sorted(maps.Keys(parameters)) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: aws.String(parameters[key])})
	}
	client := cloudformation.NewFromConfig(c.Config(t, region))
	if _, err := client.UpdateStack(t.Context(), in); err != nil {
		return err
	}
	c.Settle()
	return nil
}
