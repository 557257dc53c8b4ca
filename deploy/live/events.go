package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Event is something that CloudFormation did to a stack or one of its resources.
type Event struct {
	ID       string    `json:"-"`
	Time     time.Time `json:"time"`
	Region   string    `json:"region"`
	Stack    string    `json:"stack"`
	Resource string    `json:"resource"` // logical id; the stack's name when it is about the stack
	Type     string    `json:"type"`
	Status   string    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
}

// Events are a stack's since a time, oldest first. The stack of a failed creation has them too, by its name.
func (s *Stacks) Events(ctx context.Context, ref assembly.StackRef, since time.Time) ([]Event, error) {
	var found []Event
	pages := cloudformation.NewDescribeStackEventsPaginator(s.cloud.Region(ref.Region).CloudFormation(), &cloudformation.DescribeStackEventsInput{StackName: &ref.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the events of %s: %w", ref, cloud.Explain(err))
		}
		for _, e := range page.StackEvents {
			at := aws.ToTime(e.Timestamp).UTC()
			if at.Before(since) {
				slices.Reverse(found)
				return found, nil
			}
			found = append(found, Event{
				ID: aws.ToString(e.EventId), Time: at, Region: ref.Region, Stack: ref.Name,
				Resource: aws.ToString(e.LogicalResourceId), Type: aws.ToString(e.ResourceType),
				Status: string(e.ResourceStatus), Reason: strings.TrimSpace(aws.ToString(e.ResourceStatusReason)),
			})
		}
	}
	slices.Reverse(found)
	return found, nil
}
