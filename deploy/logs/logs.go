// Package logs reads the logs which an app's instances wrote to CloudWatch Logs.
//
//	logs.go     finds the log group of an app, and reads it
//	follow.go   reads several groups again and again
package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Kind says which of an app's logs to read.
type Kind string

// The kinds of logs.
const (
	Boot   Kind = "boot"   // the agent's log of a boot: one group for the orbit, which outlives a failed stack
	Deploy Kind = "deploy" // the agent's own log, when the manifest has logging.deploy
	Docker Kind = "docker" // the output of containers, when the manifest has logging.docker
)

// Group is a log group to read, in one region.
type Group struct {
	Region string
	Name   string
	Prefix string // only streams whose name begins so; "" reads all
}

// Line is one event of a log.
type Line struct {
	Time    time.Time `json:"time"`
	Region  string    `json:"region"`
	Stream  string    `json:"stream"` // of the boot log: app/instance
	Message string    `json:"message"`

	id string
}

// Find returns an app's log group of a kind in a region, false when the app has none there. The app "" stands for the
// orbit's bastions.
func Find(ctx context.Context, stacks *live.Stacks, orbit, app, region string, kind Kind) (Group, bool, error) {
	if kind == Boot {
		return Group{region, document.BootLogGroup(orbit), document.BootStreamPrefix(app)}, true, nil
	}
	stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(orbit, app)})
	if err != nil || !stack.Exists() {
		return Group{}, false, err
	}
	id := map[Kind]string{Deploy: document.DeployLogGroup, Docker: document.DockerLogGroup}[kind]
	name, err := stacks.PhysicalID(ctx, stack, id)
	if live.IsGone(err) || err == nil && name == "" {
		return Group{}, false, nil // the template has no such group: the manifest turns this kind of log off
	}
	if err != nil {
		return Group{}, false, err
	}
	return Group{Region: region, Name: name}, true, nil
}

// Read returns a group's lines since a time that match a filter pattern of CloudWatch Logs, oldest first; "" matches
// all.
func (g Group) Read(ctx context.Context, c *cloud.Cloud, since time.Time, pattern string) ([]Line, error) {
	input := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &g.Name, StartTime: aws.Int64(since.UnixMilli())}
	if g.Prefix != "" {
		input.LogStreamNamePrefix = &g.Prefix
	}
	if pattern != "" {
		input.FilterPattern = &pattern
	}
	var lines []Line
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.Region(g.Region).Logs(), input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
			return nil, fmt.Errorf("there is no log group %s in %s: deploy the orbit there first", g.Name, g.Region)
		}
		if err != nil {
			return nil, fmt.Errorf("read the log group %s in %s: %w", g.Name, g.Region, cloud.Explain(err))
		}
		if page.Events == nil {
			return nil, fmt.Errorf("read the log group %s in %s: %w", g.Name, g.Region,
				cloud.Incomplete("logs:FilterLogEvents", "no events"))
		}
		for _, e := range page.Events {
			if !strings.HasPrefix(aws.ToString(e.LogStreamName), g.Prefix) {
				continue // moto ignores LogStreamNamePrefix
			}
			lines = append(lines, Line{
				Time: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Region: g.Region, Stream: aws.ToString(e.LogStreamName),
				Message: strings.TrimRight(aws.ToString(e.Message), "\n"), id: aws.ToString(e.EventId),
			})
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines, nil
}
