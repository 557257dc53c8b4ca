package live

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Event is one thing that CloudFormation did to a stack or to one of its resources.
type Event struct {
	ID      string `json:"-"`
	Token   string `json:"-"` // the ClientRequestToken of the call that began the operation, if it had one
	OfStack bool   `json:"-"` // it is about the stack as a whole
	// Operation is CloudFormation's id of the operation, empty if the answer has none.
	Operation string `json:"-"`
	// PhysicalID is the resource's, empty before the resource has one.
	PhysicalID string    `json:"-"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Stack      string    `json:"stack"`
	Resource   string    `json:"resource"` // logical id; the stack's name when it is about the stack
	Type       string    `json:"type"`
	Status     string    `json:"status"`
	Reason     string    `json:"reason,omitempty"`
}

// Events returns the events of a stack since a time, oldest first. By its name it also finds a stack whose creation failed.
// The reasons are masked.
func (s *Stacks) Events(ctx context.Context, ref assembly.StackRef, since time.Time) ([]Event, error) {
	events, err := s.newestEvents(ctx, ref, ref.Name, func(e Event) bool { return e.Time.Before(since) })
	if err != nil {
		return nil, err
	}
	slices.Reverse(events)
	for i := range events {
		events[i].Reason = Secrets(nil).MaskReason(events[i].Reason)
	}
	return events, nil
}

// EventsAfter returns the events of a stack after the newest known one, oldest first. Their reasons are not masked. A deleted
// and forgotten stack has none.
func (s *Stacks) EventsAfter(ctx context.Context, ref assembly.StackRef, stackID string, known func(Event) bool) ([]Event, error) {
	events, err := s.newestEvents(ctx, ref, stackID, known)
	if err != nil && !IsGone(err) {
		return nil, err
	}
	slices.Reverse(events)
	return events, nil
}

// newestEvents reads events, newest first as CloudFormation lists them, until one is known. With an error it returns the events
// of the pages before.
func (s *Stacks) newestEvents(ctx context.Context, ref assembly.StackRef, nameOrID string, known func(Event) bool) ([]Event, error) {
	var found []Event
	input := &cloudformation.DescribeStackEventsInput{StackName: &nameOrID}
	pages := cloudformation.NewDescribeStackEventsPaginator(s.client(ref.Region), input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return found, fmt.Errorf("read the events of %s: %w", ref, cloud.Explain(err))
		}
		if page.StackEvents == nil {
			return found, fmt.Errorf("read the events of %s: %w", ref,
				cloud.Incomplete("cloudformation:DescribeStackEvents", "no StackEvents"))
		}
		for _, e := range page.StackEvents {
			event := newEvent(ref, e)
			if event.Status == "" {
				return found, fmt.Errorf("read the events of %s: %w", ref,
					cloud.Incomplete("cloudformation:DescribeStackEvents", "an event with no ResourceStatus"))
			}
			if known(event) {
				return found, nil
			}
			found = append(found, event)
		}
	}
	return found, nil
}

// LastEvent returns the id of a stack's newest event, empty if it has none. It is one call. Clocks differ, so the events of an
// operation are told from earlier ones by this id and not by their time.
func (s *Stacks) LastEvent(ctx context.Context, ref assembly.StackRef, stackID string) (string, error) {
	out, err := s.client(ref.Region).DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stackID})
	switch {
	case IsGone(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read the events of %s: %w", ref, cloud.Explain(err))
	case len(out.StackEvents) == 0:
		return "", nil
	}
	return aws.ToString(out.StackEvents[0].EventId), nil
}

// newEvent returns an event in our form. An event is about the stack as a whole if its physical id is the stack's own id: a
// nested stack is a resource of the same type, with another id.
func newEvent(ref assembly.StackRef, e types.StackEvent) Event {
	return Event{
		ID: aws.ToString(e.EventId), Token: aws.ToString(e.ClientRequestToken), Time: aws.ToTime(e.Timestamp).UTC(),
		OfStack: aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId) &&
			aws.ToString(e.ResourceType) == "AWS::CloudFormation::Stack",
		Region: ref.Region, Stack: ref.Name,
		Resource: aws.ToString(e.LogicalResourceId), Type: aws.ToString(e.ResourceType),
		PhysicalID: aws.ToString(e.PhysicalResourceId), Operation: aws.ToString(e.OperationId),
		Status: string(e.ResourceStatus), Reason: aws.ToString(e.ResourceStatusReason),
	}
}
