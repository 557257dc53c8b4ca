package agent

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
)

// targetHealth waits until the load balancer finds this instance healthy in every target group. The auto scaling group
// registers it there.
func targetHealth(ctx context.Context, b *Boot) error {
	waiting := b.Document.TargetGroups
	if len(waiting) == 0 {
		return nil
	}
	return until(ctx, b.Log, func(ctx context.Context) (string, error) {
		var sick, why []string
		for _, group := range waiting {
			if reason := b.healthIn(ctx, group); reason != "" {
				sick, why = append(sick, group), append(why, "target group "+groupName(group)+": "+reason)
			}
		}
		if err := ctx.Err(); err != nil {
			return "", err // the reason of the last wait says more
		}
		// A group in which the instance was healthy once is not asked again: the boot needs no more than that.
		waiting = sick
		return strings.Join(why, "; "), nil
	})
}

// healthIn is why this instance is not healthy in a target group, "" when it is. A call that fails is tried again like any
// other answer.
func (b *Boot) healthIn(ctx context.Context, group string) string {
	out, err := b.AWS.ELB.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{
		TargetGroupArn: &group,
		Targets:        []types.TargetDescription{{Id: &b.Instance.ID}},
	})
	if err != nil {
		return answerOf(err)
	}
	if len(out.TargetHealthDescriptions) == 0 {
		return "this instance is not registered there"
	}
	if target := out.TargetHealthDescriptions[0]; target.TargetHealth.State != types.TargetHealthStateEnumHealthy {
		return reason(target)
	}
	return ""
}

// answerOf is what AWS answered, without the request's id: the same answer again is nothing new.
func answerOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// reason returns a target's state in the load balancer's own words: the state, a code such as
// Target.ResponseCodeMismatch, and the description.
func reason(target types.TargetHealthDescription) string {
	health := target.TargetHealth
	words := []string{string(health.State)}
	if health.Reason != "" {
		words = append(words, string(health.Reason))
	}
	if text := aws.ToString(health.Description); text != "" {
		words = append(words, text)
	}
	if target.Target != nil && target.Target.Port != nil {
		words = append(words, "port "+strconv.Itoa(int(*target.Target.Port)))
	}
	return strings.Join(words, ", ")
}

// groupName is the name in a target group's ARN: …:targetgroup/NAME/ID.
func groupName(arn string) string {
	if parts := strings.Split(arn, "/"); len(parts) == 3 {
		return parts[1]
	}
	return arn
}
