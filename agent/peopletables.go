package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
)

// batch is how many items a BatchGetItem may ask for (DynamoDB API, BatchGetItem).
const batch = 100

// item is an item of a table.
type item = map[string]types.AttributeValue

// admins are the names of those who may log in, as the table of services says now.
func (p *People) admins(ctx context.Context) ([]string, error) {
	services, err := p.services(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, service := range services {
		for _, name := range set(service, document.AccessAdmins) {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// services reads the items that decide who may log in here. A bastion reads all services. Other instances read the app's
// own and the operators': their IAM rights allow no other items.
func (p *People) services(ctx context.Context) ([]item, error) {
	if p.Access.Bastion {
		return p.scan(ctx, document.ServicesTable)
	}
	return p.items(ctx, document.ServicesTable, []string{p.Access.App, document.Operators})
}

// keys returns the public keys of people, as written in the table. A person without keys has an empty list. A person
// unknown to the table has no entry.
func (p *People) keys(ctx context.Context, names []string) (map[string][]string, error) {
	users, err := p.items(ctx, document.UsersTable, names)
	if err != nil {
		return nil, err
	}
	keys := map[string][]string{}
	for _, user := range users {
		if name, ok := user[document.AccessName].(*types.AttributeValueMemberS); ok {
			keys[name.Value] = set(user, document.AccessKeys)
		}
	}
	return keys, nil
}

// items reads those of the named items that there are. What DynamoDB leaves out of an answer is asked for again; an answer
// without any item is an error, which the client itself waits for and repeats.
func (p *People) items(ctx context.Context, table string, names []string) ([]item, error) {
	table = document.TableName(p.Access.Orbit, table)
	var items []item
	for chunk := range slices.Chunk(names, batch) {
		asked := map[string]types.KeysAndAttributes{table: {ConsistentRead: aws.Bool(true), Keys: keysOf(chunk)}}
		for len(asked) > 0 {
			out, err := p.Tables.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: asked})
			if err != nil {
				return nil, fmt.Errorf("read the table %s: %w", table, err)
			}
			items = append(items, out.Responses[table]...)
			asked = out.UnprocessedKeys
		}
	}
	return items, nil
}

// keysOf returns the primary keys of items, by name.
func keysOf(names []string) []item {
	var keys []item
	for _, name := range names {
		keys = append(keys, item{document.AccessName: &types.AttributeValueMemberS{Value: name}})
	}
	return keys
}

// scan reads a whole table, a page at a time.
func (p *People) scan(ctx context.Context, table string) ([]item, error) {
	table = document.TableName(p.Access.Orbit, table)
	var items []item
	pages := dynamodb.NewScanPaginator(p.Tables, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the table %s: %w", table, err)
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// set is a set of strings in an item, in order; none is an empty list.
func set(i item, name string) []string {
	values, ok := i[name].(*types.AttributeValueMemberSS)
	if !ok {
		return []string{}
	}
	return slices.Sorted(slices.Values(values.Value))
}
