package compiler

import (
	"strconv"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
)

// loadBalancer is the app's ALB or NLB. Its kind and scheme cannot change in place, so they are part of the logical ids.
// A target group belongs to one balancer, so a new balancer gets new target groups beside the old ones during an update.
type loadBalancer struct {
	*part
	balancer  *cfn.LoadBalancer // nil: the instances listen themselves
	targets   []*cfn.TargetGroup
	listeners []cfn.Resource
	groupOf   map[target]*cfn.TargetGroup
}

// balancer makes the load balancer with its listeners and target groups, when the app has one.
func balancer(a appContext, b balancing, g groups, c certificates) loadBalancer {
	lb := loadBalancer{part: &part{}}
	if b.kind == noBalancer {
		return lb
	}
	lb.balancer = lb.make(a, b, g)
	lb.groupOf = lb.makeTargets(a, b)
	for _, route := range b.routes {
		lb.listen(a, route, lb.groupOf[route.target], c)
	}
	lb.waitFor = lb.listeners // a target group without a listener never gets healthy
	lb.Output(document.OutputBalancer, cfn.Output{Description: "The load balancer's own name.", Value: lb.balancer.DNSName()})
	lb.statements = []cfn.Statement{
		// ELB knows no resources for its Describe calls.
		cfn.Allow([]string{"elasticloadbalancing:DescribeTargetHealth"}, cfn.String("*")),
	}
	arns := refs(lb.targets)
	lb.document = func(d *document.Document[cfn.Value]) { d.TargetGroups = arns }
	return lb
}

// make creates the balancer. Its security group is set from the start: an NLB created without one can never get one (ELB
// User Guide, "Security groups for your Network Load Balancer").
func (lb loadBalancer) make(a appContext, b balancing, g groups) *cfn.LoadBalancer {
	scheme, subnets := "internet-facing", publicBalancer
	if a.region.ELBAvailability == schema.Private {
		scheme, subnets = "internal", privateBalancer
	}
	addresses := "ipv4"
	if b.dualStack {
		addresses = "dualstack"
	}
	return add(lb.part, a.region.At("elb_availability"), balancerID(a, b.kind), &cfn.LoadBalancer{
		Type_:                  string(b.kind),
		Scheme:                 scheme,
		IpAddressType:          addresses,
		Subnets:                a.net.subnets(lb.part, subnets),
		SecurityGroups:         []cfn.Value{g.balancer.GroupId()},
		LoadBalancerAttributes: balancerAttributes(a, b.kind),
		Tags:                   a.nameTag(),
	})
}

// balancerID is PublicBalancer, PrivateBalancer, PublicNetworkBalancer or PrivateNetworkBalancer.
func balancerID(a appContext, kind balancerKind) string {
	if kind == networkBalancer {
		return a.balancerScheme() + "NetworkBalancer"
	}
	return a.balancerScheme() + "Balancer"
}

// balancerScheme is the first word of the ids of what belongs to a balancer.
func (a appContext) balancerScheme() string {
	if a.region.ELBAvailability == schema.Private {
		return "Private"
	}
	return "Public"
}

// balancerAttributes are settings with an unsuitable default, and settings which a reviewer expects to see. Deletion
// protection is off, because it would make deleting the stack fail. The stack's termination protection guards both.
func balancerAttributes(a appContext, kind balancerKind) []cfn.LoadBalancerAttribute {
	if kind == networkBalancer {
		return []cfn.LoadBalancerAttribute{
			{Key: "deletion_protection.enabled", Value: "false"},
			{Key: "load_balancing.cross_zone.enabled", Value: "true"}, // as the classic balancer did
		}
	}
	return []cfn.LoadBalancerAttribute{
		{Key: "deletion_protection.enabled", Value: "false"},
		{Key: "idle_timeout.timeout_seconds", Value: strconv.Itoa(a.region.IdleTimeout)},
		{Key: "routing.http.desync_mitigation_mode", Value: "defensive"},
		{Key: "routing.http.drop_invalid_header_fields.enabled", Value: strconv.FormatBool(!a.region.PassInvalidHeaders)},
		{Key: "routing.http2.enabled", Value: "true"},
	}
}
