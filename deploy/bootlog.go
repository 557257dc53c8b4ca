package deploy

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// What is shown of the boot log.
const (
	maxBootStreams = 3
	maxBootLines   = 12
	maxLogPages    = 20 // of streams, 50 each
)

// failingSignal is the reason of the event that an instance's FAILURE makes.
var failingSignal = regexp.MustCompile(`FAILURE signal with UniqueId (i-[0-9a-f]+)`)

// explainBoot adds what the instances said that did not start.
func (j *job) explainBoot(ctx context.Context, f *Failure, events []live.Event) {
	group := document.BootLogGroup(j.orbit)
	boots, err := j.bootLogs(ctx, group, failingInstances(events), began(events))
	f.Boot = boots
	logs := fmt.Sprintf("aws logs tail %s --region %s --log-stream-name-prefix %s --since 1h", group, j.stack.Region, j.bootPrefix())
	switch {
	case err != nil:
		f.Next = fmt.Sprintf("read the instances' boot log (%s), which deploy could not (%v); then run %s", logs, cloud.Explain(err), j.command())
	case len(boots) == 0:
		f.Next = fmt.Sprintf("no instance wrote to the log group %s: look whether instances start and reach the network (NAT, routes, image), at their console output: "+
			"aws ec2 get-console-output --region %s --latest --instance-id ID; then run %s", group, j.stack.Region, j.command())
	default:
		f.Next = fmt.Sprintf("read all of the boot log with %s; mend what failed, then run %s", logs, j.command())
	}
}

// bootPrefix starts the names of the streams of this stack's instances.
func (j *job) bootPrefix() string { return document.BootStreamPrefix(j.stack.App) }

// failingInstances are those that said FAILURE, in that order.
func failingInstances(events []live.Event) []string {
	var ids []string
	for _, e := range events {
		if m := failingSignal.FindStringSubmatch(e.Reason); m != nil && !slices.Contains(ids, m[1]) {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// began is when an operation did, zero if that is not known.
func began(events []live.Event) time.Time {
	if len(events) == 0 {
		return time.Time{}
	}
	return events[0].Time
}

// bootLogs are the ends of what instances wrote: of those that are named, else of the last ones since a time.
func (j *job) bootLogs(ctx context.Context, group string, instances []string, since time.Time) ([]Boot, error) {
	if len(instances) == 0 {
		var err error
		if instances, err = j.lastInstances(ctx, group, since); err != nil {
			return nil, err
		}
	}
	var boots []Boot
	for _, id := range instances[:min(len(instances), maxBootStreams)] {
		boot, err := j.bootLog(ctx, group, id)
		if err != nil {
			return boots, err
		}
		if len(boot.Lines) > 0 {
			boots = append(boots, boot)
		}
	}
	return boots, nil
}

// lastInstances are those that wrote since a time, the last one first. A stream is made when its instance boots.
func (j *job) lastInstances(ctx context.Context, group string, since time.Time) ([]string, error) {
	prefix := j.bootPrefix()
	pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(j.cloud.Region(j.stack.Region).Logs(), &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupName: &group, LogStreamNamePrefix: &prefix,
	})
	var found []logtypes.LogStream
	for n := 0; pages.HasMorePages() && n < maxLogPages; n++ {
		page, err := pages.NextPage(ctx)
		if live.IsCode(err, "ResourceNotFoundException") {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, s := range page.LogStreams {
			if aws.ToInt64(s.CreationTime) >= since.UnixMilli() {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b logtypes.LogStream) int {
		return cmp.Or(-cmp.Compare(aws.ToInt64(a.CreationTime), aws.ToInt64(b.CreationTime)), cmp.Compare(aws.ToString(a.LogStreamName), aws.ToString(b.LogStreamName)))
	})
	var ids []string
	for _, s := range found {
		ids = append(ids, strings.TrimPrefix(aws.ToString(s.LogStreamName), prefix))
	}
	return ids, nil
}

// bootLog is the end of one instance's log.
func (j *job) bootLog(ctx context.Context, group, instance string) (Boot, error) {
	stream := j.bootPrefix() + instance
	out, err := j.cloud.Region(j.stack.Region).Logs().GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream, Limit: aws.Int32(maxBootLines), StartFromHead: aws.Bool(false),
	})
	boot := Boot{Instance: instance}
	if live.IsCode(err, "ResourceNotFoundException") {
		return boot, nil
	}
	if err != nil {
		return boot, err
	}
	for _, e := range out.Events {
		boot.Lines = append(boot.Lines, j.mask(printable(aws.ToString(e.Message))))
		boot.Last = time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC()
	}
	return boot, nil
}

// printable is a line that does a terminal no harm: an app may have written it.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, text)
}
