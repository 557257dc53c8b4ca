package compiler

import (
	"fmt"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// addresses are the app's elastic addresses. The instances share them: as many as the group's largest size.
type addresses struct {
	*part
	all []*cfn.EIP
}

// elasticAddresses makes them and lets the instances move them among themselves.
func elasticAddresses(a appContext, r *report.Report) addresses {
	own := addresses{part: &part{}}
	if !a.region.ElasticIPs {
		return own
	}
	countAppAddresses(a.region, r)
	var ids []cfn.Value
	for n := 1; n <= a.region.InstanceMax; n++ {
		eip := add(own.part, a.region.At("elastic_ips"), elasticID(n), &cfn.EIP{Domain: "vpc", Tags: a.nameTag()})
		own.Output(eip.ID(), cfn.Output{Description: "An address of the app.", Value: eip.PublicIp()})
		own.all = append(own.all, eip)
		ids = append(ids, eip.AllocationId())
	}
	own.statements = addressStatements(own.all)
	own.document = func(d *document.Document[cfn.Value]) { d.Addresses = ids }
	return own
}

// elasticID returns the logical id, and the output, of a stack's nth elastic address, from 1.
func elasticID(n int) string { return fmt.Sprintf("%s%02d", document.OutputElasticIP, n) }
