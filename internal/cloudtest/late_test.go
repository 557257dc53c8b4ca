package cloudtest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Between the acknowledgement of DeleteStack and the beginning of the deletion, the stack is as before: see BeginsLate for the
// sources. Then the deletion runs to its end, with the token of the call in its events.
func TestBeginsLate(t *testing.T) {
	b := newCloudFormationEnv(t)
	id := b.cf.Put(t, Stack{Region: region, Name: "test-web", Status: types.StackStatusUpdateComplete,
		Template: `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`})
	before := len(b.cf.Seen(region, "test-web").Events)
	b.cf.BeginsLate = 50 * time.Millisecond
	_, err := b.api.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &id, ClientRequestToken: aws.String("mine")})
	if err != nil {
		t.Fatal(err)
	}
	if seen := b.cf.Seen(region, "test-web"); seen.Status != types.StackStatusUpdateComplete || len(seen.Events) != before {
		t.Errorf("before it begins: %+v", seen)
	}
	for range 200 {
		time.Sleep(5 * time.Millisecond)
		if b.cf.Seen(region, "test-web") == nil {
			break
		}
	}
	events, err := b.api.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &id})
	if err != nil {
		t.Fatal(err)
	}
	last := events.StackEvents[0]
	if last.ResourceStatus != types.ResourceStatusDeleteComplete || aws.ToString(last.ClientRequestToken) != "mine" {
		t.Errorf("got %+v", last)
	}
}

// An operation that the stack no longer allows when its time comes does not begin.
func TestTooLateToBegin(t *testing.T) {
	b := newCloudFormationEnv(t)
	id := b.cf.Put(t, Stack{Region: region, Name: "test-web", Status: types.StackStatusUpdateComplete,
		Template: `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`})
	b.cf.BeginsLate = 20 * time.Millisecond
	if _, err := b.api.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &id}); err != nil {
		t.Fatal(err)
	}
	_, err := b.api.UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{
		StackName: &id, EnableTerminationProtection: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(60 * time.Millisecond)
	if seen := b.cf.Seen(region, "test-web"); seen == nil || seen.Status != types.StackStatusUpdateComplete {
		t.Errorf("got %+v", seen)
	}
}
