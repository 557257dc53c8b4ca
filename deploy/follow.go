package deploy

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// operation is one that CloudFormation carries out on a stack.
type operation struct {
	ref     assembly.StackRef
	stackID string
	mark    string                      // the last event before it; empty: all of the stack's events are its
	token   string                      // its name, if it is ours
	deletes bool                        // it is a creation that is deleted when it fails: a failed one is not at its end yet
	undo    func(context.Context) error // what Control.Cancel does; nil: nothing
}

// ending is what an operation came to.
type ending struct {
	status    types.StackStatus // DELETE_COMPLETE: the stack is gone
	reason    string
	events    []types.StackEvent // oldest first
	cancelled bool               // by Control.Cancel
}

// errDetached ends the following of an operation that goes on.
const errDetached = sentinel("left running")

// patience is how many looks without a new event there may be before the stack itself is asked.
const patience = 3

// reviewPatience is how long a creation may take to begin: seconds, as a rule.
const reviewPatience = 5 * time.Minute

// follower follows one operation.
type follower struct {
	*Deployment
	operation
	began     time.Time
	seen      map[string]bool
	events    []types.StackEvent // oldest first
	quiet     int                // looks without a new event
	still     int                // looks at a stack that should not stay as it is
	cancelled bool
	stalls    stalls
}

// follow tells of an operation's events until it is at its end. It asks for events, which is one call, and for the stack only
// when they say that it is at rest or nothing at all.
func (d *Deployment) follow(ctx context.Context, o operation) (ending, error) {
	f := &follower{Deployment: d, operation: o, began: time.Now(), seen: map[string]bool{}, stalls: stalls{}}
	for {
		if err := f.wait(ctx); err != nil {
			return ending{}, err
		}
		if err := f.fetch(ctx); err != nil {
			return ending{}, err
		}
		end, done, err := f.settled(ctx)
		if done || err != nil {
			return end, err
		}
	}
}

// wait sleeps until the next look. A wish to cancel or to detach does not wait for it.
func (f *follower) wait(ctx context.Context) error {
	timer := time.NewTimer(f.options.poll())
	defer timer.Stop()
	cancel := f.control.cancel.raised
	if f.cancelled || f.undo == nil {
		cancel = nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-f.control.detach.raised:
		return errDetached
	case <-cancel:
		return f.cancel(ctx)
	case <-timer.C:
		return nil
	}
}

// cancel undoes the operation. One that came to its end meanwhile, or cannot be undone any more, is followed as it is.
func (f *follower) cancel(ctx context.Context) error {
	f.cancelled = true
	if err := f.undo(ctx); err != nil {
		f.Deployment.tell(Event{Kind: Warning, Region: f.ref.Region, Stack: f.ref.Name, Reason: "cancel: " + err.Error()})
	}
	return nil
}

// fetch reads the events that are new, which come newest first, and tells of them oldest first.
func (f *follower) fetch(ctx context.Context) error {
	fresh, err := f.eventsSince(ctx, f.region(), f.stackID, func(e types.StackEvent) bool {
		id := aws.ToString(e.EventId)
		return id == f.mark || f.seen[id]
	})
	if err != nil {
		return err
	}
	for _, e := range fresh {
		f.seen[aws.ToString(e.EventId)] = true
		f.events = append(f.events, e)
		f.stalls.note(e, time.Now())
		f.report(e)
	}
	f.warnOfStalls(time.Now())
	f.quiet++
	if len(fresh) > 0 {
		f.quiet = 0
	}
	return nil
}

func (f *follower) region() string { return f.ref.Region }

func (f *follower) report(e types.StackEvent) {
	event := Event{
		Time: aws.ToTime(e.Timestamp).UTC(), Kind: Resource, Region: f.ref.Region, Stack: f.ref.Name,
		Resource: aws.ToString(e.LogicalResourceId), Type: aws.ToString(e.ResourceType),
		Status: string(e.ResourceStatus), Reason: aws.ToString(e.ResourceStatusReason),
		Origin: f.places[f.ref.String()][aws.ToString(e.LogicalResourceId)],
	}
	if ofStack(e) {
		event.Resource = ""
	}
	if j := f.job(f.ref); j != nil {
		event.Reason = j.mask(event.Reason)
	}
	f.tell(event)
}

// settled says whether the operation is at its end.
func (f *follower) settled(ctx context.Context) (ending, bool, error) {
	if f.quiet < patience && !f.looksSettled() {
		return ending{}, false, nil
	}
	f.quiet = 0
	s, err := f.live.ByID(ctx, f.region(), f.stackID)
	if err != nil {
		return ending{}, false, err
	}
	end := ending{status: types.StackStatusDeleteComplete, events: f.events, cancelled: f.cancelled}
	if s != nil {
		end.status, end.reason = s.Status, s.Reason
	}
	return end, f.final(s), nil
}

// looksSettled says that the newest event of the stack itself is the end of something.
func (f *follower) looksSettled() bool {
	for _, e := range slices.Backward(f.events) {
		if ofStack(e) {
			return stepFor(&live.Stack{Status: types.StackStatus(e.ResourceStatus)}) != toWait
		}
	}
	return false
}

// final says that a state will last. A failed creation that is deleted passes through states in which others end.
func (f *follower) final(s *live.Stack) bool {
	switch {
	case s == nil:
		return true
	case busy(s):
		return false
	case s.Status == types.StackStatusReviewInProgress && !f.cancelled: // not begun yet; one that was refused at once stays so
		return time.Since(f.began) > reviewPatience
	case f.deletes && (s.Status == types.StackStatusCreateFailed || s.Status == types.StackStatusRollbackComplete):
		f.still++
		return f.still > 2*patience
	}
	return true
}

// ofStack says that an event is about the stack as a whole.
func ofStack(e types.StackEvent) bool {
	return aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId) && aws.ToString(e.ResourceType) == "AWS::CloudFormation::Stack"
}

// eventsSince are a stack's events back to one that is known, oldest first.
func (d *Deployment) eventsSince(ctx context.Context, region, stackID string, known func(types.StackEvent) bool) ([]types.StackEvent, error) {
	var fresh []types.StackEvent
	client := d.cloud.Region(region).CloudFormation()
	pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: &stackID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if isGone(err) {
			break
		}
		if err != nil {
			return nil, worldError("read the events of "+stackID, err)
		}
		end := slices.IndexFunc(page.StackEvents, known)
		if end >= 0 {
			fresh = append(fresh, page.StackEvents[:end]...)
			break
		}
		fresh = append(fresh, page.StackEvents...)
	}
	slices.Reverse(fresh)
	return fresh, nil
}

// lastEvent is the id of a stack's newest event, empty if it has none. It is one call.
func (j *job) lastEvent(ctx context.Context, stackID string) (string, error) {
	out, err := j.cloudFormation().DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stackID})
	switch {
	case isGone(err):
		return "", nil
	case err != nil:
		return "", j.failed("read the stack's events", err)
	case len(out.StackEvents) == 0:
		return "", nil
	}
	return aws.ToString(out.StackEvents[0].EventId), nil
}
