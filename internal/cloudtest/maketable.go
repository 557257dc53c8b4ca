package cloudtest

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// MakeTable makes a DynamoDB table that is billed by request, as the tables stack does. The keys are the partition key, and for some
// tables the sort key. A key is a string, or with ":N" behind its name a number.
func MakeTable(t testing.TB, client *dynamodb.Client, name string, keys ...string) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		key, isNumber := strings.CutSuffix(key, ":N")
		kind, role := types.ScalarAttributeTypeS, types.KeyTypeHash
		if isNumber {
			kind = types.ScalarAttributeTypeN
		}
		if i > 0 {
			role = types.KeyTypeRange
		}
		attribute := types.AttributeDefinition{AttributeName: aws.String(key), AttributeType: kind}
		in.AttributeDefinitions = append(in.AttributeDefinitions, attribute)
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(key), KeyType: role})
	}
	if _, err := client.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}
