// Package dnsrecords reads DNS records of hosted zones.
package dnsrecords

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// Of returns all records of a name in a zone. The name is plain (PlainName). Route 53 lists records from a name on, so the first other
// name ends the list. The error has no context: the caller says why it asked.
func Of(ctx context.Context, client *route53.Client, zone, name string) ([]types.ResourceRecordSet, error) {
	var found []types.ResourceRecordSet
	pages := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zone, StartRecordName: &name,
	})
	// Several records share a name when they have identifiers, one for each region of an app. They may span pages.
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err)
		}
		if page.ResourceRecordSets == nil {
			return nil, cloud.Incomplete("route53:ListResourceRecordSets", "no ResourceRecordSets")
		}
		for _, e := range page.ResourceRecordSets {
			if PlainName(aws.ToString(e.Name)) == name {
				found = append(found, e)
			}
		}
		if n := len(page.ResourceRecordSets); n > 0 && PlainName(aws.ToString(page.ResourceRecordSets[n-1].Name)) != name {
			break
		}
	}
	return found, nil
}

// Names returns the plain names of all records of a zone. It is a call for each three hundred records.
func Names(ctx context.Context, client *route53.Client, zone string) (map[string]bool, error) {
	names := map[string]bool{}
	pages := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{HostedZoneId: &zone})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err)
		}
		if page.ResourceRecordSets == nil {
			return nil, cloud.Incomplete("route53:ListResourceRecordSets", "no ResourceRecordSets")
		}
		for _, e := range page.ResourceRecordSets {
			names[PlainName(aws.ToString(e.Name))] = true
		}
	}
	return names, nil
}

// PlainName returns a DNS name in lower case, without the dot at its end, and with Route 53's octal escapes resolved: it gives * as \052.
func PlainName(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for i := strings.IndexByte(name, '\\'); i >= 0 && i+4 <= len(name); i = strings.IndexByte(name, '\\') {
		code, err := strconv.ParseUint(name[i+1:i+4], 8, 8)
		if err != nil {
			return name
		}
		name = name[:i] + string(rune(code)) + name[i+4:]
	}
	return name
}
