package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/live"
)

// settle waits until no operation is going on, and looks at the stack then.
func (j *job) settle(ctx context.Context) error {
	for busy(j.deployed) {
		if err := j.await(ctx, j.deployed); err != nil {
			return err
		}
		if err := j.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// await follows an operation that someone else began, or an earlier run of ours.
func (d *Deployment) await(ctx context.Context, s *live.Stack) error {
	going, err := d.ongoing(ctx, s)
	if err != nil {
		return err
	}
	d.tell(Event{Kind: Waiting, Region: s.Region, Stack: s.Name, Status: string(s.Status), Reason: going.String()})
	_, err = d.follow(ctx, operation{ref: s.StackRef, stackID: s.ID, mark: going.last})
	return err
}

// ongoing is an operation of someone else's as its events show it.
type ongoing struct {
	status   types.StackStatus
	token    string
	since    time.Time
	inFlight []string // logical ids, sorted
	last     string   // the newest event
}

func (o ongoing) String() string {
	text := fmt.Sprintf("%s since %s, begun by %s", o.status, o.since.UTC().Format(time.RFC3339), startedBy(o.token))
	if len(o.inFlight) > 0 {
		text += "; in progress: " + strings.Join(o.inFlight, ", ")
	}
	return text
}

func (d *Deployment) ongoing(ctx context.Context, s *live.Stack) (ongoing, error) {
	begun := false
	events, err := d.eventsSince(ctx, s.Region, s.ID, func(e types.StackEvent) bool {
		was := begun
		begun = begun || begins(e)
		return was
	})
	o := ongoing{status: s.Status, since: s.Updated}
	if s.Updated.IsZero() {
		o.since = s.Created
	}
	running := map[string]bool{}
	for _, e := range events {
		if ofStack(e) && begins(e) {
			o.token, o.since = aws.ToString(e.ClientRequestToken), aws.ToTime(e.Timestamp)
			clear(running)
		}
		if id := aws.ToString(e.LogicalResourceId); !ofStack(e) {
			running[id] = true
			if !strings.HasSuffix(string(e.ResourceStatus), "_IN_PROGRESS") {
				delete(running, id)
			}
		}
		o.last = aws.ToString(e.EventId)
	}
	o.inFlight = slices.Sorted(maps.Keys(running))
	return o, err
}

// begins says that an event is an operation's first.
func begins(e types.StackEvent) bool {
	if !ofStack(e) {
		return false
	}
	switch types.StackStatus(e.ResourceStatus) {
	case types.StackStatusCreateInProgress, types.StackStatusUpdateInProgress, types.StackStatusDeleteInProgress, types.StackStatusImportInProgress:
		return true
	}
	return false
}
