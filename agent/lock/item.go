package lock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
)

// Table is the table of locks, as one owner uses it.
type Table struct {
	Client *dynamodb.Client
	Name   string        // of the table
	Owner  string        // differs for each process that may hold a lock
	Lease  time.Duration // of the locks that this owner holds
	Keep   time.Duration // after which DynamoDB may delete an item; 0: never
}

// Attributes of an item, beside those of the document package.
const (
	attrState = "state"
	attrOwner = "owner"
	attrFence = "fence"
	attrBeat  = "beat"
	attrLease = "lease" // seconds
	attrUntil = "until" // seconds since 1970
	attrNote  = "note"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// recordOf reads an item. An absent or odd attribute is empty.
func recordOf(i item) Record {
	texts, numbers := map[string]string{}, map[string]int64{}
	for name, value := range i {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			texts[name] = v.Value
		case *types.AttributeValueMemberN:
			numbers[name], _ = strconv.ParseInt(v.Value, 10, 64)
		}
	}
	return Record{
		Name:  texts[document.LockName],
		State: State(texts[attrState]),
		Owner: texts[attrOwner],
		Fence: numbers[attrFence],
		beat:  numbers[attrBeat],
		Lease: time.Duration(numbers[attrLease]) * time.Second,
		Until: time.Unix(numbers[attrUntil], 0),
		Note:  texts[attrNote],
	}
}

// condition restricts a write to items of a certain content. The values are those of the expression's names.
type condition struct {
	expression string
	names      map[string]string
	values     item
}

// absent holds when there is no item.
func absent() condition {
	return condition{"attribute_not_exists(#name)", map[string]string{"#name": document.LockName}, item{}}
}

// unchanged holds when nothing has happened since the item was read.
func unchanged(r Record) condition {
	c := condition{
		"#fence = :seenFence AND #beat = :seenBeat AND ",
		map[string]string{"#fence": attrFence, "#beat": attrBeat, "#owner": attrOwner},
		item{":seenFence": number(r.Fence), ":seenBeat": number(r.beat)},
	}
	if r.Owner == "" {
		c.expression += "attribute_not_exists(#owner)"
		return c
	}
	c.expression += "#owner = :seenOwner"
	c.values[":seenOwner"] = text(r.Owner)
	return c
}

// held holds while an owner has the lock.
func held(owner string, fence int64) condition {
	return condition{
		"#owner = :holder AND #fence = :held",
		map[string]string{"#owner": attrOwner, "#fence": attrFence},
		item{":holder": text(owner), ":held": number(fence)},
	}
}

// write changes attributes of a lock's item; a nil value removes one. When the condition does not hold, it returns false and the
// item as it is.
func (t Table) write(ctx context.Context, name string, change item, c condition) (now Record, ok bool, err error) {
	names, values := maps.Clone(c.names), maps.Clone(c.values)
	var set, remove []string
	for _, attribute := range slices.Sorted(maps.Keys(change)) {
		names["#"+attribute] = attribute
		if change[attribute] == nil {
			remove = append(remove, "#"+attribute)
			continue
		}
		set = append(set, "#"+attribute+" = :"+attribute)
		values[":"+attribute] = change[attribute]
	}
	expression := "SET " + strings.Join(set, ", ")
	if len(remove) > 0 {
		expression += " REMOVE " + strings.Join(remove, ", ")
	}
	out, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &t.Name,
		Key:                                 item{document.LockName: text(name)},
		UpdateExpression:                    &expression,
		ConditionExpression:                 &c.expression,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failed, isFailed := errors.AsType[*types.ConditionalCheckFailedException](err); isFailed {
		if len(failed.Item) > 0 {
			return recordOf(failed.Item), false, nil
		}
		now, err := t.read(ctx, name) // the answer may have no item
		return now, false, err
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("write the lock %s in table %s: %w", name, t.Name, err)
	}
	return recordOf(out.Attributes), true, nil
}

// read returns the lock as it is. Without an item the state is "".
func (t Table) read(ctx context.Context, name string) (Record, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &t.Name,
		Key:            item{document.LockName: text(name)},
		ConsistentRead: aws.Bool(true), // an older copy would show a dead holder, or a free lock
	})
	if err != nil {
		return Record{}, fmt.Errorf("read the lock %s in table %s: %w", name, t.Name, err)
	}
	return recordOf(out.Item), nil
}
