package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

func TestElasticAddressQuota(t *testing.T) {
	for bastions, noted := range map[int]bool{3: false, 4: true} {
		orbit := &schema.Orbit{Name: "test", Regions: []*schema.OrbitRegion{orbitRegion(2, func(r *schema.OrbitRegion) {
			r.NAT, r.BastionInstanceCount = schema.NATPerAZ, bastions
			r.BastionSources = []schema.Peer{source(schema.CIDRv4, "203.0.113.0/24")}
		})}}
		b := &built{t: t}
		report := &report.Report{}
		if err := Compile(&schema.Model{Orbit: orbit}, Scope{Orbit: true}, report, forgetful{}); err != nil {
			t.Fatal(err)
		}
		for _, p := range report.Problems() {
			b.problems = append(b.problems, fmt.Sprint(p))
		}
		if !noted {
			b.silent()
			continue
		}
		b.reported("6 elastic addresses, 2 for NAT and 4 for bastions", "AWS allows 5")
	}

	orbit := testOrbit("us-east-1")
	elastic := availability(schema.Disabled, schema.InternetFacing, true)
	build(t, orbit, testApp(orbit, "web", elastic, size(5, 5, schema.Rolling))).silent()
	build(t, orbit, testApp(orbit, "web", elastic, size(6, 6, schema.Rolling))).reported("needs 6 elastic addresses", "AWS allows 5")
}

// Bastions that everybody may reach are noted, by either kind of address.
func TestOpenBastionsAreNoted(t *testing.T) {
	for sources, noted := range map[string]bool{"203.0.113.0/24": false, "0.0.0.0/0": true, "203.0.113.0/24 ::/0": true} {
		for count := range 2 {
			region := orbitRegion(2, func(r *schema.OrbitRegion) {
				r.BastionInstanceCount, r.BastionSources = count, nil
				for block := range strings.FieldsSeq(sources) {
					r.BastionSources = append(r.BastionSources, schema.Peer{Kind: schema.CIDRv4, Value: block})
				}
			})
			found := &report.Report{}
			noteOpenBastions(region, found)
			if got := len(found.Problems()) > 0; got != (noted && count > 0) {
				t.Errorf("%d bastions for %s: %v", count, sources, found.Problems())
			}
		}
	}
}

// TestRuleQuota counts what EC2 counts: IPv4 and IPv6 apart, a list for both.
func TestRuleQuota(t *testing.T) {
	var sources []schema.Peer
	for n := range 59 {
		sources = append(sources, source(schema.CIDRv4, fmt.Sprintf("198.51.100.%d/32", n)),
			source(schema.CIDRv6, fmt.Sprintf("2001:db8:%x::/48", n)))
	}
	orbit := testOrbit("us-east-1")
	orbit.Regions[0].IPv6 = true
	sources = append(sources, source(schema.PrefixList, "pl-1"))
	build(t, orbit, testApp(orbit, "web", ports(testPort(80, "HTTP", sources...)))).silent()
	sources = append(sources, source(schema.PrefixList, "pl-2"))
	build(t, orbit, testApp(orbit, "web", ports(testPort(80, "HTTP", sources...)))).reported("needs 61 rules", "AWS allows 60")
}
