package compiler

import (
	"strconv"

	"github.com/pebble/spacel/compiler/cfn"
)

// makeTargets makes a target group for each target.
func (lb *loadBalancer) makeTargets(a appContext, b balancing) map[target]*cfn.TargetGroup {
	made := map[target]*cfn.TargetGroup{}
	for _, t := range b.targets {
		group := targetGroup(a, b, t)
		group.VpcId = a.net.vpcID(lb.part)
		// The id holds protocol and port. A changed port thus makes a new group beside the old one, instead of a replacement under
		// the same id.
		made[t] = add(lb.part, b.origin(t), a.balancerScheme()+"Targets"+t.id(), group)
		lb.targets = append(lb.targets, group)
	}
	return made
}

// id is the protocol and port, such as HTTP80: everything of a target group that cannot change in place.
func (t target) id() string { return t.protocol + strconv.Itoa(t.port) }

// targetGroup has the app's one health check, on the same port for all groups: an instance is healthy as a whole.
func targetGroup(a appContext, b balancing, t target) *cfn.TargetGroup {
	group := &cfn.TargetGroup{
		TargetType:                 "instance",
		Protocol:                   t.protocol,
		Port:                       t.port,
		HealthCheckProtocol:        b.check.protocol,
		HealthCheckPort:            strconv.Itoa(b.check.port),
		HealthCheckPath:            b.check.path,
		HealthCheckIntervalSeconds: a.region.HealthCheck.Interval,
		HealthCheckTimeoutSeconds:  a.region.HealthCheck.Timeout,
		HealthyThresholdCount:      a.region.HealthCheck.Healthy,
		UnhealthyThresholdCount:    a.region.HealthCheck.Unhealthy,
		TargetGroupAttributes: []cfn.LoadBalancerAttribute{
			{Key: "deregistration_delay.timeout_seconds", Value: strconv.Itoa(a.region.DeregistrationDelay)},
		},
		Tags: a.nameTag(),
	}
	if b.check.codes != "" {
		group.Matcher = &cfn.Matcher{HttpCode: b.check.codes}
	}
	if b.kind == application { // as the classic balancer did
		group.TargetGroupAttributes = append(group.TargetGroupAttributes,
			cfn.LoadBalancerAttribute{Key: "load_balancing.algorithm.type", Value: "least_outstanding_requests"})
	}
	return group
}
