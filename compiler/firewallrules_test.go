package compiler

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// TestOneRuleBehindTheBalancer holds what the predecessor did wrong: 443 to 80 and 80 to 80 gave the same rule twice.
func TestOneRuleBehindTheBalancer(t *testing.T) {
	secure := testPort(443, "HTTPS", anyone())
	secure.InternalPort, secure.InternalScheme = 80, "HTTP"
	v := lower(t, ports(testPort(80, "HTTP", anyone()), secure))
	same(t, "to instances", v.resources(ingressType, "IngressSg"), "IngressSgBalancerSgTcp80", "IngressSgBastionsTcp22")
	same(t, "from the balancer", v.resources(egressType, ""), "EgressBalancerSgSgTcp80")
	same(t, "to the balancer", v.resources(ingressType, "IngressBalancerSg"),
		"IngressBalancerSgCidr0x0x0x0m0Tcp443", "IngressBalancerSgCidr0x0x0x0m0Tcp80")
	same(t, "targets", v.resources("AWS::ElasticLoadBalancingV2::TargetGroup", ""), "PublicTargetsHTTP80")
	v.has("IngressSgBastionsTcp22", "SourceSecurityGroupId", `{"Ref":"BastionGroup"}`)
}

// TestHealthCheckPortIsOpen wants the balancer to get through to a port that it only checks.
func TestHealthCheckPortIsOpen(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.HealthCheck = schema.HealthCheck{Protocol: "HTTP", Port: 8081, Path: "/health"}
	})
	same(t, "from the balancer", v.resources(egressType, ""), "EgressBalancerSgSgTcp80", "EgressBalancerSgSgTcp8081")
	same(t, "to instances", v.resources(ingressType, "IngressSgBalancerSg"), "IngressSgBalancerSgTcp80", "IngressSgBalancerSgTcp8081")
}

func TestPrivatePorts(t *testing.T) {
	v := lower(t, func(app *schema.AppRegion) {
		app.PrivatePorts = []schema.PrivatePort{
			{From: 9300, To: 9300, Protocols: []string{"tcp", "udp"}},
			{From: 8000, To: 8010, Protocols: []string{"tcp"}},
			{From: 1, To: 1, Protocols: []string{"-1", "icmp", "icmpv6"}},
		}
	})
	same(t, "among instances", v.resources(ingressType, "IngressSgSg"), "IngressSgSgAll", "IngressSgSgIcmp", "IngressSgSgIcmpv6",
		"IngressSgSgTcp8000to8010", "IngressSgSgTcp9300", "IngressSgSgUdp9300")
	v.has("IngressSgSgTcp8000to8010", "ToPort", "8010")
	v.has("IngressSgSgIcmp", "FromPort", "-1")
	v.has("IngressSgSgAll", "FromPort", "")
	v.has("IngressSgSgTcp9300", "SourceSecurityGroupId", `{"Fn::GetAtt":["Sg","GroupId"]}`)
}

func TestUDPRules(t *testing.T) {
	v := lower(t, ports(testPort(53, "UDP", anyone()), testPort(8080, "TCP", anyone())), func(app *schema.AppRegion) {
		app.HealthCheck = schema.HealthCheck{Protocol: "TCP", Port: 8080, Default: true}
	})
	v.has("IngressBalancerSgCidr0x0x0x0m0Udp53", "IpProtocol", `"udp"`)
	same(t, "from the balancer", v.resources(egressType, ""), "EgressBalancerSgSgTcp8080", "EgressBalancerSgSgUdp53")
}

// TestRuleIDs wants different rules to have different ids, among them the predecessor's collisions.
func TestRuleIDs(t *testing.T) {
	words := []string{"1.1.11.0/24", "1.11.1.0/24", "11.1.1.0/24", "1.1.1.0/24", "10.0.0.0/8", "10.0.0.0/16"}
	six := []string{"2001:db8::/32", "2001:d:b8::/48", "2001:db8::/33", "::/0", "fd00::/8", "fd00::1:0:0:0/96"}
	seen := map[string]string{}
	note := func(what, id string) {
		if other, taken := seen[id]; taken && other != what {
			t.Errorf("%s and %s are both %s", what, other, id)
		}
		if !regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`).MatchString(id) {
			t.Errorf("%s gives %q", what, id)
		}
		seen[id] = what
	}
	var peers []peer
	for _, word := range words {
		peers = append(peers, cidr4(word))
	}
	for _, word := range six {
		peers = append(peers, cidr6(word))
	}
	for _, app := range []string{"tcp80", "api-tcp80", "a1", "a-1", "A1", "api", "apitcp", "app-api", "nat", "sg"} {
		peers = append(peers, peer{id: "App" + idPart(app), name: app})
	}
	for _, list := range []string{"0a1b", "0a1b2c"} {
		peers = append(peers, peer{id: "List" + list, name: list})
	}
	all := []traffic{tcp(80), tcp(8), tcp(801), {"tcp", 8, 80}, {"tcp", 80, 801}, {"udp", 80, 80}, {"icmp", -1, -1}, {"icmpv6", -1, -1},
		{"-1", 0, 0}}
	for _, p := range peers {
		for _, traffic := range all {
			for _, group := range []string{"Sg", "BalancerSg"} {
				note(fmt.Sprint(group, " ", p.name, " ", traffic), "Ingress"+group+p.id+traffic.id())
			}
		}
	}
}

func TestEqualBlocksAreOneRule(t *testing.T) {
	v := lower(t, availability(schema.Private, schema.Private, false),
		ports(testPort(80, "HTTP", source(schema.Region, "us-east-1"), source(schema.CIDRv4, "10.0.0.0/16"),
			source(schema.CIDRv4, "10.0.1.2/16"))))
	same(t, "rules", admitted(v, "IngressBalancerSg"), "Cidr10x0x0x0m16")
}

// TestRuleDescriptions holds EC2's character set (API Reference, IpRange), which no validator checks.
func TestRuleDescriptions(t *testing.T) {
	allowed := regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}$`)
	orbit := testOrbit("us-east-1", "us-west-2")
	web := testApp(orbit, "web", availability(schema.MultiRegion, schema.MultiRegion, true),
		ports(testPort(80, "HTTP", source(schema.Region, "us-east-1"), source(schema.Region, "us-west-2"),
			source(schema.PrefixList, "pl-0a"))))
	b := build(t, orbit, web)
	b.silent()
	v := b.view("us-east-1/test-web")
	for _, id := range slices.Concat(v.resources(ingressType, ""), v.resources(egressType, "")) {
		text := v.property(id, "Description")
		if !allowed.MatchString(text[1 : len(text)-1]) {
			t.Errorf("%s: %s", id, text)
		}
	}
	var groups []string
	for _, id := range v.resources("AWS::EC2::SecurityGroup", "") {
		groups = append(groups, id)
		if text := v.property(id, "GroupDescription"); !allowed.MatchString(text[1 : len(text)-1]) {
			t.Errorf("%s: %s", id, text)
		}
	}
	same(t, "groups", groups, "BalancerSg", "Sg")
}

func TestConditionsReachRules(t *testing.T) {
	p := &part{}
	there := p.Condition("Has", cfn.Equals(cfn.String("a"), cfn.String("a")))
	group := cfn.Add(&p.Template, "Sg", &cfn.SecurityGroup{})
	rulesIn(p).admit(report.Pos{}, group, peer{id: "X", name: "x", cidr: cfn.String("10.0.0.0/8"), condition: there}, tcp(80))
	if problems := p.Check(); len(problems) > 0 {
		t.Error(problems)
	}
}
