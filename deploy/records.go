package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/dnsrecords"
	"github.com/pebble/spacel/deploy/live"
)

const recordType = "AWS::Route53::RecordSet"

// recordGuard looks for existing DNS records before a plan is carried out.
type recordGuard struct{ planner }

// check refuses new DNS records that Route 53 would refuse, because others of the name exist. The records of a stack come last,
// after its certificate, databases and instances, so the refusal would come after half an hour, and a first creation would then be
// deleted whole.
func (p recordGuard) check(ctx context.Context, plan stackPlan) error {
	var problems []error
	var whole *live.Template // read when there is a record to look at
	for _, c := range plan.Changes {
		if c.Type != recordType || c.Action != string(cloudformation.ChangeActionAdd) && !c.ends() ||
			c.Action == string(cloudformation.ChangeActionRemove) {
			continue
		}
		if whole == nil {
			var err error
			if whole, err = p.template.whole(); err != nil {
				return err
			}
		}
		wanted, ok := recordIn(whole, c.LogicalID, plan.inputs)
		if !ok {
			continue
		}
		existing, err := p.recordsOf(ctx, wanted)
		switch {
		case live.IsRefusal(err):
			p.unreadable.Do(func() {
				p.tell(activity.Event{Kind: activity.Warning, Reason: "existing DNS records are not checked: " + err.Error()})
			})
			return errors.Join(problems...)
		case err != nil:
			return err
		}
		for _, e := range existing {
			why := wanted.conflict(e)
			if why == "" {
				continue
			}
			owner, err := p.ownerOf(ctx, wanted, e)
			if err != nil {
				return err
			}
			// A failed stack is deleted with its records before it is created again.
			if owner != nil && owner.StackRef == p.ref() {
				continue
			}
			problems = append(problems, p.refuseRecord(c, wanted, e, why, owner))
			break
		}
	}
	return errors.Join(problems...)
}

// record is a DNS record of a template, with the values that decide whether it may exist beside another one.
type record struct{ zone, name, kind, set, region, routing string }

// recordIn returns a record of the template, and false for one whose name or zone is not known yet.
func recordIn(whole *live.Template, logicalID string, in inputs) (record, bool) {
	properties := whole.Resources[logicalID].Properties
	text := func(property string) string {
		switch v := properties[property].(type) {
		case string:
			return v
		case map[string]any:
			if name, ok := v["Ref"].(string); ok {
				return in[name].Text
			}
		}
		return ""
	}
	r := record{zone: text("HostedZoneId"), name: dnsrecords.PlainName(text("Name")), kind: text("Type"), set: text("SetIdentifier"),
		region: text("Region"), routing: "simple"}
	for _, property := range []string{"Region", "Weight", "Failover", "GeoLocation", "GeoProximityLocation", "MultiValueAnswer",
		"CidrRoutingConfig"} {
		if properties[property] != nil {
			r.routing = routings[property]
		}
	}
	return r, r.zone != "" && r.name != "" && r.kind != ""
}

// routings are the words of Route 53's console for kinds of routing, by the property that chooses it.
var routings = map[string]string{
	"Region": "latency", "Weight": "weighted", "Failover": "failover", "GeoLocation": "geolocation",
	"GeoProximityLocation": "geoproximity", "MultiValueAnswer": "multivalue", "CidrRoutingConfig": "IP-based",
}

// routingOf returns the kind of routing of an existing record.
func routingOf(e types.ResourceRecordSet) string {
	switch {
	case e.Region != "":
		return "latency"
	case e.Weight != nil:
		return "weighted"
	case e.Failover != "":
		return "failover"
	case e.GeoLocation != nil:
		return "geolocation"
	case e.GeoProximityLocation != nil:
		return "geoproximity"
	case e.MultiValueAnswer != nil:
		return "multivalue"
	case e.CidrRoutingConfig != nil:
		return "IP-based"
	}
	return "simple"
}

// conflict returns the reason for which Route 53 refuses a record beside an existing one of its name, "" if it takes both
// (Route 53 API Reference, "ResourceRecordSet"; Developer Guide, "Supported DNS record types", CNAME).
func (r record) conflict(e types.ResourceRecordSet) string {
	kind, routing := string(e.Type), routingOf(e)
	switch {
	case kind != r.kind && (kind == "CNAME" || r.kind == "CNAME"):
		return "beside a CNAME record there is no other one"
	case kind != r.kind:
		return ""
	case routing != r.routing:
		return "records of one name have one kind of routing"
	case routing == "simple":
		return "there is one record with simple routing"
	case aws.ToString(e.SetIdentifier) == r.set:
		return "its identifier is taken"
	case routing == "latency" && string(e.Region) == r.region:
		return "a region has one record with latency routing"
	}
	return ""
}

