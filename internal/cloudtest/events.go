package cloudtest

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// describeStackEvents returns a stack's events, the newest first. A deleted stack has them under its id only.
// A program that follows an operation asks again and again and stops at the first event it knows, so the order matters.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
func (c *call) describeStackEvents(in *cloudformation.DescribeStackEventsInput) (*cloudformation.DescribeStackEventsOutput, error) {
	s := c.find(in.StackName)
	if s == nil {
		return nil, invalid("Stack [%s] does not exist", aws.ToString(in.StackName))
	}
	newest := slices.Clone(s.events)
	slices.Reverse(newest)
	out := &cloudformation.DescribeStackEventsOutput{}
	out.StackEvents, out.NextToken = page(newest, in.NextToken, c.Page)
	return out, nil
}

// describeEvents returns the events of a stack, an operation or a change set, the newest first.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
func (c *call) describeEvents(in *cloudformation.DescribeEventsInput) (*cloudformation.DescribeEventsOutput, error) {
	all, err := c.operationEvents(in)
	if err != nil {
		return nil, err
	}
	if in.Filters != nil && aws.ToBool(in.Filters.FailedEvents) {
		all = slices.DeleteFunc(all, func(e types.OperationEvent) bool { return !failedEvent(e) })
	}
	out := &cloudformation.DescribeEventsOutput{}
	out.OperationEvents, out.NextToken = page(all, in.NextToken, c.Page)
	return out, nil
}

// failedEvent reports whether the filter FailedEvents keeps an event.
// Validation errors of a change set count as failed, too.
func failedEvent(e types.OperationEvent) bool {
	return e.EventType != types.EventTypeStackEvent && e.EventType != types.EventTypeProgressEvent
}

// operationEvents selects the events: of a change set only its validation errors, otherwise all events of the stack, of the
// operation, or of both. A change set's name needs the stack's name; its ARN does not.
func (c *call) operationEvents(in *cloudformation.DescribeEventsInput) ([]types.OperationEvent, error) {
	if in.ChangeSetName != nil {
		if in.StackName == nil && !strings.HasPrefix(*in.ChangeSetName, "arn:") {
			return nil, invalid("One of ChangeSetName, OperationId or StackName must be specified")
		}
		_, set, err := c.findChangeSet(in.ChangeSetName, in.StackName)
		if err != nil {
			return nil, err
		}
		return slices.Clone(set.conflicts), nil
	}
	var all []types.OperationEvent
	for _, s := range c.engine.stacks {
		if s.region != c.region || in.StackName != nil && s != c.find(in.StackName) {
			continue
		}
		for _, e := range slices.Backward(s.events) {
			if in.OperationId == nil || aws.ToString(e.OperationId) == *in.OperationId {
				all = append(all, operationEvent(e))
			}
		}
	}
	// AWS demands at least one of the three, since the API has no list of all events of a region.
	if in.StackName == nil && in.OperationId == nil {
		return nil, invalid("One of ChangeSetName, OperationId or StackName must be specified")
	}
	if in.StackName != nil && c.find(in.StackName) == nil {
		return nil, invalid("Stack [%s] does not exist", *in.StackName)
	}
	return all, nil
}

// operationEvent returns an event in the form of DescribeEvents. It has an event type in addition: a failed resource is a
// PROVISIONING_ERROR, everything else a STACK_EVENT.
func operationEvent(e types.StackEvent) types.OperationEvent {
	kind := types.EventTypeStackEvent
	if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
		kind = types.EventTypeProvisioningError
	}
	return types.OperationEvent{
		ClientRequestToken:   e.ClientRequestToken,
		EventId:              e.EventId,
		EventType:            kind,
		LogicalResourceId:    e.LogicalResourceId,
		OperationId:          e.OperationId,
		PhysicalResourceId:   e.PhysicalResourceId,
		ResourceProperties:   e.ResourceProperties,
		ResourceStatus:       e.ResourceStatus,
		ResourceStatusReason: e.ResourceStatusReason,
		ResourceType:         e.ResourceType,
		StackId:              e.StackId,
		Timestamp:            e.Timestamp,
	}
}
