package compiler

import (
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// dns points the app's host names to the load balancer or, if there is none, to the elastic addresses. Records depend on
// the group, so a failed first boot creates no records.
func dns(a appContext, lb loadBalancer, own addresses, group cfn.Resource, r *report.Report) *part {
	p := &part{}
	if lb.balancer == nil && len(own.all) == 0 {
		if a.region.Written("hostnames") {
			r.Notef(a.region.At("hostnames"),
				"no DNS records are made for these names: the app has neither a load balancer nor elastic addresses")
		}
		return p
	}
	if lb.balancer == nil {
		warnIdleAddresses(a, r)
	}
	for _, host := range a.region.Hostnames {
		checkRouting(a, host, r)
		for _, record := range answers(a, host, lb, own) {
			record.HostedZoneId = hostedZone(p, host.Name)
			record.DependsOn = []cfn.Resource{group}
			add(p, host.Pos, recordID(record), record)
		}
	}
	return p
}

// warnIdleAddresses warns of names that answer with addresses which no instance may hold: whoever is given one waits in vain.
func warnIdleAddresses(a appContext, r *report.Report) {
	app := a.region
	if len(app.Hostnames) > 0 && app.InstanceMin < app.InstanceMax {
		r.Warnf(app.At("elastic_ips"),
			"the app's host names resolve to all of its %d elastic addresses, and while fewer instances "+
				"run, some of the addresses have no instance; make instance_min and instance_max the same, or use a load balancer",
			app.InstanceMax)
	}
}

// recordID returns the logical id of a record and its output: DnsRecord and the host name, with V6 for an AAAA record.
func recordID(record *cfn.RecordSet) string {
	if record.Type_ == "AAAA" {
		return document.OutputDNSRecord + "V6" + idPart(record.Name)
	}
	return document.OutputDNSRecord + idPart(record.Name)
}

// answers are the records of one name. An alias to a balancer costs nothing and follows its addresses, and it is
// possible at the top of a zone, where a CNAME is not (Route 53 Developer Guide, "Choosing between alias and non-alias
// records").
func answers(a appContext, host schema.Hostname, lb loadBalancer, own addresses) []*cfn.RecordSet {
	if lb.balancer == nil {
		record := routed(a, host, "A")
		record.TTL = "60"
		for _, eip := range own.all {
			record.ResourceRecords = append(record.ResourceRecords, eip.PublicIp())
		}
		return []*cfn.RecordSet{record}
	}
	kinds := []string{"A"}
	if lb.balancer.IpAddressType == "dualstack" {
		kinds = append(kinds, "AAAA")
	}
	var records []*cfn.RecordSet
	for _, kind := range kinds {
		record := routed(a, host, kind)
		record.AliasTarget = &cfn.AliasTarget{
			DNSName:              lb.balancer.DNSName(),
			HostedZoneId:         lb.balancer.CanonicalHostedZoneID(),
			EvaluateTargetHealth: true,
		}
		records = append(records, record)
	}
	return records
}

// routed is a record without its answer.
func routed(a appContext, host schema.Hostname, kind string) *cfn.RecordSet {
	record := &cfn.RecordSet{Name: host.Name, Type_: kind}
	switch a.region.DNS.Routing {
	case "latency":
		record.SetIdentifier = a.setIdentifier()
		record.Region = a.region.Region
	case "weighted":
		weight := a.region.DNS.Weight
		record.SetIdentifier = a.setIdentifier()
		record.Weight = &weight
	}
	return record
}

// maxSetIdentifier is Route 53's limit (API Reference, ResourceRecordSet).
const maxSetIdentifier = 128

// setIdentifier tells the stack's records of a name from other stacks' records of it.
func (a appContext) setIdentifier() string {
	id := a.stackName() + "-" + a.region.Region
	if len(id) > maxSetIdentifier {
		return hash(id)
	}
	return id
}

// checkRouting reports a name with two routing policies, which Route 53 refuses. The schema limits simple routing to
// apps in one region.
func checkRouting(a appContext, host schema.Hostname, r *report.Report) {
	routing := a.region.DNS.Routing
	for _, other := range a.app.Regions {
		if other.DNS.Routing != routing && answersTo(other, host.Name) {
			r.Errorf(a.region.DNS.At("routing"), "%s is routed by %s in %s and by %s in %s: one name has one kind of routing",
				host.Name, routing, a.region.Region, other.DNS.Routing, other.Region)
		}
	}
}

// answersTo says whether the app's stack in that region makes a record of the name.
func answersTo(app *schema.AppRegion, name string) bool {
	if chooseBalancer(app) == noBalancer && !app.ElasticIPs {
		return false
	}
	for _, host := range app.Hostnames {
		if host.Name == name {
			return true
		}
	}
	return false
}
