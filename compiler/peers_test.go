package compiler

import (
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

const (
	ingressType = "AWS::EC2::SecurityGroupIngress"
	egressType  = "AWS::EC2::SecurityGroupEgress"
)

func availability(elb, instance schema.Availability, elastic bool) appChange {
	return func(app *schema.AppRegion) {
		app.ELBAvailability, app.InstanceAvailability, app.ElasticIPs = elb, instance, elastic
		if elastic { // an instance for every address
			app.InstanceMin = app.InstanceMax
		}
	}
}

// TestSources is every kind of source with every availability: which rules admit it, or why it is refused.
func TestPeers(t *testing.T) {
	cidr, home, away := anyone(), source(schema.Region, "us-east-1"), source(schema.Region, "us-west-2")
	list, client, stranger := source(schema.PrefixList, "pl-0a1b"), source(schema.OtherApp, "client"), source(schema.OtherApp, "stranger")
	internet := availability(schema.InternetFacing, schema.Private, false)
	everywhere := availability(schema.MultiRegion, schema.Private, false)
	private := availability(schema.Private, schema.Private, false)
	none := availability(schema.Disabled, schema.Private, false)
	public := availability(schema.Disabled, schema.InternetFacing, false)
	elastic := availability(schema.Disabled, schema.InternetFacing, true)

	const balancer, instances = "IngressBalancerSg", "IngressSg"
	for name, c := range map[string]struct {
		app    appChange
		source schema.Peer
		group  string
		peers  []string // of the rules for port 80
		report string   // "" when nothing is said
	}{
		"internet, cidr":         {internet, cidr, balancer, []string{"Cidr0x0x0x0m0"}, ""},
		"internet, prefix list":  {internet, list, balancer, []string{"List0a1b"}, ""},
		"internet, own region":   {internet, home, balancer, []string{"NatUseast1Az1"}, ""},
		"internet, other region": {internet, away, balancer, []string{"NatUswest2Az1"}, ""},
		"internet, other app": {internet, client, balancer, []string{"NatUseast1Az1"},
			"warning: client reaches a public load balancer through its NAT in us-east-1"},
		"internet, app elsewhere":  {internet, stranger, balancer, []string{"NatUseast1Az1"}, "use elb_availability: private"},
		"multi-region, own region": {everywhere, home, balancer, []string{"NatUseast1Az1"}, ""},
		"multi-region, other":      {everywhere, away, balancer, []string{"NatUswest2Az1"}, ""},
		"multi-region, other app": {everywhere, client, balancer, []string{"NatUseast1Az1"},
			"which other apps there share, so this admits them too"},
		"private, cidr":          {private, source(schema.CIDRv4, "10.8.0.0/16"), balancer, []string{"Cidr10x8x0x0m16"}, ""},
		"private, own region":    {private, home, balancer, []string{"Cidr10x0x0x0m16"}, ""},
		"private, other region":  {private, away, balancer, nil, "use elb_availability: multi-region"},
		"private, other app":     {private, client, balancer, []string{"AppClient"}, ""},
		"private, app elsewhere": {private, stranger, balancer, []string{"AppStranger"}, ""},
		"none, cidr":             {none, cidr, instances, []string{"Cidr0x0x0x0m0"}, ""},
		"none, own region":       {none, home, instances, []string{"Cidr10x0x0x0m16"}, ""},
		"none, other region":     {none, away, instances, nil, "us-west-2 cannot reach private instances"},
		"none, other app":        {none, client, instances, []string{"AppClient"}, ""},
		"none, prefix list":      {none, list, instances, []string{"List0a1b"}, ""},
		"public, own region":     {public, home, instances, []string{"Cidr10x0x0x0m16"}, ""},
		"public, other region":   {public, away, instances, []string{"NatUswest2Az1"}, ""},
		"elastic, own region":    {elastic, home, instances, []string{"Cidr10x0x0x0m16", "NatUseast1Az1"}, ""},
		"elastic, other region": {elastic, away, instances,
			[]string{"ElasticIp01OfUsWest2", "ElasticIp02OfUsWest2", "NatUswest2Az1"}, ""},
		"elastic, other app": {elastic, client, instances, []string{"AppClient"},
			"note: client may come to the instances' private addresses"},
	} {
		t.Run(name, func(t *testing.T) {
			orbit := testOrbit("us-east-1", "us-west-2")
			app := testApp(orbit, "web", c.app, ports(testPort(80, "HTTP", anyone())))
			app.Region("us-east-1").PublicPorts = []schema.PublicPort{testPort(80, "HTTP", c.source)}
			b := build(t, orbit, app, testApp(orbit, "client"))
			if c.report == "" {
				b.silent()
			} else {
				b.reported(c.report)
			}
			if b.bodies["us-east-1/test-web"] == nil {
				t.Fatal("no template")
			}
			same(t, "rules", admitted(b.view("us-east-1/test-web"), c.group), c.peers...)
		})
	}
}

// admitted are the peers of a group's rules for port 80, but for the rules between the app's own groups.
func admitted(v *stackView, group string) []string {
	var peers []string
	for _, id := range v.resources(ingressType, group) {
		peer, ok := strings.CutSuffix(strings.TrimPrefix(id, group), "Tcp80")
		if ok && peer != "BalancerSg" {
			peers = append(peers, peer)
		}
	}
	slices.Sort(peers)
	return peers
}

func TestNATDisabled(t *testing.T) {
	for name, c := range map[string]struct {
		app    appChange
		source schema.Peer
		report string
	}{
		"a region": {availability(schema.InternetFacing, schema.InternetFacing, false), source(schema.Region, "us-west-2"),
			"us-west-2 has no fixed address to admit"},
		"another app": {availability(schema.MultiRegion, schema.InternetFacing, false), source(schema.OtherApp, "stranger"),
			"the NAT of us-east-1 is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			orbit := testOrbit("us-east-1", "us-west-2")
			orbit.Regions[0].NAT, orbit.Regions[1].NAT = schema.NATDisabled, schema.NATDisabled
			app := testApp(orbit, "web", c.app)
			app.Region("us-east-1").PublicPorts = []schema.PublicPort{testPort(80, "HTTP", c.source)}
			build(t, orbit, app).reported(c.report)
		})
	}
}

