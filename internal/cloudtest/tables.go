package cloudtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// table is a DynamoDB table of no stack. A table left behind by a stack keeps the tags that CloudFormation gave it.
type table struct {
	tags map[string]string
	keys []tableKey
}

// tableKey is a key in a table's KeySchema.
type tableKey struct{ AttributeName, KeyType string }

// RetainTable puts a table of no stack into the account, with tags, and a hash key ("" for none).
func RetainTable(c *CloudFormation, region, name string, tags map[string]string, key string) {
	c.Retain(region, "AWS::DynamoDB::Table", name)
	t := table{tags: tags}
	if key != "" {
		t.keys = []tableKey{{key, "HASH"}}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.keepTable(region, name, t)
}

// keepTable remembers a table without a stack.
func (e *engine) keepTable(region, name string, t table) {
	if e.tables == nil {
		e.tables = map[string]table{}
	}
	e.tables[region+"/"+name] = t
}

// tableOf returns a resource as a table without a stack.
func tableOf(r *resource) table {
	t := table{tags: r.Tags}
	list, _ := r.Properties["KeySchema"].([]any)
	for _, each := range list {
		key, _ := each.(map[string]any)
		t.keys = append(t.keys, tableKey{fmt.Sprint(key["AttributeName"]), fmt.Sprint(key["KeyType"])})
	}
	return t
}

// tableCalls answers DescribeTable and ListTagsOfResource for tables that belong to no stack.
type tableCalls struct{ *CloudFormation }

// serve answers a call about such a table. Others go to the server of Forward.
func (c tableCalls) serve(w http.ResponseWriter, r *http.Request, region string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	target := r.Header.Get("X-Amz-Target")
	operation := target[strings.LastIndex(target, ".")+1:]
	var in struct{ TableName, ResourceArn string }
	_ = json.Unmarshal(body, &in) // a call without these fields is about no such table
	name := in.TableName + in.ResourceArn[strings.LastIndex(in.ResourceArn, "/")+1:]
	c.mu.Lock()
	found, ok := c.engine.tables[region+"/"+name]
	c.mu.Unlock()
	var answer map[string]any
	switch {
	case ok && operation == "DescribeTable":
		answer = map[string]any{"Table": map[string]any{"TableName": name, "KeySchema": found.keys, "TableStatus": "ACTIVE",
			"TableArn": fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, c.engine.account, name)}}
	case ok && operation == "ListTagsOfResource":
		tags := []map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(found.tags)) {
			tags = append(tags, map[string]string{"Key": key, "Value": found.tags[key]})
		}
		answer = map[string]any{"Tags": tags}
	default:
		c.forwardCall(w, r, "dynamodb")
		return
	}
	c.count("dynamodb", operation)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(answer)
}
