package compiler

import (
	"fmt"
	"slices"
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

// TestQuotaSums builds stacks that are fine one by one, and too many together.
func TestQuotaSums(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	apps := func(n int) []*schema.App {
		var out []*schema.App
		for i := range n {
			out = append(out, testApp(orbit, fmt.Sprintf("app%d", i), ports(testPort(80, "HTTP"))))
		}
		return out
	}
	notes := func(apps []*schema.App) []string {
		r := &report.Report{}
		if err := Compile(&schema.Model{Orbit: orbit, Apps: apps}, Scope{}, r, forgetful{}); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range r.Problems() {
			out = append(out, p.Message)
		}
		return out
	}
	if got := notes(apps(50)); len(got) > 0 {
		t.Errorf("50 apps: %q", got)
	}
	const tooMany = ": the stacks of this build have 51 application load balancers: AWS allows 50 in a region unless it has raised the " +
		"account's quota"
	want := []string{
		"us-east-1" + tooMany,
		"us-west-2" + tooMany,
	}
	if got := notes(apps(51)); !slices.Equal(got, want) {
		t.Errorf("51 apps:\n%s", strings.Join(got, "\n"))
	}
	// 501 apps in two regions have 1,002.
	got := strings.Join(notes(apps(501)), "\n")
	for _, says := range []string{"have 1,002 IAM roles: AWS allows 1,000 in an account unless it has raised the quota, to 5,000 at most",
		"us-west-2: the stacks of this build have 501 Auto Scaling groups: AWS allows 500"} {
		if !strings.Contains(got, says) {
			t.Errorf("501 apps: no %q in\n%s", says, got)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1002: "1,002", 12345678: "12,345,678"} {
		if got := grouped(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