// TestRegionsMeantByDefault wants a region without an address to be left out when the manifest names no sources, unless
// nobody is left.
func TestRegionsMeantByDefault(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	orbit.Regions[1].NAT = schema.NATDisabled
	port := testPort(80, "HTTP", source(schema.Region, "us-east-1"), source(schema.Region, "us-west-2"))
	port.Node = at("app.json", 10, "all.public_ports.80")
	app := func() *schema.App {
		return testApp(orbit, "web", availability(schema.MultiRegion, schema.InternetFacing, false), ports(port))
	}
	b := build(t, orbit, app())
	b.silent()
	same(t, "rules", admitted(b.view("us-east-1/test-web"), "IngressBalancerSg"), "NatUseast1Az1")

	orbit.Regions[0].NAT = schema.NATDisabled
	build(t, orbit, app()).reported("nobody could reach port 80")
}

func TestPublicAppAsPeer(t *testing.T) {
	orbit := testOrbit("us-east-1")
	web := func() *schema.App {
		return testApp(orbit, "web", ports(testPort(80, "HTTP", source(schema.OtherApp, "client"))))
	}
	build(t, orbit, web(), testApp(orbit, "client", availability(schema.InternetFacing, schema.InternetFacing, false))).
		reported("public addresses that change", "elastic_ips: true")

	b := build(t, orbit, web(), testApp(orbit, "client", availability(schema.InternetFacing, schema.InternetFacing, true)))
	b.silent()
	v := b.view("us-east-1/test-web")
	same(t, "rules", admitted(v, "IngressBalancerSg"), "ElasticIp01OfAppClient", "ElasticIp02OfAppClient")
	v.has("IngressBalancerSgElasticIp01OfAppClientTcp80", "CidrIp", `{"Fn::Sub":"${ElasticIp01OfAppClient}/32"}`)
	output := v.stack.Parameters["ElasticIp01OfAppClient"].Output
	if output == nil || !output.Optional || output.Stack != "test-client" || output.Output != "ElasticIp01" {
		t.Errorf("source: %+v", output)
	}
	if got := b.view("us-east-1/test-client").get("Outputs", "ElasticIp01", "Value"); got == "" {
		t.Error("the other stack has no such output")
	}
}

func TestAppThatIsNotThere(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	client := testApp(orbit, "client")
	client.Regions = client.Regions[1:]
	app := testApp(orbit, "web")
	app.Region("us-east-1").PublicPorts = []schema.PublicPort{testPort(80, "HTTP", source(schema.OtherApp, "client"))}
	build(t, orbit, app, client).reported("client does not run in us-east-1")
}

