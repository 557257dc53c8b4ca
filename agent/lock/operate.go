package lock

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/pebble/spacel/agent/document"
)

// Read returns a lock. Without an item its State is "".
func (t Table) Read(ctx context.Context, name string) (Record, error) {
	record, err := t.read(ctx, name)
	record.Name = name
	return record, err
}

// List returns the locks whose names have a prefix, sorted by name. The table has no index, so it reads all of it.
func (t Table) List(ctx context.Context, prefix string) ([]Record, error) {
	pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{
		TableName:                 &t.Name,
		ConsistentRead:            aws.Bool(true),
		FilterExpression:          aws.String("begins_with(#name, :prefix)"),
		ExpressionAttributeNames:  map[string]string{"#name": document.LockName},
		ExpressionAttributeValues: item{":prefix": text(prefix)},
	})
	var found []Record
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the locks in table %s: %w", t.Name, err)
		}
		for _, i := range page.Items {
			found = append(found, recordOf(i))
		}
	}
	slices.SortFunc(found, func(a, b Record) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// The condition of a mark is the state as a person or a deploy has seen it. A slow instance may have written the end of its
// work meanwhile. That end is the better one, and stays.

// Mark writes a state for work that nobody does any more. It changes nothing, and returns false, when something has happened to the lock
// since it was read. Pending gives the lock to the next owner that wants it. Without an item it makes one.
func (t Table) Mark(ctx context.Context, from Record, state State, note string) (bool, error) {
	change := item{attrState: text(string(state)), attrNote: text(note)}
	if note == "" {
		change[attrNote] = nil
	}
	if state == Pending {
		change[attrOwner] = nil
	}
	if from.State == "" {
		change[attrFence], change[attrBeat] = number(0), number(0)
		_, ok, err := t.write(ctx, from.Name, change, absent())
		return ok, err
	}
	c := unchanged(from)
	c.expression += " AND #state = :seenState"
	c.names["#state"], c.values[":seenState"] = attrState, text(string(from.State))
	_, ok, err := t.write(ctx, from.Name, change, c)
	return ok, err
}
