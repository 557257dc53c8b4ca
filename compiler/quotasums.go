package compiler

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// quota is AWS's default for a kind of resource. A stack cannot tell that it is one too many: only all stacks of a build can.
type quota struct {
	kind    string // the type of resource, or stackKind
	name    string // several of it, in the words of AWS's console
	allowed int    // by default
	most    int    // AWS raises it to this at most, 0 for an unstated limit
	global  bool   // counted in the account, else in each region of it
	count   func(cfn.Resource) int
}

// stackKind stands for the stacks themselves.
const stackKind = "stack"

// quotas are AWS's defaults, each with its source. AWS raises all of them on request.
var quotas = []quota{
	// AWS General Reference, "AWS Identity and Access Management endpoints and quotas".
	{kind: "AWS::IAM::Role", name: "IAM roles", allowed: 1000, most: 5000, global: true},
	// Elastic Load Balancing, "Quotas for your Application Load Balancers" and "… Network Load Balancers": 50 of each in a region,
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html
	{kind: "AWS::ElasticLoadBalancingV2::LoadBalancer", name: "application load balancers", allowed: 50, count: balancers("application")},
	{kind: "AWS::ElasticLoadBalancingV2::LoadBalancer", name: "network load balancers", allowed: 50, count: balancers("network")},
	// Amazon RDS User Guide, "Quotas and constraints for Amazon RDS".
	{kind: "AWS::RDS::DBInstance", name: "DB instances", allowed: 40},
	{kind: "AWS::RDS::DBCluster", name: "DB clusters", allowed: 40},
	{kind: "AWS::RDS::DBSubnetGroup", name: "DB subnet groups", allowed: 50},
	// Service Quotas, ElastiCache, "Nodes per Region" (L-DFE45DF3): of nodes, whatever the number of caches. AWS General Reference,
	// https://docs.aws.amazon.com/general/latest/gr/elasticache-service.html
	{kind: "AWS::ElastiCache::ReplicationGroup", name: "cache nodes", allowed: 300, count: cacheNodes},
	// Amazon EC2 Auto Scaling User Guide, "Quotas for Auto Scaling resources and groups".
	{kind: "AWS::AutoScaling::AutoScalingGroup", name: "Auto Scaling groups", allowed: 500},
	// Amazon VPC User Guide, "Amazon VPC quotas".
	{kind: "AWS::EC2::SecurityGroup", name: "security groups", allowed: 2500},
	// EC2 User Guide, "Elastic IP addresses".
	{kind: "AWS::EC2::EIP", name: "elastic addresses", allowed: maxElasticAddresses},
	// Service Quotas, CloudFormation, "Stack count" (L-0485CB21). AWS General Reference,
	// https://docs.aws.amazon.com/general/latest/gr/cfn.html; the user guide that AWS archived in 2023 still has the 200 of before.
	{kind: stackKind, name: "CloudFormation stacks", allowed: 2000},
}

// balancers counts the load balancers of a type.
func balancers(kind string) func(cfn.Resource) int {
	return func(r cfn.Resource) int {
		if b, ok := r.(*cfn.LoadBalancer); ok && b.Type_ == kind {
			return 1
		}
		return 0
	}
}

// cacheNodes counts the nodes of a cache.
func cacheNodes(r cfn.Resource) int {
	if g, ok := r.(*cfn.ReplicationGroup); ok {
		return g.NumCacheClusters
	}
	return 0
}

// usage counts resources in all stacks of a build. Goroutines that build stacks share it.
type usage struct {
	mu     sync.Mutex
	counts map[string][]int // region → the number of resources, for each of the quotas
	owners map[string][]int // region → the number of apps with such a resource, and one more if the orbit has one
	orbits map[string]bool  // region and quota of the orbit's own resources
}

// newUsage returns a count of nothing.
func newUsage() *usage {
	return &usage{counts: map[string][]int{}, owners: map[string][]int{}, orbits: map[string]bool{}}
}

// add counts the resources of a stack, whose app is "" for one of the orbit's.
func (u *usage) add(region, app string, t *cfn.Template) {
	counts := make([]int, len(quotas))
	kinds := map[string][]cfn.Resource{}
	for _, r := range t.Resources() {
		kinds[r.Type()] = append(kinds[r.Type()], r)
	}
	for i, q := range quotas {
		switch {
		case q.kind == stackKind:
			counts[i] = 1
		case q.count == nil:
			counts[i] = len(kinds[q.kind])
		default:
			for _, r := range kinds[q.kind] {
				counts[i] += q.count(r)
			}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.counts[region] == nil {
		u.counts[region], u.owners[region] = make([]int, len(quotas)), make([]int, len(quotas))
	}
	for i, n := range counts {
		u.counts[region][i] += n
		key := region + quotas[i].name
		if n > 0 && (app != "" || !u.orbits[key]) {
			u.owners[region][i]++
		}
		u.orbits[key] = u.orbits[key] || n > 0 && app == ""
	}
}

// report notes each sum above AWS's default. Notes about the orbit alone, or about one app, are made where these are compiled.
func (u *usage) report(orbit *schema.Orbit, r *report.Report) {
	for i, q := range quotas {
		total, owners := 0, 0
		for _, region := range slices.Sorted(maps.Keys(u.counts)) {
			n := u.counts[region][i]
			total += n
			owners += u.owners[region][i]
			if !q.global && n > q.allowed && u.owners[region][i] > 1 {
				r.Notef(orbit.Region(region).Pos, "%s: the stacks of this build have %s %s: AWS allows %s in a region unless it has "+
					"raised the account's quota%s", region, grouped(n), q.name, grouped(q.allowed), q.limit())
			}
		}
		if q.global && total > q.allowed && owners > 1 {
			r.Notef(orbit.Regions[0].Pos, "the stacks of this build have %s %s: AWS allows %s in an account unless it has raised the "+
				"quota%s", grouped(total), q.name, grouped(q.allowed), q.limit())
		}
	}
}

// limit is the end of a note about a quota with a known maximum.
func (q quota) limit() string {
	if q.most == 0 {
		return ""
	}
	return fmt.Sprintf(", to %s at most", grouped(q.most))
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