// TestOwnElasticAddresses wants the app's own addresses admitted in its other region, and at home without a parameter.
func TestOwnElasticAddresses(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	both := ports(testPort(80, "HTTP", source(schema.Region, "us-east-1"), source(schema.Region, "us-west-2")))
	b := build(t, orbit, testApp(orbit, "web", availability(schema.MultiRegion, schema.MultiRegion, true), both))
	b.silent()
	v := b.view("us-east-1/test-web")
	same(t, "rules", admitted(v, "IngressBalancerSg"), "ElasticIp01", "ElasticIp01OfUsWest2", "ElasticIp02", "ElasticIp02OfUsWest2",
		"NatUseast1Az1", "NatUswest2Az1")
	v.has("IngressBalancerSgElasticIp01Tcp80", "CidrIp", `{"Fn::Sub":"${ElasticIp01}/32"}`)
	for _, ref := range v.stack.DependsOn {
		if ref.Name == "test-web" {
			t.Error("the app's two stacks wait for each other")
		}
	}
}

// TestAbsentApp wants the rule for an app that may not be deployed to stand under a condition.
func TestAbsentApp(t *testing.T) {
	v := lower(t, availability(schema.Private, schema.Private, false), ports(testPort(80, "HTTP", source(schema.OtherApp, "api"))))
	if got := v.get("Resources", "IngressBalancerSgAppApiTcp80", "Condition"); got != `"HasGroupOfAppApi"` {
		t.Errorf("condition: %s", got)
	}
	if got := v.get("Conditions", "HasGroupOfAppApi"); got != `{"Fn::Not":[{"Fn::Equals":[{"Ref":"GroupOfAppApi"},""]}]}` {
		t.Errorf("condition: %s", got)
	}
	if got := v.get("Parameters", "GroupOfAppApi", "Default"); got != `""` {
		t.Errorf("default: %s", got)
	}
	output := v.stack.Parameters["GroupOfAppApi"].Output
	if output == nil || !output.Optional || output.Stack != "test-api" || output.Output != "SecurityGroup" || output.Region != "us-east-1" {
		t.Errorf("source: %+v", output)
	}
	if v.get("Outputs", "SecurityGroup") == "" {
		t.Error("no such output of an app's stack")
	}
}

func TestDualStack(t *testing.T) {
	orbit := testOrbit("us-east-1")
	orbit.Regions[0].IPv6 = true
	open := ports(testPort(80, "HTTP", anyone(), source(schema.CIDRv6, "::/0")))

	b := build(t, orbit, testApp(orbit, "web", open))
	b.silent()
	v := b.view("us-east-1/test-web")
	v.has("PublicBalancer", "IpAddressType", `"dualstack"`)
	v.has("IngressBalancerSgCidrv6xxm0Tcp80", "CidrIpv6", `"::/0"`)
	if n := len(v.resources("AWS::Route53::RecordSet", "")); n != 2 {
		t.Errorf("want an A and an AAAA record, got %d records", n)
	}

	b = build(t, orbit, testApp(orbit, "web", ports(testPort(80, "HTTP", source(schema.Region, "us-east-1")))))
	b.silent()
	v = b.view("us-east-1/test-web")
	same(t, "rules", admitted(v, "IngressBalancerSg"), "Ipv6OfUsEast1", "NatUseast1Az1")
	if output := v.stack.Parameters["VpcIpv6CidrUsEast1"].Output; output == nil || output.Output != "VpcIpv6Cidr" {
		t.Errorf("source: %+v", output)
	}

	b = build(t, orbit, testApp(orbit, "web", ports(testPort(80, "HTTP", source(schema.OtherApp, "client")))),
		testApp(orbit, "client", availability(schema.InternetFacing, schema.InternetFacing, true)))
	b.reported("warning: client reaches a public load balancer over the IPv6 addresses of its VPC")
	same(t, "rules", admitted(b.view("us-east-1/test-web"), "IngressBalancerSg"),
		"ElasticIp01OfAppClient", "ElasticIp02OfAppClient", "Ipv6OfUsEast1")

	ula := ports(testPort(80, "HTTP", source(schema.CIDRv6, "fd00::/8")))
	b = build(t, orbit, testApp(orbit, "web", availability(schema.Private, schema.Private, false), ula))
	b.reported("warning: fd00::/8 cannot connect")
	b.view("us-east-1/test-web").has("PrivateBalancer", "IpAddressType", `"ipv4"`)
}