// listsZones is the number of stacks in a run from which on a zone is listed once. Route 53 takes five calls a second in an account
// (Route 53 Developer Guide, "Quotas"), so a call for each record of thousands of stacks would take longer than their creation.
const listsZones = 50

// recordsOf returns the zone's records of a name. The list of a large run's zones only tells that there are none. Records that it has
// are read again, because an earlier stack of the run may have removed them.
func (p recordGuard) recordsOf(ctx context.Context, r record) ([]types.ResourceRecordSet, error) {
	if len(p.stacks) >= listsZones {
		names, err := p.zoneNames.To(r.zone, func() (map[string]bool, error) {
			return dnsrecords.Names(ctx, p.cloud.Default().Route53(), r.zone)
		})
		if err != nil {
			return nil, fmt.Errorf("list the records of the zone %s: %w", r.zone, err)
		}
		if !names[r.name] {
			return nil, nil
		}
	}
	found, err := dnsrecords.Of(ctx, p.cloud.Default().Route53(), r.zone, r.name)
	if err != nil {
		return nil, fmt.Errorf("list the records of %s: %w", r.name, err)
	}
	return found, nil
}

// ownerOf returns the stack that made a record, nil for one of nobody's whom this orbit knows. spacel's records name their stack and region
// in their identifier, and the stacks name their records in their outputs.
func (p recordGuard) ownerOf(ctx context.Context, r record, e types.ResourceRecordSet) (*live.Stack, error) {
	region := string(e.Region)
	if region == "" {
		region = p.spec.Region
	}
	if name, ok := strings.CutSuffix(aws.ToString(e.SetIdentifier), "-"+region); ok {
		ref, read := assembly.StackRef{Region: region, Name: name}, p.live.Get
		if ref == p.ref() {
			read = p.live.Refresh // another run may have made this very stack, and its record, since the plan
		}
		if owner, err := read(ctx, ref); err != nil || owner.Exists() {
			return owner, err
		}
	}
	stacks, err := p.live.List(ctx, p.spec.Region, p.orbit)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(stacks, func(s *live.Stack) bool {
		for output, value := range s.Outputs {
			if strings.HasPrefix(output, document.OutputDNSRecord) && dnsrecords.PlainName(value) == r.name {
				return true
			}
		}
		return false
	})
	if i < 0 {
		return nil, nil
	}
	return stacks[i], nil
}

// refuseRecord says whose the existing record is, and what to do.
func (p recordGuard) refuseRecord(c Change, r record, e types.ResourceRecordSet, why string, owner *live.Stack) error {
	whose := fmt.Sprintf("no stack of orbit %s made it: replace or remove it first; docs/migrating.md, step 7, says how to do that "+
		"without an outage", p.orbit)
	if owner != nil {
		whose = fmt.Sprintf("it belongs to the stack %s (orbit %s, app %s): take the name out there and deploy that first, or share the "+
			"name "+
			"by weight (dns: {routing: weighted}) in both", owner.StackRef, owner.Orbit(), owner.App())
	}
	return refuse("%s: %s%s: Route 53 would refuse the %s record of this name with %s routing in zone %s: there is %s, and %s; %s",
		p.ref(), place(c.Origin), r.name, r.kind, r.routing, r.zone, describeRecord(e), why, whose)
}

// describeRecord describes an existing record in a few words.
func describeRecord(e types.ResourceRecordSet) string {
	text := fmt.Sprintf("one of type %s with %s routing", e.Type, routingOf(e))
	if set := aws.ToString(e.SetIdentifier); set != "" {
		text += fmt.Sprintf(", identifier %q", set)
	}
	switch {
	case e.AliasTarget != nil:
		return text + ", for " + dnsrecords.PlainName(aws.ToString(e.AliasTarget.DNSName))
	case len(e.ResourceRecords) > 0:
		return text + ", for " + aws.ToString(e.ResourceRecords[0].Value)
	}
	return text
}
