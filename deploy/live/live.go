// Package live reads an orbit as it is deployed. It is the only package that asks CloudFormation about a stack, and the only one
// that follows an operation.
//
//	live.go        a stack, by name, by id, or all of an orbit
//	template.go    its template
//	resources.go   its resources
//	events.go      its events
//	follow.go      an operation, from when it begins until it has ended
//	launching.go   launches of its instances that fail
//	ongoing.go     an operation that somebody else began
//	execution.go   whether a change set was executed
//	name.go        names for runs, which the tokens of operations begin with
//	protect.go     termination protection
//	answers.go     the meaning of CloudFormation's refusals
//	secrets.go     values that must not be shown
//	regions.go     the regions of an orbit
package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Masked is CloudFormation's value of a parameter with NoEcho, and ours for everything that must not be shown.
const Masked = "****"

// Stack is a deployed stack, as CloudFormation described it at one moment.
type Stack struct {
	assembly.StackRef
	ID                    string // ARN
	Status                types.StackStatus
	Reason                string // of the status
	Parameters            map[string]string
	Outputs               map[string]string
	Tags                  map[string]string
	Capabilities          []string
	TerminationProtection bool
	Created, Updated      time.Time

	// Operations are the ids of the last operations in the order of the answer, none if it has none. Change sets that were made are not
	// among them, since they change nothing.
	Operations []string

	// Guard has the alarms of the last operation's RollbackConfiguration by ARN, and their monitoring time. Nil: there were none.
	Guard *assembly.Guard
}

// Orbit is the orbit named by the stack's tags, "" for a stack that spacel did not make.
func (s *Stack) Orbit() string { return s.Tags[document.TagOrbit] }

// App is the app named by the stack's tags, "" for a stack of the orbit itself.
func (s *Stack) App() string { return s.Tags[document.TagApp] }

// Unowned reports whether nothing names an owner: the stack is absent, or holds only a change set, which may have no tags yet.
func (s *Stack) Unowned() bool { return s == nil || !s.Exists() && s.Orbit() == "" && s.App() == "" }

// Changed returns when an operation changed the stack last: when it was updated, else when it was created. The zero time means that the
// answer had neither.
func (s *Stack) Changed() time.Time {
	if s.Updated.IsZero() {
		return s.Created
	}
	return s.Updated
}

// Exists reports whether there is a stack. One in REVIEW_IN_PROGRESS only holds change sets, none of which was executed.
func (s *Stack) Exists() bool { return s != nil && s.Status != types.StackStatusReviewInProgress }

// Busy reports whether an operation is going on.
func (s *Stack) Busy() bool { return s.Exists() && strings.HasSuffix(string(s.Status), "_IN_PROGRESS") }

// idle are the states in which no operation goes on in a stack (User Guide, "Stack status codes"). A state in no list,
// or a missing one, is never taken for a good one.
var idle = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusCreateFailed,
	types.StackStatusRollbackComplete, types.StackStatusRollbackFailed,
	types.StackStatusUpdateComplete, types.StackStatusUpdateFailed,
	types.StackStatusUpdateRollbackComplete, types.StackStatusUpdateRollbackFailed,
	types.StackStatusDeleteComplete, types.StackStatusDeleteFailed,
	types.StackStatusImportComplete, types.StackStatusImportRollbackComplete, types.StackStatusImportRollbackFailed,
}

// IsIdle reports whether the stack is in a known state that lasts until the next operation.
func (s *Stack) IsIdle() bool { return s != nil && slices.Contains(idle, s.Status) }

// Stacks reads stacks, and caches them. It is safe for concurrent use.
type Stacks struct {
	cloud *cloud.Cloud

	mu   sync.Mutex
	read map[assembly.StackRef]*Stack // nil: absent
}

// New returns a reader of the account's stacks.
func New(c *cloud.Cloud) *Stacks { return &Stacks{cloud: c, read: map[assembly.StackRef]*Stack{}} }

// client is CloudFormation in a region.
func (s *Stacks) client(region string) *cloudformation.Client {
	return s.cloud.Region(region).CloudFormation()
}

// Get returns a stack as it was when it was read last, nil if there is none.
func (s *Stacks) Get(ctx context.Context, ref assembly.StackRef) (*Stack, error) {
	s.mu.Lock()
	stack, known := s.read[ref]
	s.mu.Unlock()
	if known {
		return stack, nil
	}
	return s.Refresh(ctx, ref)
}

