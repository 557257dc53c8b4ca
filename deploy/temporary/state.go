// Package temporary changes an app for some time: the size of its group by hand, and a fixed answer in place of the app. A record in the
// orbit's table of releases says what was changed, until when, and how to end it. AWS ends it at the stated time, the next deploy
// before that.
//
//	state.go         the records, and their end
//	scale.go         the size of a group
//	maintenance.go   the fixed answer of a load balancer
//	schedule.go      the end at a time
package temporary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Kind is the kind of a temporary change. It is the sort key of the record.
type Kind string

// The kinds.
const (
	Scale       Kind = "scale"
	Maintenance Kind = "maintenance"
)

// stateFormat is the version of the record's form. A record of a later one is an error, since it could not be ended.
const stateFormat = 1

// A record is JSON in one attribute, and not an attribute for each field: only this package reads it, whole, and a later form can be told
// by its number.

// State is a temporary change of an app in one region.
type State struct {
	Format int        `json:"format"`
	Kind   Kind       `json:"kind"`
	App    string     `json:"app"`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until,omitempty"` // nil: until the next deploy
	By     string     `json:"by"`              // the ARN of the caller

	Group  string `json:"group,omitempty"`  // of scale: the auto scaling group
	Set    *Sizes `json:"set,omitempty"`    // of scale: its sizes now
	Before *Sizes `json:"before,omitempty"` // of scale: its sizes afterwards

	Rules []Rule `json:"rules,omitempty"` // of maintenance
}

// Sizes are those of an auto scaling group.
type Sizes struct {
	Min     int `json:"min"`
	Max     int `json:"max"`
	Desired int `json:"desired"`
}

// Rule is a rule of a load balancer's listener that gives the fixed answer.
type Rule struct {
	ARN      string `json:"arn"`
	Schedule string `json:"schedule,omitempty"` // the name of the schedule that deletes it
}

// Over reports whether the stated time has passed. Nothing is left of the change then but its record.
func (s State) Over(now time.Time) bool { return s.Until != nil && !s.Until.After(now) }

// String says what is changed, in one line.
func (s State) String() string {
	text := "maintenance: the load balancer answers in place of the app"
	if s.Kind == Scale && s.Set != nil {
		text = fmt.Sprintf("scaled by hand: at least %d, at most %d instances", s.Set.Min, s.Set.Max)
	}
	if s.Until != nil {
		return fmt.Sprintf("%s, until %s", text, s.Until.UTC().Format(time.RFC3339))
	}
	return text + ", until the next deploy"
}

// AfterEnd says what the end of the change does, in one line.
func (s State) AfterEnd() string {
	if s.Kind == Scale && s.Before != nil {
		return fmt.Sprintf("ends scale: the group has %d to %d instances again", s.Before.Min, s.Before.Max)
	}
	return "ends maintenance: requests reach the app again"
}

// Kept reports whether an orbit has the table in a region, by the output of its tables stack. An orbit of an older release has none, and
// a caller that only looks needs no right on DynamoDB there. A table that the caller is about to make does not count: it is empty.
func Kept(ctx context.Context, stacks *live.Stacks, orbit, region string) bool {
	stack, err := stacks.Get(ctx, assembly.StackRef{Region: region, Name: document.StackName(orbit, document.StackTables)})
	return err == nil && stack.Exists() && stack.Outputs[document.OutputReleases] != ""
}

// ErrNoTable says that the orbit's tables stack is of a release without the table.
var ErrNoTable = errors.New("the orbit's table of releases does not exist")

// table reaches the records of one region.
type table struct {
	region *cloud.Region
	orbit  string
}

func (t table) name() *string { return aws.String(document.TableName(t.orbit, document.ReleasesTable)) }

// stateBody is the attribute with the record as JSON.
const stateBody = "state"

// key returns the key of a record.
func key(app string, kind Kind) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		document.ReleaseKind: &types.AttributeValueMemberS{Value: document.StateKind(app)},
		document.ReleaseID:   &types.AttributeValueMemberS{Value: string(kind)},
	}
}

