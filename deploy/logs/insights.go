package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// Row is one row of a query's result.
type Row struct {
	Region string            `json:"region"`
	Fields []string          `json:"-"`      // in the order of the query
	Values map[string]string `json:"values"` // by field
}

// timestamp is the field by which rows of several regions are merged, in the form of timestampForm. Rows without it, as of a query with
// stats, stay in the order of their region.
const (
	timestamp     = "@timestamp"
	timestampForm = "2006-01-02 15:04:05.000"
	pointer       = "@ptr" // which CloudWatch adds to rows of log lines; it means nothing to a reader
)

// Insights works in one region. CloudWatch can query other accounts, and not other regions, so the rows are merged here.

// QueryError is a mistake in a query, with the place that CloudWatch names, counted in characters from 0.
type QueryError struct {
	Message    string
	Start, End int
}

// Error returns CloudWatch's message.
func (e *QueryError) Error() string { return "the query is invalid: " + e.Message }

// queryPause is the time between two looks at a query.
const queryPause = 500 * time.Millisecond

// Query runs a query of CloudWatch Logs Insights in all regions at the same time, and merges the rows. Rows of log lines are sorted as
// those of each region are: the newest first, unless the query says otherwise. The error names each region that failed.
func Query(ctx context.Context, c *cloud.Cloud, groups []Group, since time.Time, query string) ([]Row, error) {
	found, errs := make([][]Row, len(groups)), make([]error, len(groups))
	var wait sync.WaitGroup
	for i, g := range groups {
		wait.Go(func() { found[i], errs[i] = g.query(ctx, c, since, query) })
	}
	wait.Wait()
	// All regions find the same mistake in a query, so the first one says it.
	for _, err := range errs {
		if invalid, ok := errors.AsType[*QueryError](err); ok {
			return nil, invalid
		}
	}
	return merge(found), errors.Join(errs...)
}

// merge sorts rows by their time. A region whose rows go up in time has a query that asks for this order.
func merge(found [][]Row) []Row {
	rows := slices.Concat(found...)
	if len(rows) == 0 || slices.ContainsFunc(rows, func(r Row) bool { return r.Values[timestamp] == "" }) {
		return rows
	}
	// CloudWatch returns log lines with the newest first when a query has no sort.
	direction := -1
	for _, some := range found {
		if len(some) > 1 && some[0].Values[timestamp] < some[len(some)-1].Values[timestamp] {
			direction = 1
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return direction * cmp.Compare(a.Values[timestamp], b.Values[timestamp])
	})
	return rows
}

// query runs the query in one region. An interrupted query is stopped: CloudWatch bills for the bytes read, and an account may
// run only some at the same time.
func (g Group) query(ctx context.Context, c *cloud.Cloud, since time.Time, query string) ([]Row, error) {
	client := c.Region(g.Region).Logs()
	query = g.ownStreams() + query
	out, err := client.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{LogGroupName: &g.Name, QueryString: &query,
		StartTime: aws.Int64(since.Unix()), EndTime: aws.Int64(time.Now().Unix())})
	if err != nil {
		return nil, g.queryError(err)
	}
	// Insights has no way to wait for a query: it is asked until it has ended.
	for {
		result, err := client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: out.QueryId})
		if err == nil && isRunning(result.Status) && cloud.Pause(ctx, queryPause) != nil {
			err = ctx.Err()
		}
		if err != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_, _ = client.StopQuery(stop, &cloudwatchlogs.StopQueryInput{QueryId: out.QueryId})
			return nil, g.queryError(err)
		}
		switch {
		case result.Status == types.QueryStatusComplete:
			return g.rows(result.Results), nil
		case !isRunning(result.Status): // Failed, Cancelled, Timeout, or a status that CloudWatch adds later
			return nil, g.queryError(fmt.Errorf("CloudWatch ended it with the status %q", result.Status))
		}
	}
}

// isRunning reports whether a query has not ended yet.
func isRunning(status types.QueryStatus) bool {
	return status == types.QueryStatusScheduled || status == types.QueryStatusRunning
}

// ownStreams is the beginning of a query on a group with the streams of all apps, such as the boot log.
func (g Group) ownStreams() string {
	if g.Prefix == "" {
		return ""
	}
	return "filter @logStream like /^" + strings.ReplaceAll(g.Prefix, "/", `\/`) + "/ | "
}

// queryError names the failed call. A mistake in the query is a QueryError.
func (g Group) queryError(err error) error {
	if invalid, ok := errors.AsType[*types.MalformedQueryException](err); ok {
		e := &QueryError{Message: aws.ToString(invalid.Message), Start: -1}
		if at := invalid.QueryCompileError; at != nil {
			e.Message = cmp.Or(aws.ToString(at.Message), e.Message)
			if at.Location != nil {
				e.Start, e.End = int(aws.ToInt32(at.Location.StartCharOffset)), int(aws.ToInt32(at.Location.EndCharOffset))
			}
		}
		// The place counts from the filter in front, which the user did not write.
		if shift := len(g.ownStreams()); e.Start >= shift {
			e.Start, e.End = e.Start-shift, e.End-shift
		}
		return e
	}
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("there is no log group %s in %s: deploy the orbit there first", g.Name, g.Region)
	}
	return fmt.Errorf("query the log group %s in %s: %w", g.Name, g.Region, cloud.Explain(err))
}

// rows converts a result.
func (g Group) rows(results [][]types.ResultField) []Row {
	var rows []Row
	for _, fields := range results {
		row := Row{Region: g.Region, Values: map[string]string{}}
		for _, field := range fields {
			name := aws.ToString(field.Field)
			if name == pointer {
				continue
			}
			row.Fields = append(row.Fields, name)
			row.Values[name] = strings.TrimRight(aws.ToString(field.Value), "\n")
		}
		rows = append(rows, row)
	}
	return rows
}
