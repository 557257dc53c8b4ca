package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// linked are the service-linked roles that every app needs, with the services that use them. AWS makes them at the first use, if
// the caller has iam:CreateServiceLinkedRole.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
var linked = []struct{ role, service string }{
	{"AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com"},
	{"AWSServiceRoleForElasticLoadBalancing", "elasticloadbalancing.amazonaws.com"},
}

// roles looks for the service-linked roles.
func roles(ctx context.Context, c *cloud.Cloud) []Finding {
	var findings []Finding
	for _, l := range linked {
		f := Finding{Check: "service-linked role", State: OK, Found: l.role}
		_, err := c.Default().IAM().GetRole(ctx, &iam.GetRoleInput{RoleName: &l.role})
		if _, absent := errors.AsType[*types.NoSuchEntityException](err); absent {
			f.State, f.Found = Warning, l.role+" does not exist yet"
			f.Fix = fmt.Sprintf("AWS makes it at the first use, for which deploy needs iam:CreateServiceLinkedRole; or make it now: "+
				"aws iam create-service-linked-role --aws-service-name %s", l.service)
		} else if err != nil {
			f = unread("service-linked role", "", err)
		}
		findings = append(findings, f)
	}
	return findings
}
