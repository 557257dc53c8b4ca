package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// adopter decides whose the tables are that a change set imports.
type adopter struct{ planner }

// dangersOf returns a danger for each table which the change set imports and which is not this orbit's. CloudFormation imports any
// table of the name that is in no stack, and does not look at its tags or keys ("Import AWS resources into a CloudFormation stack
// automatically", User Guide). The orbit's tables decide who may log in as root, so whoever can write a foreign one could.
func (p adopter) dangersOf(ctx context.Context, changes []Change) ([]Danger, error) {
	var out []Danger
	var whole *live.Template // read when there is a table to look at
	for _, c := range changes {
		if c.Action != string(types.ChangeActionImport) || c.Type != "AWS::DynamoDB::Table" {
			continue
		}
		if whole == nil {
			var err error
			if whole, err = p.template.whole(); err != nil {
				return nil, err
			}
		}
		table := whole.Resources[c.LogicalID]
		if wrong := p.foreignTable(ctx, table); wrong != "" {
			out = append(out, p.danger(c.LogicalID, describeResource(c.Type, c.LogicalID, tableName(table))+
				" exists already, and is adopted with all it holds although "+wrong+"; everybody who can write it may give rights to "+
				"log in"))
		}
	}
	return out, nil
}

// tableName returns the name in the template. CloudFormation imports by a literal name only.
func tableName(table live.TemplateResource) string {
	name, _ := table.Properties["TableName"].(string)
	return name
}

// foreignTable says what tells a table from this orbit's, "" for nothing. A table that cannot be read is not known to be ours.
func (p adopter) foreignTable(ctx context.Context, wanted live.TemplateResource) string {
	client, name := p.cloud.Region(p.spec.Region).DynamoDB(), tableName(wanted)
	described, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err == nil && (described.Table == nil || aws.ToString(described.Table.TableName) != name) {
		err = cloud.Incomplete("dynamodb:DescribeTable", "no Table of the name "+name)
	}
	if err != nil {
		return fmt.Sprintf("it cannot be read (%v)", cloud.Explain(err))
	}
	var keys []string
	for _, k := range described.Table.KeySchema {
		keys = append(keys, fmt.Sprintf("%s %s", aws.ToString(k.AttributeName), k.KeyType))
	}
	if want := keySchema(wanted.Properties["KeySchema"]); !slices.Equal(keys, want) {
		return fmt.Sprintf("its keys are %s, and not %s", strings.Join(keys, ", "), strings.Join(want, ", "))
	}
	pages := &dynamodb.ListTagsOfResourceInput{ResourceArn: described.Table.TableArn}
	for {
		tags, err := client.ListTagsOfResource(ctx, pages)
		if err != nil {
			return fmt.Sprintf("its tags cannot be read (%v)", cloud.Explain(err))
		}
		for _, tag := range tags.Tags {
			if aws.ToString(tag.Key) != document.TagOrbit {
				continue
			}
			if orbit := aws.ToString(tag.Value); orbit != p.orbit {
				return fmt.Sprintf("its tag %s is %q", document.TagOrbit, orbit)
			}
			return ""
		}
		if pages.NextToken = tags.NextToken; pages.NextToken == nil {
			return "it has no tag " + document.TagOrbit
		}
	}
}

// keySchema returns the keys of a table in a template, as "name HASH".
func keySchema(v any) []string {
	list, _ := v.([]any)
	var keys []string
	for _, each := range list {
		key, _ := each.(map[string]any)
		keys = append(keys, fmt.Sprintf("%v %v", key["AttributeName"], key["KeyType"]))
	}
	return keys
}
