package instances

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// targetHealth returns the load balancers' verdict by instance id. An instance which is in several target groups has
// the first state which is not healthy.
func targetHealth(ctx context.Context, region *cloud.Region, groups []string) (map[string]string, error) {
	health := map[string]string{}
	for _, group := range groups {
		out, err := region.ELB().DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &group})
		if err != nil {
			return nil, fmt.Errorf("ask for the health of the target group %s: %w", group, cloud.Explain(err))
		}
		for _, target := range out.TargetHealthDescriptions {
			id := aws.ToString(target.Target.Id)
			// States are healthy, initial, unhealthy, draining, unused and unavailable, in the words of the API.
			if was, known := health[id]; !known || was == string(types.TargetHealthStateEnumHealthy) {
				health[id] = string(target.TargetHealth.State)
			}
		}
	}
	return health, nil
}
