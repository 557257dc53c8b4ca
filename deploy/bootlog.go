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
	"github.com/pebble/spacel/internal/printable"
)

// Limits of the boot log in an explanation.
const (
	maxBootStreams = 3
	maxBootLines   = 12
	maxLogPages    = 20 // of streams, 50 each
)

// failingSignal matches the reason of the event for an instance's FAILURE signal. It captures the instance's id.
var failingSignal = regexp.MustCompile(`FAILURE signal with UniqueId (i-[0-9a-f]+)`)

// explainBoot adds the ends of the boot logs of instances that did not start, and replaces the next command.
func (x explainer) explainBoot(ctx context.Context, f *Failure, events []live.Event) {
	group := document.BootLogGroup(x.orbit)
	boots, err := x.bootLogs(ctx, group, failingInstances(events), began(events))
	f.Boot = boots
	logs := fmt.Sprintf("aws logs tail %s --region %s --log-stream-name-prefix %s --since 1h", group, x.spec.Region, x.bootPrefix())
	switch {
	case err != nil:
		f.Next = fmt.Sprintf("read the instances' boot log (%s), which deploy could not (%v); then run %s",
			logs, cloud.Explain(err), x.command())
	case len(boots) == 0:
		f.Next = fmt.Sprintf("no instance wrote to the log group %s: "+
			"look whether instances start and reach the network (NAT, routes, image), at their console output: "+
			"aws ec2 get-console-output --region %s --latest --instance-id ID; then run %s", group, x.spec.Region, x.command())
	default:
		f.Next = fmt.Sprintf("read all of the boot log with %s; fix the cause, then run %s", logs, x.command())
	}
}

// bootPrefix is the prefix of the log streams of this stack's instances.
func (x explainer) bootPrefix() string { return document.BootStreamPrefix(x.spec.App) }

// failingInstances returns the instances that signalled FAILURE, in the order of their signals.
func failingInstances(events []live.Event) []string {
	var ids []string
	for _, e := range events {
		if m := failingSignal.FindStringSubmatch(e.Reason); m != nil && !slices.Contains(ids, m[1]) {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// began returns the time of an operation's first event, zero if there is none.
func began(events []live.Event) time.Time {
	if len(events) == 0 {
		return time.Time{}
	}
	return events[0].Time
}

// bootLogs returns the ends of the logs of some instances: of the given ones or, if none are given, of the last ones that booted
// since a time.
func (x explainer) bootLogs(ctx context.Context, group string, instances []string, since time.Time) ([]Boot, error) {
	if len(instances) == 0 {
		var err error
		if instances, err = x.lastInstances(ctx, group, since); err != nil {
			return nil, err
		}
	}
	var boots []Boot
	// Three logs are enough: the instances of a group run the same program and mostly fail for the same reason.
	for _, id := range instances[:min(len(instances), maxBootStreams)] {
		boot, err := x.bootLog(ctx, group, id)
		if err != nil {
			return boots, err
		}
		if len(boot.Lines) > 0 {
			boots = append(boots, boot)
		}
	}
	return boots, nil
}

// lastInstances returns the instances that booted since a time, the last one first. An instance makes its log stream when it
// boots.
func (x explainer) lastInstances(ctx context.Context, group string, since time.Time) ([]string, error) {
	prefix := x.bootPrefix()
	pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(x.cloud.Region(x.spec.Region).Logs(), &cloudwatchlogs.DescribeLogStreamsInput{
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
	// The API cannot sort streams by name prefix and by time at once, so all pages are read and sorted here. Streams with the
	// same time are sorted by name, to make the output stable.
	slices.SortFunc(found, func(a, b logtypes.LogStream) int {
		return cmp.Or(-cmp.Compare(aws.ToInt64(a.CreationTime), aws.ToInt64(b.CreationTime)),
			cmp.Compare(aws.ToString(a.LogStreamName), aws.ToString(b.LogStreamName)))
	})
	var ids []string
	for _, s := range found {
		ids = append(ids, strings.TrimPrefix(aws.ToString(s.LogStreamName), prefix))
	}
	return ids, nil
}

// bootLog returns the end of one instance's log.
func (x explainer) bootLog(ctx context.Context, group, instance string) (Boot, error) {
	stream := x.bootPrefix() + instance
	out, err := x.cloud.Region(x.spec.Region).Logs().GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
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
		// The log is written by the app's own programs: it may hold secrets and control characters of a terminal.
		boot.Lines = append(boot.Lines, x.mask(printable.Line(aws.ToString(e.Message))))
		boot.Last = time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC()
	}
	return boot, nil
}
