package values

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/dnsrecords"
)

// zone is a public hosted zone of Route 53.
type zone struct {
	id   string // Z…
	name string // lower case, without the last dot
}

// hostedZone returns the id of the zone with the longest name which a host name ends in.
func (r *Resolver) hostedZone(ctx context.Context, host string) (Value, error) {
	zones, err := r.zones.To("", func() ([]zone, error) { return r.publicZones(ctx) })
	if err != nil {
		return Value{}, fmt.Errorf("find the hosted zone of %s: %w", host, err)
	}
	best := longestZones(zones, host)
	switch len(best) {
	case 0:
		return Value{}, fmt.Errorf("no public hosted zone of this account is one that %s is in: %s; create the zone, or change the "+
			"orbit's domain or the app's hostnames", host, listZones(zones))
	case 1:
		return Value{Text: best[0].id}, nil
	}
	return Value{}, fmt.Errorf("%s is in more than one public hosted zone %s: %s; delete those that no name server is delegated to", host,
		best[0].name, listIDs(best))
}

// longestZones returns the zones with the longest name which a host name ends in, sorted by id. There can be several:
// Route 53 allows two zones of one name, and DNS delegates to one of them only.
func longestZones(zones []zone, host string) []zone {
	host = dnsrecords.PlainName(host)
	var best []zone
	for _, z := range zones {
		switch {
		case host != z.name && !strings.HasSuffix(host, "."+z.name):
		case len(best) == 0 || len(z.name) > len(best[0].name):
			best = []zone{z}
		case len(z.name) == len(best[0].name):
			best = append(best, z)
		}
	}
	slices.SortFunc(best, func(a, b zone) int { return strings.Compare(a.id, b.id) })
	return best
}

// publicZones returns all public zones of the account, sorted by name.
func (r *Resolver) publicZones(ctx context.Context) ([]zone, error) {
	var zones []zone
	pages := route53.NewListHostedZonesPaginator(r.cloud.Default().Route53(), &route53.ListHostedZonesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the hosted zones: %w", cloud.Explain(err))
		}
		for _, z := range page.HostedZones {
			// A private zone answers inside a VPC only, so neither clients nor ACM's validation would find its records.
			if z.Config == nil || !z.Config.PrivateZone {
				zones = append(zones, zone{strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/"),
					dnsrecords.PlainName(aws.ToString(z.Name))})
			}
		}
	}
	slices.SortFunc(zones, func(a, b zone) int { return strings.Compare(a.name, b.name) })
	return zones, nil
}

// maxListed is the number of names which an error message lists.
const maxListed = 10

// listZones describes the account's zones for a message.
func listZones(zones []zone) string {
	var names []string
	for _, z := range zones {
		names = append(names, z.name)
	}
	return "it has " + list(slices.Compact(names), "none at all")
}

// listIDs lists zone ids for a message.
func listIDs(zones []zone) string {
	var ids []string
	for _, z := range zones {
		ids = append(ids, z.id)
	}
	return list(ids, "")
}

// list joins a few names, and says how many more there are. none stands for an empty list.
func list(names []string, none string) string {
	switch {
	case len(names) == 0:
		return none
	case len(names) > maxListed:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}
