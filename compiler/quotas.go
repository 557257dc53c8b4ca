package compiler

import (
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// AWS raises these quotas on request, so that what passes them is worth a note and no more.
const (
	maxElasticAddresses = 5  // of an account in a region (EC2 User Guide, "Elastic IP addresses")
	maxRules            = 60 // into a group, counted for IPv4 and IPv6 apart (VPC User Guide, "Quotas")
)

// countOrbitAddresses notes when a region's own elastic addresses, of its NAT gateways and bastions, pass the quota.
func countOrbitAddresses(region *schema.OrbitRegion, r *report.Report) {
	gateways := len(natZones(region))
	if n := gateways + region.BastionInstanceCount; n > maxElasticAddresses {
		r.Notef(region.At("nat"), "%s needs %d elastic addresses, %d for NAT and %d for bastions: AWS allows %d there unless it has "+
			"raised "+
			"the account's quota", region.Region, n, gateways, region.BastionInstanceCount, maxElasticAddresses)
	}
}

// countAppAddresses does so for an app's.
func countAppAddresses(app *schema.AppRegion, r *report.Report) {
	if app.InstanceMax > maxElasticAddresses {
		r.Notef(app.At("elastic_ips"), "needs %d elastic addresses in %s, one for each of instance_max, beside the orbit's own: AWS "+
			"allows "+
			"%d there unless it has raised the account's quota", app.InstanceMax, app.Region, maxElasticAddresses)
	}
}

// ruleCount is how many rules let traffic into a group. One whose source is a group or a list counts for both.
type ruleCount struct{ v4, v6 int }

// add counts a rule.
func (c *ruleCount) add(from peer) {
	if from.cidr6 == nil {
		c.v4++
	}
	if from.cidr == nil {
		c.v6++
	}
}

// crowded notes when more rules than the quota let traffic into a group.
func (r rules) crowded(at report.Pos, into *cfn.SecurityGroup, report *report.Report) {
	count := r.into[into.ID()]
	if n := max(count.v4, count.v6); n > maxRules {
		report.Notef(at, "needs %d rules in one security group: AWS allows %d unless it has raised the account's quota; "+
			"fewer sources need fewer; a prefix list counts as many rules as its maximum number of entries, which deploy looks up", n,
			maxRules)
	}
}