// Refresh reads a stack again, nil if there is none.
func (s *Stacks) Refresh(ctx context.Context, ref assembly.StackRef) (*Stack, error) {
	out, err := s.client(ref.Region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &ref.Name})
	var stack *Stack
	switch {
	case IsGone(err):
	case err != nil:
		return nil, fmt.Errorf("describe the stack %s: %w", ref, cloud.Explain(err))
	default:
		if stack, err = only(out, ref.Region, func(found *Stack) bool { return found.Name == ref.Name }); err != nil {
			return nil, fmt.Errorf("describe the stack %s: %w", ref, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[ref] = stack
	return stack, nil
}

// ByID reads a stack by its ARN, which finds a deleted one too: its status says so. The result is not remembered.
func (s *Stacks) ByID(ctx context.Context, region, id string) (*Stack, error) {
	out, err := s.client(region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
	switch {
	case IsGone(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("describe the stack %s in %s: %w", id, region, cloud.Explain(err))
	}
	stack, err := only(out, region, func(found *Stack) bool { return found.ID == id })
	if err != nil {
		return nil, fmt.Errorf("describe the stack %s in %s: %w", id, region, err)
	}
	return stack, nil
}

// only returns the stack of an answer about one stack. It is an error if the answer has no stack, another one, or leaves out the
// id or the status: such answers come from emulators and proxies, and nothing may be concluded from them.
func only(out *cloudformation.DescribeStacksOutput, region string, is func(*Stack) bool) (*Stack, error) {
	if len(out.Stacks) == 0 {
		return nil, cloud.Incomplete("cloudformation:DescribeStacks", "no stack")
	}
	stack := newStack(region, out.Stacks[0])
	switch {
	case !is(stack):
		return nil, cloud.Incomplete("cloudformation:DescribeStacks", fmt.Sprintf("another stack, %s (%s)", stack.Name, stack.ID))
	case stack.ID == "":
		return nil, cloud.Incomplete("cloudformation:DescribeStacks", "no StackId")
	case stack.Status == "":
		return nil, cloud.Incomplete("cloudformation:DescribeStacks", "no StackStatus")
	}
	return stack, nil
}

// List reads all of an orbit's stacks in a region, sorted by name. It is one call for each hundred stacks of the account.
func (s *Stacks) List(ctx context.Context, region, orbit string) ([]*Stack, error) {
	var found []*Stack
	err := s.list(ctx, region, func(stack *Stack) {
		if stack.Orbit() == orbit {
			found = append(found, stack)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *Stack) int { return strings.Compare(a.Name, b.Name) })
	s.mu.Lock()
	defer s.mu.Unlock()
	// A later Get of these stacks costs no call. Stacks of other orbits are not remembered.
	for _, stack := range found {
		s.read[stack.StackRef] = stack
	}
	return found, nil
}

// Listed returns the stacks of these names in a region by one listing. An absent one is missing in the map. It remembers nothing.
func (s *Stacks) Listed(ctx context.Context, region string, names []string) (map[string]*Stack, error) {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	found := make(map[string]*Stack, len(names))
	err := s.list(ctx, region, func(stack *Stack) {
		// Another orbit's stack of the name counts, too, since the caller must refuse it.
		if wanted[stack.Name] && stack.Status != types.StackStatusDeleteComplete {
			found[stack.Name] = stack
		}
	})
	for name, stack := range found {
		if err == nil && (stack.ID == "" || stack.Status == "") {
			err = fmt.Errorf("list the stacks in %s: %w", region, cloud.Incomplete("cloudformation:DescribeStacks",
				"no StackId or StackStatus of "+name))
		}
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Remember takes listed stacks for the present ones: Get of one of the names answers without a call.
func (s *Stacks) Remember(region string, names []string, found map[string]*Stack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.read[assembly.StackRef{Region: region, Name: name}] = found[name]
	}
}

// Forget drops a stack, so that the next Get asks for it.
func (s *Stacks) Forget(ref assembly.StackRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.read, ref)
}

// list calls take with every stack of a region.
func (s *Stacks) list(ctx context.Context, region string, take func(*Stack)) error {
	pages := cloudformation.NewDescribeStacksPaginator(s.client(region), &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the stacks in %s: %w", region, cloud.Explain(err))
		}
		// AWS sends an empty list where there is no stack. Without any list nothing is known, and destroy would find nothing to do.
		if page.Stacks == nil {
			return fmt.Errorf("list the stacks in %s: %w", region, cloud.Incomplete("cloudformation:DescribeStacks", "no Stacks"))
		}
		for _, description := range page.Stacks {
			take(newStack(region, description))
		}
	}
	return nil
}

// newStack returns a stack in our form. Parameters with NoEcho have the value Masked.
func newStack(region string, d types.Stack) *Stack {
	s := &Stack{
		StackRef:              assembly.StackRef{Region: region, Name: aws.ToString(d.StackName)},
		ID:                    aws.ToString(d.StackId),
		Status:                d.StackStatus,
		Reason:                aws.ToString(d.StackStatusReason),
		Parameters:            map[string]string{},
		Outputs:               map[string]string{},
		Tags:                  map[string]string{},
		TerminationProtection: aws.ToBool(d.EnableTerminationProtection),
		Created:               aws.ToTime(d.CreationTime),
		Updated:               aws.ToTime(d.LastUpdatedTime),
	}
	for _, p := range d.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range d.Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, t := range d.Tags {
		s.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for _, c := range d.Capabilities {
		s.Capabilities = append(s.Capabilities, string(c))
	}
	for _, operation := range d.LastOperations {
		if id := aws.ToString(operation.OperationId); id != "" && operation.OperationType != types.OperationTypeCreateChangeset {
			s.Operations = append(s.Operations, id)
		}
	}
	s.Guard = guardOf(d.RollbackConfiguration)
	return s
}

// guardOf returns what rolls an operation of the stack back. CloudFormation only knows ARNs, so an alarm is called by the name in it.
func guardOf(c *types.RollbackConfiguration) *assembly.Guard {
	if c == nil || len(c.RollbackTriggers) == 0 {
		return nil
	}
	guard := &assembly.Guard{Minutes: int(aws.ToInt32(c.MonitoringTimeInMinutes))}
	for _, trigger := range c.RollbackTriggers {
		arn := aws.ToString(trigger.Arn)
		guard.Alarms = append(guard.Alarms, assembly.GuardAlarm{Name: assembly.AlarmName(arn), ARN: arn})
	}
	return guard
}

// OnOff returns the word that messages use for a stack's termination protection.
func OnOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
