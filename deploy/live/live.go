// Package live is an orbit as it is deployed: its stacks as CloudFormation describes them.
package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Masked is what CloudFormation says of a parameter that must not be shown.
const Masked = "****"

// Stack is a deployed stack.
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
}

// Orbit is the orbit the stack says it is of, "" if it is none of spacel's.
func (s *Stack) Orbit() string { return s.Tags[document.TagOrbit] }

// App is the app the stack says it is of, "" for an orbit's own.
func (s *Stack) App() string { return s.Tags[document.TagApp] }

// OfNobody says that nothing tells whose it is: it is absent, or holds only a change set, which may have no tags yet.
func (s *Stack) OfNobody() bool { return s == nil || !s.Exists() && s.Orbit() == "" && s.App() == "" }

// Settled says that no operation is going on.
func (s *Stack) Settled() bool { return !strings.HasSuffix(string(s.Status), "_IN_PROGRESS") }

// Exists says that the stack is more than a change set that was never executed.
func (s *Stack) Exists() bool { return s != nil && s.Status != types.StackStatusReviewInProgress }

// Stacks reads stacks, and remembers what it read. It is safe for concurrent use.
type Stacks struct {
	cloud *cloud.Cloud

	mu   sync.Mutex
	read map[assembly.StackRef]*Stack // nil: absent
}

// New reads from an account.
func New(c *cloud.Cloud) *Stacks { return &Stacks{cloud: c, read: map[assembly.StackRef]*Stack{}} }

// Get is a stack as it was when it was read last, nil if there is none.
func (s *Stacks) Get(ctx context.Context, ref assembly.StackRef) (*Stack, error) {
	s.mu.Lock()
	stack, known := s.read[ref]
	s.mu.Unlock()
	if known {
		return stack, nil
	}
	return s.Refresh(ctx, ref)
}

// Refresh reads a stack again.
func (s *Stacks) Refresh(ctx context.Context, ref assembly.StackRef) (*Stack, error) {
	out, err := s.cloud.Region(ref.Region).CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &ref.Name})
	var stack *Stack
	switch {
	case absent(err):
	case err != nil:
		return nil, fmt.Errorf("describe the stack %s: %w", ref, cloud.Explain(err))
	default:
		stack = newStack(ref.Region, out.Stacks[0])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[ref] = stack
	return stack, nil
}

// ByID reads a stack by its ARN, which finds a deleted one too: its status says so. The result is not remembered.
func (s *Stacks) ByID(ctx context.Context, region, id string) (*Stack, error) {
	out, err := s.cloud.Region(region).CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
	switch {
	case absent(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("describe the stack %s in %s: %w", id, region, cloud.Explain(err))
	}
	return newStack(region, out.Stacks[0]), nil
}

// List reads all of an orbit's stacks in a region, sorted by name. It is one call for each hundred stacks of the account.
func (s *Stacks) List(ctx context.Context, region, orbit string) ([]*Stack, error) {
	var found []*Stack
	pages := cloudformation.NewDescribeStacksPaginator(s.cloud.Region(region).CloudFormation(), &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the stacks in %s: %w", region, cloud.Explain(err))
		}
		for _, description := range page.Stacks {
			if stack := newStack(region, description); stack.Orbit() == orbit {
				found = append(found, stack)
			}
		}
	}
	slices.SortFunc(found, func(a, b *Stack) int { return strings.Compare(a.Name, b.Name) })
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stack := range found {
		s.read[stack.StackRef] = stack
	}
	return found, nil
}

// absent tells CloudFormation's answer to the name of a stack that is not there, which has no code of its own.
func absent(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist")
}

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
	return s
}
