package cloudtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Item is an item of a table, with the values in DynamoDB's own form: {"id": {"S": "7"}}.
type Item map[string]map[string]any

// ItemsOf returns a table's items in the order of their keys.
func ItemsOf(c *CloudFormation, region, table string) []Item {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.engine.items[region+"/"+table])
}

// SetItems replaces a table's items, as somebody with rights on the table could.
func SetItems(c *CloudFormation, region, table string, items []Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.setItems(region+"/"+table, items)
}

// setItems keeps the items of a table.
func (e *engine) setItems(table string, items []Item) {
	if e.items == nil {
		e.items = map[string][]Item{}
	}
	e.items[table] = items
}

// itemCalls answers calls about the items of tables whose keys are two strings. The tables are resources of stacks, or retained.
type itemCalls struct{ *CloudFormation }

// itemTables matches the tables whose items this account keeps. Items of others are at the server of Forward.
var itemTables = regexp.MustCompile(`-releases$`)

// itemCall is a call about items. Unused fields stay empty.
type itemCall struct {
	TableName                           string
	Item, Key, ExclusiveStartKey        Item
	ConditionExpression                 string
	KeyConditionExpression              string
	ProjectionExpression                string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]map[string]any
	ReturnValuesOnConditionCheckFailure string
	ScanIndexForward                    *bool
	Limit                               int
	RequestItems                        map[string][]struct{ PutRequest *struct{ Item Item } }

	wanted     []Item // the keys of a BatchGetItem
	hash, sort string // names of the key attributes
}

// itemOperations are the operations with their answers. Items are the table's, in the order of their keys. An operation returns the
// items of the table afterwards.
var itemOperations = map[string]func(in *itemCall, items []Item) (answer any, after []Item, err error){
	"BatchGetItem": (*itemCall).batchGet,
	"DeleteItem":   (*itemCall).delete,
	"GetItem":      (*itemCall).get,
	"PutItem":      (*itemCall).put,
	"Query":        (*itemCall).query,
}

// itemRefusal is an error in the form of DynamoDB's protocol.
type itemRefusal struct {
	code, message string
	item          Item
}

// Error returns code and message.
func (r *itemRefusal) Error() string { return r.code + ": " + r.message }

// itemInvalid returns the error for a call that DynamoDB does not take.
func itemInvalid(format string, args ...any) error {
	return &itemRefusal{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// serve answers a call about items of a table, false if the call is about another table or something else.
func (c itemCalls) serve(w http.ResponseWriter, r *http.Request, region string) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	target := r.Header.Get("X-Amz-Target")
	operation := target[strings.LastIndex(target, ".")+1:]
	var in itemCall
	switch {
	case err != nil:
	case operation == "BatchGetItem":
		err = in.readBatchGet(body)
	default:
		err = json.Unmarshal(body, &in)
	}
	for name := range in.RequestItems {
		in.TableName = name
	}
	run, ok := itemOperations[operation]
	if operation == "BatchWriteItem" {
		run, ok = (*itemCall).batch, true
	}
	if err != nil || !ok || !itemTables.MatchString(in.TableName) {
		return false
	}
	c.count("dynamodb", operation)
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if !c.findKeys(&in, region) {
		noTable(w)
		return true
	}
	key := region + "/" + in.TableName
	answer, after, err := run(&in, slices.Clone(c.engine.items[key]))
	if err != nil {
		refused := err.(*itemRefusal)
		w.WriteHeader(http.StatusBadRequest)
		said := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + refused.code, "message": refused.message}
		if refused.item != nil {
			said["Item"] = refused.item
		}
		_ = json.NewEncoder(w).Encode(said)
		return true
	}
	// A refused call changes nothing: the operation worked on a copy of the list.
	c.engine.setItems(key, after)
	_ = json.NewEncoder(w).Encode(answer)
	return true
}

// findKeys finds the table and the names of its keys, false if there is no such table. A table is usable when its resource is
// complete. Items of a deleted table are gone with it.
func (c itemCalls) findKeys(in *itemCall, region string) bool {
	c.engine.advance(time.Now())
	for _, s := range c.engine.stacks {
		if s.region != region || !s.deleted.IsZero() {
			continue
		}
		for _, r := range s.resources {
			if r.Type == "AWS::DynamoDB::Table" && r.Physical == in.TableName && r.exists() {
				return in.keys(tableOf(r))
			}
		}
	}
	if t, ok := c.engine.tables[region+"/"+in.TableName]; ok && in.keys(t) {
		return true
	}
	delete(c.engine.items, region+"/"+in.TableName)
	return false
}

