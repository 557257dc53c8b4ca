package drift

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/dnsrecords"
	"github.com/pebble/spacel/deploy/schedule"
)

const recordType = "AWS::Route53::RecordSet"

// records compares DNS records, of which CloudFormation has no drift detection.
type records struct{ *reading }

// Only the records in templates are compared. A zone also holds records of others, and another record of the same name and type is the one
// of another region, or of another orbit, with an identifier of its own.

// compare compares the records of some stacks. Route 53 takes five calls per second of an account (Developer Guide, "Quotas"); the client
// slows down by itself when it is told to.
func (r records) compare(ctx context.Context, stacks []*deployed) {
	var of []resourceKey
	byRef := map[resourceKey]*deployed{}
	for _, d := range stacks {
		for _, id := range d.ofType(recordType) {
			key := resourceKey{d.StackRef, id}
			of, byRef[key] = append(of, key), d
		}
	}
	// As with IAM, one endpoint answers for all regions.
	oneEndpoint := func(int) string { return "" }
	_ = schedule.Each(ctx, len(of), 0, oneEndpoint, func(ctx context.Context, i int) error {
		r.compareRecord(ctx, byRef[of[i]], of[i].id)
		return nil // other records are compared all the same
	})
}

// compareRecord compares one record.
func (r records) compareRecord(ctx context.Context, d *deployed, id string) {
	want := d.properties(id)
	zone, name, kind := text(want["HostedZoneId"]), dnsrecords.PlainName(text(want["Name"])), text(want["Type"])
	if strings.Contains(zone+name+kind, gap) || zone == "" {
		r.miss(Unchecked{StackRef: d.StackRef, Resource: id, Type: recordType, Why: "the record's zone or name is not known"})
		return
	}
	found, err := readRecord(ctx, r.cloud.Region(d.Region), zone, name, kind, text(want["SetIdentifier"]))
	if err != nil {
		r.fail(d, id, err)
		return
	}
	r.check(d, id)
	if found == nil {
		r.add(d, id, Finding{Change: Removed,
			Text: fmt.Sprintf("the record %s %s does not exist any more: somebody deleted it", name, kind)})
		return
	}
	// Each property is compared by itself, and the finding names it. Absent ones are "" on both sides.
	is := propertiesOf(found)
	for _, property := range recordProperties {
		expected, actual := member(want, property), is[property]
		if same(expected, actual) {
			continue
		}
		f := Finding{Change: Changed, Property: property, Expected: shownGap(text(expected)), Actual: text(actual)}
		f.Text = differs(recordType, property, d.App() != "", name+" → "+f.Expected, name+" → "+f.Actual)
		r.add(d, id, f)
	}
}

// recordProperties are the properties of a record that decide where its name leads.
var recordProperties = []string{"AliasTarget.DNSName", "AliasTarget.EvaluateTargetHealth", "ResourceRecords", "TTL", "Region", "Weight"}

// member returns a property of a record in the form of propertiesOf, "" for an absent one.
func member(properties map[string]any, path string) any {
	top, below, nested := strings.Cut(path, ".")
	v := properties[top]
	if nested {
		object, _ := v.(map[string]any)
		v = object[below]
	}
	switch {
	case v == nil && path == "AliasTarget.EvaluateTargetHealth" && properties[top] != nil:
		return "false" // the default (Template Reference, AWS::Route53::RecordSet AliasTarget)
	case v == nil:
		return ""
	case path == "AliasTarget.DNSName":
		return plainAlias(text(v))
	}
	return v
}

// propertiesOf writes a record of Route 53 with a template's names.
func propertiesOf(r *types.ResourceRecordSet) map[string]any {
	out := map[string]any{"AliasTarget.DNSName": "", "AliasTarget.EvaluateTargetHealth": "", "ResourceRecords": "", "TTL": "",
		"Region": string(r.Region), "Weight": ""}
	if a := r.AliasTarget; a != nil {
		out["AliasTarget.DNSName"] = plainAlias(aws.ToString(a.DNSName))
		out["AliasTarget.EvaluateTargetHealth"] = strconv.FormatBool(a.EvaluateTargetHealth)
	}
	var values []any
	for _, v := range r.ResourceRecords {
		values = append(values, aws.ToString(v.Value))
	}
	if values != nil {
		out["ResourceRecords"] = values
	}
	if r.TTL != nil {
		out["TTL"] = strconv.FormatInt(*r.TTL, 10)
	}
	if r.Weight != nil {
		out["Weight"] = strconv.FormatInt(*r.Weight, 10)
	}
	return out
}

// readRecord reads the record of a name, a type and an identifier, nil if there is none.
func readRecord(ctx context.Context, region *cloud.Region, zone, name, kind, set string) (*types.ResourceRecordSet, error) {
	all, err := dnsrecords.Of(ctx, region.Route53(), zone, name)
	if err != nil {
		return nil, fmt.Errorf("list the records of %s: %w", name, err)
	}
	i := slices.IndexFunc(all, func(r types.ResourceRecordSet) bool {
		return string(r.Type) == kind && aws.ToString(r.SetIdentifier) == set
	})
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

// plainAlias returns the name of an alias's target. The console writes dualstack. before the name of a load balancer, which leads to the
// same one (Elastic Load Balancing, Application Load Balancers, "DNS name").
func plainAlias(name string) string {
	return strings.TrimPrefix(dnsrecords.PlainName(name), "dualstack.")
}
