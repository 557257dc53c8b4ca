package access

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
)

// kind describes one of the two tables. An item is a name and a set of strings.
type kind struct {
	table string // document.UsersTable or ServicesTable
	set   string // the attribute that holds the set
}

var (
	users    = kind{document.UsersTable, document.AccessKeys}
	services = kind{document.ServicesTable, document.AccessAdmins}
)

// table reaches the tables of one region.
type table struct {
	client *dynamodb.Client
	orbit  string
	region string
}

// name returns the table's name. The compiler gives the tables these fixed names, so a deleted and redeployed
// orbit finds its users again.
func (t table) name(k kind) *string { return aws.String(document.TableName(t.orbit, k.table)) }

// item returns the primary key of an item.
func item(name string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{document.AccessName: &types.AttributeValueMemberS{Value: name}}
}

// get returns an item's set, and whether there is an item. The read is strongly consistent, because a command often
// follows another one that wrote the item.
func (t table) get(ctx context.Context, k kind, name string) (set []string, found bool, err error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: t.name(k), Key: item(name), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, false, err
	}
	return members(out.Item[k.set]), out.Item != nil, nil
}

// add puts words into an item's set, and creates the item if there is none. It reports whether the set lacked any of
// them.
func (t table) add(ctx context.Context, k kind, name string, words []string) (changed bool, err error) {
	return t.update(ctx, "ADD", k, name, words)
}

// remove takes words out of an item's set. DynamoDB stores no empty set: the attribute goes and the item stays, for
// prune to delete.
func (t table) remove(ctx context.Context, k kind, name string, words []string) (changed bool, err error) {
	if len(words) == 0 {
		return false, nil
	}
	return t.update(ctx, "DELETE", k, name, words)
}

// update changes a set with ADD or DELETE. Both act on the elements which are named and on no others, so no lock is
// needed. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (t table) update(ctx context.Context, verb string, k kind, name string, words []string) (changed bool, err error) {
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 t.name(k),
		Key:                       item(name),
		UpdateExpression:          aws.String(verb + " #set :words"),
		ExpressionAttributeNames:  map[string]string{"#set": k.set},
		ExpressionAttributeValues: map[string]types.AttributeValue{":words": &types.AttributeValueMemberSS{Value: words}},
		ReturnValues:              types.ReturnValueAllOld,
	})
	if err != nil {
		return false, err
	}
	before := members(out.Attributes[k.set])
	for _, word := range words {
		if slices.Contains(before, word) != (verb == "ADD") {
			return true, nil
		}
	}
	return false, nil
}

// delete removes an item together with its set.
func (t table) delete(ctx context.Context, k kind, name string) (changed bool, err error) {
	out, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: t.name(k), Key: item(name),
		ReturnValues: types.ReturnValueAllOld})
	if err != nil {
		return false, err
	}
	return out.Attributes != nil, nil
}

// prune deletes an item whose set is empty. DynamoDB checks the condition at the moment of the deletion, so an item
// that somebody fills at the same time stays.
func (t table) prune(ctx context.Context, k kind, name string) error {
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                t.name(k),
		Key:                      item(name),
		ConditionExpression:      aws.String("attribute_not_exists(#set)"),
		ExpressionAttributeNames: map[string]string{"#set": k.set},
	})
	if _, filled := errors.AsType[*types.ConditionalCheckFailedException](err); filled {
		return nil
	}
	return err
}

// all returns the content of a table as name → sorted set.
func (t table) all(ctx context.Context, k kind) (map[string][]string, error) {
	content := map[string][]string{}
	pages := dynamodb.NewScanPaginator(t.client, &dynamodb.ScanInput{TableName: t.name(k), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if page.Items == nil {
			return nil, cloud.Incomplete("dynamodb:Scan", "no Items")
		}
		for _, found := range page.Items {
			name, ok := found[document.AccessName].(*types.AttributeValueMemberS)
			if !ok {
				continue
			}
			set := members(found[k.set])
			slices.Sort(set)
			content[name.Value] = set
		}
	}
	return content, nil
}

// members returns the strings of a string set, nil for an absent attribute.
func members(value types.AttributeValue) []string {
	set, ok := value.(*types.AttributeValueMemberSS)
	if !ok {
		return nil
	}
	return set.Value
}