// keys takes the names of a table's keys. Only tables with two keys are kept here.
func (in *itemCall) keys(t table) bool {
	for _, k := range t.keys {
		if k.KeyType == "HASH" {
			in.hash = k.AttributeName
		} else {
			in.sort = k.AttributeName
		}
	}
	return in.hash != "" && in.sort != ""
}

// order compares two items by hash key, then by the bytes of the sort key (Developer Guide, "Query": strings are in order of UTF-8 bytes).
func (in *itemCall) order(a, b Item) int {
	if c := strings.Compare(stringOf(a[in.hash]), stringOf(b[in.hash])); c != 0 {
		return c
	}
	return strings.Compare(stringOf(a[in.sort]), stringOf(b[in.sort]))
}

// stringOf returns a string attribute, "" for one of another type.
func stringOf(v map[string]any) string {
	s, _ := v["S"].(string)
	return s
}

// A table has at most a few hundred items in a test, so one sorted list is enough for all of its partitions.

// find returns the place of a key among the items, and whether it is there.
func (in *itemCall) find(items []Item, key Item) (int, bool) {
	return slices.BinarySearchFunc(items, key, in.order)
}

// readBatchGet reads a BatchGetItem, whose RequestItems has another form than that of the other calls. The products ask for one
// table at a time.
func (in *itemCall) readBatchGet(body []byte) error {
	var asked struct {
		RequestItems map[string]struct{ Keys []Item }
	}
	err := json.Unmarshal(body, &asked)
	for table, of := range asked.RequestItems {
		in.TableName, in.wanted = table, of.Keys
	}
	return err
}

// batchGet answers a BatchGetItem. Keys without an item are left out of the answer, and at most 100 may be asked for
// (DynamoDB API Reference, BatchGetItem).
func (in *itemCall) batchGet(items []Item) (any, []Item, error) {
	if len(in.wanted) > 100 {
		return nil, nil, itemInvalid("Too many items requested for the BatchGetItem call")
	}
	found := []Item{}
	for _, key := range in.wanted {
		if i, ok := in.find(items, key); ok {
			found = append(found, items[i])
		}
	}
	return map[string]any{"Responses": map[string]any{in.TableName: found}, "UnprocessedKeys": map[string]any{}}, items, nil
}

// get answers GetItem: an absent item is an answer without Item.
func (in *itemCall) get(items []Item) (any, []Item, error) {
	if i, ok := in.find(items, in.Key); ok {
		return map[string]any{"Item": items[i]}, items, nil
	}
	return map[string]any{}, items, nil
}

// delete answers DeleteItem, which succeeds without an item, too.
func (in *itemCall) delete(items []Item) (any, []Item, error) {
	i, ok := in.find(items, in.Key)
	if err := in.condition(items, i, ok); err != nil {
		return nil, nil, err
	}
	if ok {
		items = slices.Delete(items, i, i+1)
	}
	return map[string]any{}, items, nil
}

// maxItem is DynamoDB's limit for an item: 400 KB of names and values (Developer Guide, "Quotas").
const maxItem = 400 << 10

// put answers PutItem.
func (in *itemCall) put(items []Item) (any, []Item, error) {
	if stringOf(in.Item[in.hash]) == "" || stringOf(in.Item[in.sort]) == "" {
		return nil, nil, itemInvalid("One or more parameter values were invalid: Missing the key %s in the item", in.hash)
	}
	if size := len(compact(in.Item)); size > maxItem {
		return nil, nil, itemInvalid("Item size has exceeded the maximum allowed size")
	}
	i, ok := in.find(items, in.Item)
	if err := in.condition(items, i, ok); err != nil {
		return nil, nil, err
	}
	if ok {
		items[i] = in.Item
		return map[string]any{}, items, nil
	}
	return map[string]any{}, slices.Insert(items, i, in.Item), nil
}

// batch answers BatchWriteItem with puts: 25 at most, without conditions (API Reference, BatchWriteItem).
func (in *itemCall) batch(items []Item) (any, []Item, error) {
	for _, requests := range in.RequestItems {
		if len(requests) > 25 {
			return nil, nil, itemInvalid("Too many items requested for the BatchWriteItem call")
		}
		for _, request := range requests {
			in.Item = request.PutRequest.Item
			_, after, err := in.put(items)
			if err != nil {
				return nil, nil, err
			}
			items = after
		}
	}
	return map[string]any{"UnprocessedItems": map[string]any{}}, items, nil
}

