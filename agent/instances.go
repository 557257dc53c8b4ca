package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// maxFilterValues is how many values a filter of EC2's may have (EC2 User Guide, "List and filter using the CLI and API").
const maxFilterValues = 200

// describeInstances describes the instances that EC2 knows, by id. One is missing when it ended an hour ago, or began just now.
func describeInstances(ctx context.Context, client *ec2.Client, ids []string) (map[string]ec2types.Instance, error) {
	known := map[string]ec2types.Instance{}
	for some := range slices.Chunk(ids, maxFilterValues) {
		pages := ec2.NewDescribeInstancesPaginator(client, &ec2.DescribeInstancesInput{
			Filters: []ec2types.Filter{filter("instance-id", some...)}, // which, unlike InstanceIds, passes over the unknown
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("describe instances: %w", err)
			}
			for _, r := range page.Reservations {
				for _, i := range r.Instances {
					known[aws.ToString(i.InstanceId)] = i
				}
			}
		}
	}
	return known, nil
}

// filter returns a filter of an EC2 call, which passes resources with one of the values.
func filter(name string, values ...string) ec2types.Filter {
	return ec2types.Filter{Name: aws.String(name), Values: values}
}

// stateOf is an instance's state, "" when it is unknown.
func stateOf(i ec2types.Instance) ec2types.InstanceStateName {
	if i.State == nil {
		return ""
	}
	return i.State.Name
}

// stateText is a state for people.
func stateText(state ec2types.InstanceStateName) string {
	if state == "" {
		return "unknown to EC2"
	}
	return string(state)
}

// tagOf is the value of a tag, "" without it.
func tagOf(tags []ec2types.Tag, key string) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

// apiCode is the error code with which AWS refused a call, "" when it did not.
func apiCode(err error) string {
	var refusal smithy.APIError
	if errors.As(err, &refusal) {
		return refusal.ErrorCode()
	}
	return ""
}