// keysPerCall is the most that DynamoDB takes (DynamoDB API, BatchGetItem).
const keysPerCall = 100

// Read returns the changes of apps in one region, by app. Without the table there are none, with ErrNoTable.
func Read(ctx context.Context, region *cloud.Region, orbit string, apps ...string) (map[string][]State, error) {
	t := table{region, orbit}
	// Both records of an app are asked for by their keys: a query would take a call for each app.
	var keys []map[string]types.AttributeValue
	for _, app := range apps {
		keys = append(keys, key(app, Maintenance), key(app, Scale))
	}
	found := map[string][]State{}
	for some := range slices.Chunk(keys, keysPerCall) {
		items, err := t.items(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			s, err := parse(item)
			if err != nil {
				return nil, fmt.Errorf("read the temporary changes in %s: %w", region.Name, err)
			}
			found[s.App] = append(found[s.App], s)
		}
	}
	for _, states := range found {
		slices.SortFunc(states, func(a, b State) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	}
	return found, nil
}

// items reads items. DynamoDB may leave some keys for another call.
func (t table) items(ctx context.Context, keys []map[string]types.AttributeValue) (items []map[string]types.AttributeValue, err error) {
	// Strongly consistent, because a command often follows another one that wrote the record.
	asked := map[string]types.KeysAndAttributes{*t.name(): {Keys: keys, ConsistentRead: aws.Bool(true)}}
	for len(asked) > 0 {
		out, err := t.region.DynamoDB().BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: asked})
		if err != nil {
			return nil, t.explain("read the temporary changes", err)
		}
		if out.Responses == nil {
			return nil, fmt.Errorf("read the temporary changes in %s: %w", t.region.Name,
				cloud.Incomplete("dynamodb:BatchGetItem", "no Responses"))
		}
		items = append(items, out.Responses[*t.name()]...)
		asked = out.UnprocessedKeys
	}
	return items, nil
}

// parse reads a record. An item without one is somebody else's.
func parse(item map[string]types.AttributeValue) (State, error) {
	var s State
	body, ok := item[stateBody].(*types.AttributeValueMemberS)
	if !ok || json.Unmarshal([]byte(body.Value), &s) != nil {
		return s, errors.New("a record of the table is not one of spacel's")
	}
	if s.Format != stateFormat {
		return s, fmt.Errorf("a record has format %d, and this spacel knows %d: use the spacel that wrote it", s.Format, stateFormat)
	}
	return s, nil
}

// put writes a record.
func (t table) put(ctx context.Context, s State) error {
	s.Format = stateFormat
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	item := key(s.App, s.Kind)
	item[stateBody] = &types.AttributeValueMemberS{Value: string(body)}
	_, err = t.region.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: t.name(), Item: item})
	return t.explain("record the change", err)
}

// remove deletes a record.
func (t table) remove(ctx context.Context, s State) error {
	_, err := t.region.DynamoDB().DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: t.name(), Key: key(s.App, s.Kind)})
	return t.explain("delete the record of the change", err)
}

// explain names the stack that makes the table.
func (t table) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("%s in %s: %w: deploy %s with this spacel first", doing, t.region.Name, ErrNoTable,
			document.StackName(t.orbit, document.StackTables))
	}
	return fmt.Errorf("%s in %s: %w", doing, t.region.Name, cloud.Explain(err))
}

// End undoes a change and deletes its record. Group is the app's auto scaling group now: an update may have replaced it. What is gone
// already is no error, so End can be repeated.
func End(ctx context.Context, region *cloud.Region, orbit, group string, s State) error {
	var err error
	switch s.Kind {
	case Scale:
		err = endScale(ctx, region, group, s)
	case Maintenance:
		err = endMaintenance(ctx, region, s)
	default:
		err = fmt.Errorf("the record of a change has the unknown kind %q", s.Kind)
	}
	if err != nil {
		return fmt.Errorf("end %s of %s in %s: %w", s.Kind, s.App, region.Name, err)
	}
	// The record goes last. While it is there, the next run tries again.
	return table{region, orbit}.remove(ctx, s)
}
