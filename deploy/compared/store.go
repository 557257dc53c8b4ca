package compared

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
)

// partition is the partition of the items in the orbit's table of releases, so that one Query reads them. The sort key of an item is the
// stack's name. Records of releases and of temporary changes have partitions with other names.
const partition = "compared stacks"

// Attributes of an item, beside the key's two in the document package.
const (
	attrBody = "compared" // the item in JSON
	attrMAC  = "mac"      // see signature.go
)

// mostInWrite is the greatest number of items in one BatchWriteItem (API Reference, BatchWriteItem).
const mostInWrite = 25

// store reads and writes the items of one region.
type store struct {
	region *cloud.Region
	table  string
	signer *signer
}

// openStore derives the key. It is one call.
func openStore(ctx context.Context, region *cloud.Region, orbit string) (*store, error) {
	signer, err := newSigner(ctx, region, orbit)
	if err != nil {
		return nil, err
	}
	return &store{region, document.TableName(orbit, document.ReleasesTable), signer}, nil
}

// read returns the trusted items by the stack's name, and the names of all items. It is one Query for each megabyte.
func (s *store) read(ctx context.Context) (items map[string]Item, names map[string]bool, err error) {
	items, names = map[string]Item{}, map[string]bool{}
	pages := dynamodb.NewQueryPaginator(s.region.DynamoDB(), &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    aws.String("#kind = :kind"),
		ExpressionAttributeNames:  map[string]string{"#kind": document.ReleaseKind},
		ExpressionAttributeValues: map[string]types.AttributeValue{":kind": &types.AttributeValueMemberS{Value: partition}},
	})
	// An older copy of the table has older items, which prove nothing any more. So the cheaper read is enough, which is not consistent.
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err == nil && page.Items == nil {
			err = cloud.Incomplete("dynamodb:Query", "no Items")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read compared stacks from the table %s in %s: %w", s.table, s.region.Name, cloud.Explain(err))
		}
		for _, raw := range page.Items {
			name := textOf(raw, document.ReleaseID)
			names[name] = true
			if item, ok := s.decode(name, raw); ok {
				items[name] = item
			}
		}
	}
	return items, names, nil
}

// decode returns the item of a stack, false for one that spacel did not write there.
func (s *store) decode(name string, raw map[string]types.AttributeValue) (item Item, ok bool) {
	body := textOf(raw, attrBody)
	mac, _ := raw[attrMAC].(*types.AttributeValueMemberB)
	if mac == nil || !s.signer.trusts(name, body, mac.Value) {
		return Item{}, false
	}
	err := json.Unmarshal([]byte(body), &item)
	return item, err == nil && item.Format == Format && item.Stack == name
}

// textOf returns a text attribute, "" if it is absent or of another type.
func textOf(raw map[string]types.AttributeValue, name string) string {
	if v, ok := raw[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// write signs and writes items. Two runs may write the item of one stack: either says a true fact, so the last one may stay.
func (s *store) write(ctx context.Context, items []Item) error {
	var requests []types.WriteRequest
	for _, item := range items {
		body, err := json.Marshal(item)
		if err != nil {
			return err
		}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
			document.ReleaseKind: &types.AttributeValueMemberS{Value: partition},
			document.ReleaseID:   &types.AttributeValueMemberS{Value: item.Stack},
			attrBody:             &types.AttributeValueMemberS{Value: string(body)},
			attrMAC:              &types.AttributeValueMemberB{Value: s.signer.sign(item.Stack, string(body))},
		}}})
	}
	for some := range slices.Chunk(requests, mostInWrite) {
		if err := s.writeSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// writeTries is how often items are sent that DynamoDB did not take, which it does not count as an error.
const writeTries = 4

// errTooFast means that DynamoDB took a part of the items only.
var errTooFast = errors.New("DynamoDB did not take all items: the table's throughput is exceeded")

// writeSome writes up to mostInWrite items.
func (s *store) writeSome(ctx context.Context, requests []types.WriteRequest) error {
	for range writeTries {
		out, err := s.region.DynamoDB().BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: requests},
		})
		if err != nil {
			return fmt.Errorf("write compared stacks to the table %s in %s: %w", s.table, s.region.Name, cloud.Explain(err))
		}
		if requests = out.UnprocessedItems[s.table]; len(requests) == 0 {
			return nil
		}
		if err := cloud.Pause(ctx, writePause); err != nil {
			return err
		}
	}
	return errTooFast
}