// maxPage is the size after which Query ends a page (API Reference, Query).
const maxPage = 1 << 20

// query answers Query: the items of one hash key, perhaps below a sort key, in either order, with paging.
func (in *itemCall) query(items []Item) (any, []Item, error) {
	first, second, _ := strings.Cut(in.KeyConditionExpression, " AND ")
	left, right, ok := strings.Cut(first, " = ")
	if !ok || in.name(left) != in.hash {
		return nil, nil, itemInvalid("Query condition missed key schema element: %s", in.hash)
	}
	found := slices.DeleteFunc(slices.Clone(items), func(i Item) bool {
		return stringOf(i[in.hash]) != stringOf(in.ExpressionAttributeValues[right])
	})
	if left, right, ok := strings.Cut(second, " < "); ok && in.name(left) == in.sort {
		found = slices.DeleteFunc(found, func(i Item) bool { return stringOf(i[in.sort]) >= stringOf(in.ExpressionAttributeValues[right]) })
	} else if second != "" {
		return nil, nil, itemInvalid("Invalid KeyConditionExpression: this model does not know %q", second)
	}
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		slices.Reverse(found)
	}
	if in.ExclusiveStartKey != nil {
		after := slices.IndexFunc(found, func(i Item) bool { return in.order(i, in.ExclusiveStartKey) == 0 })
		found = found[after+1:]
	}
	// Limit counts the items read. An answer with as many has a key to go on from, also when nothing follows (API Reference,
	// Query), so a caller must be ready for an empty last page.
	page, size := []Item{}, 0
	for _, each := range found {
		if size += len(compact(each)); size > maxPage || in.Limit > 0 && len(page) == in.Limit {
			break
		}
		page = append(page, each)
	}
	answer := map[string]any{"Count": len(page), "ScannedCount": len(page)}
	if n := len(page); n > 0 && n < len(found) || in.Limit > 0 && n == in.Limit {
		answer["LastEvaluatedKey"] = Item{in.hash: page[n-1][in.hash], in.sort: page[n-1][in.sort]}
	}
	answer["Items"] = in.projected(page)
	return answer, items, nil
}

// projected keeps the attributes of ProjectionExpression, all without one.
func (in *itemCall) projected(items []Item) []Item {
	if in.ProjectionExpression == "" {
		return items
	}
	out := []Item{}
	for _, each := range items {
		some := Item{}
		for _, name := range strings.Split(in.ProjectionExpression, ",") {
			if v, ok := each[in.name(strings.TrimSpace(name))]; ok {
				some[in.name(strings.TrimSpace(name))] = v
			}
		}
		out = append(out, some)
	}
	return out
}

// name returns the attribute's name for a #placeholder.
func (in *itemCall) name(word string) string {
	if name, ok := in.ExpressionAttributeNames[word]; ok {
		return name
	}
	return word
}

var (
	notExists = regexp.MustCompile(`^attribute_not_exists\((\S+)\)$`)
	exists    = regexp.MustCompile(`^attribute_exists\((\S+)\)$`)
	equals    = regexp.MustCompile(`^(\S+) = (\S+)$`)
)

// condition checks the parts of ConditionExpression between AND against the item as it is. Other forms than these three are not known
// here, and refused.
func (in *itemCall) condition(items []Item, i int, found bool) error {
	was := Item{}
	if found {
		was = items[i]
	}
	if in.ConditionExpression == "" {
		return nil
	}
	for _, part := range strings.Split(in.ConditionExpression, " AND ") {
		var holds bool
		if m := notExists.FindStringSubmatch(part); m != nil {
			holds = was[in.name(m[1])] == nil
		} else if m := exists.FindStringSubmatch(part); m != nil {
			holds = was[in.name(m[1])] != nil
		} else if m := equals.FindStringSubmatch(part); m != nil {
			holds = was[in.name(m[1])] != nil && maps.Equal(was[in.name(m[1])], in.ExpressionAttributeValues[m[2]])
		} else {
			return itemInvalid("Invalid ConditionExpression: this model does not know %q", part)
		}
		if !holds {
			refused := &itemRefusal{code: "ConditionalCheckFailedException", message: "The conditional request failed"}
			if found && in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
				refused.item = was
			}
			return refused
		}
	}
	return nil
}
