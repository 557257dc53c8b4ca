package destroy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/deploy"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// watcher tells a stack's events, from when it was made on. It goes by events and not by times: clocks differ.
type watcher struct {
	*run
	stack *live.Stack
	last  string // id of the newest event that is not to be told
}

func (r *run) watcher(ctx context.Context, stack *live.Stack) (*watcher, error) {
	w := &watcher{run: r, stack: stack}
	_, err := w.news(ctx)
	return w, err
}

// follow tells events until the stack's operation has ended, and gives the stack as it is then: nil when it is gone.
func (w *watcher) follow(ctx context.Context) (*live.Stack, error) {
	for {
		now, err := w.stacks.ByID(ctx, w.stack.Region, w.stack.ID)
		if err != nil {
			return nil, w.detached(ctx, err)
		}
		if err := w.tellNews(ctx); err != nil {
			return nil, w.detached(ctx, err)
		}
		if now == nil || now.Status == types.StackStatusDeleteComplete {
			return nil, nil
		}
		if now.Settled() {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(w.options.Poll):
		}
	}
}

// detached is why a call was given up, when it was.
func (w *watcher) detached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (w *watcher) tellNews(ctx context.Context) error {
	news, err := w.news(ctx)
	for _, e := range news {
		told := deploy.Event{
			Time: aws.ToTime(e.Timestamp).UTC(), Kind: deploy.Resource, Region: w.stack.Region, Stack: w.stack.Name,
			Resource: aws.ToString(e.LogicalResourceId), Type: aws.ToString(e.ResourceType),
			Status: string(e.ResourceStatus), Reason: aws.ToString(e.ResourceStatusReason),
		}
		if aws.ToString(e.PhysicalResourceId) == w.stack.ID {
			told.Resource = "" // the stack's own
		}
		w.tell(told)
	}
	return err
}

// news are the events since the last call, oldest first.
func (w *watcher) news(ctx context.Context) ([]types.StackEvent, error) {
	var found []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(w.cloud.Region(w.stack.Region).CloudFormation(), &cloudformation.DescribeStackEventsInput{StackName: &w.stack.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if eventless(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the events of %s: %w", w.stack.StackRef, cloud.Explain(err))
		}
		known := slices.IndexFunc(page.StackEvents, func(e types.StackEvent) bool { return aws.ToString(e.EventId) == w.last })
		if known >= 0 {
			found = append(found, page.StackEvents[:known]...)
			break
		}
		found = append(found, page.StackEvents...)
		if w.last == "" {
			break // the first look only wants the newest
		}
	}
	if len(found) > 0 {
		w.last = aws.ToString(found[0].EventId)
	}
	slices.Reverse(found)
	return found, nil
}

// eventless is CloudFormation's answer when a stack is gone and forgotten.
func eventless(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationError"
}
