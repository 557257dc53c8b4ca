package compiler

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

const recordType = "AWS::Route53::RecordSet"

func routing(kind string, weight int) appChange {
	return func(app *schema.AppRegion) {
		app.DNS = schema.DNS{Node: at("app.json", 50, "all.dns", "routing"), Routing: kind, Weight: weight}
	}
}

func TestRecordsOfABalancer(t *testing.T) {
	v := lower(t, names("www.example.com", "*.example.org"))
	same(t, "records", v.resources(recordType, ""), "DnsRecord"+idPart("*.example.org"), "DnsRecord"+idPart("www.example.com"))
	id := "DnsRecord" + idPart("www.example.com")
	v.has(id, "Name", `"www.example.com"`)
	v.has(id, "Type", `"A"`)
	v.has(id, "HostedZoneId", `{"Ref":"HostedZone`+idPart("www.example.com")+`"}`)
	v.has(id, "AliasTarget", `{"DNSName":{"Fn::GetAtt":["PublicBalancer","DNSName"]},"EvaluateTargetHealth":true,`+
		`"HostedZoneId":{"Fn::GetAtt":["PublicBalancer","CanonicalHostedZoneID"]}}`)
	v.has(id, "SetIdentifier", `"test-web-us-east-1"`)
	v.has(id, "Region", `"us-east-1"`)
	v.has(id, "TTL", "")
	if got := v.get("Resources", id, "DependsOn"); got != `["Asg"]` {
		t.Errorf("the name comes before the app: %s", got)
	}
	if got := v.origins[id]; got != "app.json:40:1" {
		t.Errorf("origin: %s", got)
	}
}

func TestRouting(t *testing.T) {
	id := "DnsRecord" + idPart("web-test.example.com")
	v := lower(t, routing("weighted", 0))
	v.has(id, "Weight", "0")
	v.has(id, "Region", "")
	v.has(id, "SetIdentifier", `"test-web-us-east-1"`)

	v = lower(t, routing("simple", 0))
	v.has(id, "SetIdentifier", "")
	v.has(id, "Region", "")
	v.has(id, "Weight", "")
}

func TestOneNameOneRouting(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	app := testApp(orbit, "web", routing("latency", 0))
	routing("weighted", 10)(app.Region("us-west-2"))
	b := build(t, orbit, app)
	if len(b.problems) != 2 {
		t.Fatalf("want a mistake per region, got %q", b.problems)
	}

	names("www.example.com")(app.Region("us-west-2"))
	build(t, orbit, app).silent()
}

func TestRecordsOfElasticAddresses(t *testing.T) {
	v := lower(t, availability(schema.Disabled, schema.InternetFacing, true))
	id := "DnsRecord" + idPart("web-test.example.com")
	v.has(id, "TTL", `"60"`)
	v.has(id, "ResourceRecords", `[{"Ref":"ElasticIp01"},{"Ref":"ElasticIp02"}]`)
	v.has(id, "Region", `"us-east-1"`)
}

func TestNamesThatNothingAnswers(t *testing.T) {
	change := availability(schema.Disabled, schema.InternetFacing, false)
	v := lower(t, change)
	same(t, "records", v.resources(recordType, ""))

	orbit := testOrbit("us-east-1")
	build(t, orbit, testApp(orbit, "web", change, names("www.example.com"))).reported("note: no DNS records are made for these names")
}

func TestLongSetIdentifier(t *testing.T) {
	orbit := testOrbit("us-east-1")
	name := strings.Repeat("a", 123) // with test- before it, CloudFormation's 128
	b := build(t, orbit, testApp(orbit, name, names("www.example.com")))
	b.silent()
	v := b.view("us-east-1/test-" + name)
	if got := v.property("DnsRecord"+idPart("www.example.com"), "SetIdentifier"); len(got) > 130 || got == "" {
		t.Errorf("SetIdentifier %s", got)
	}
}

func TestEndpoints(t *testing.T) {
	v := lower(t, twoPorts())
	for output, want := range map[string]string{"Endpoint80": `"http://web-test.example.com"`,
		"Endpoint443": `"https://web-test.example.com"`} {
		if got := v.get("Outputs", output, "Value"); got != want {
			t.Errorf("%s: want %s, got %s", output, want, got)
		}
	}

	v = lower(t, ports(testPort(8080, "HTTP", anyone())), func(app *schema.AppRegion) { app.Hostnames = nil })
	if got := v.get("Outputs", "Endpoint8080", "Value"); got != `{"Fn::Join":["",["http://",{"Fn::GetAtt":["PublicBalancer","DNSName"]},`+
		`":8080"]]}` {
		t.Errorf("without a name: %s", got)
	}

	v = lower(t, ports(testPort(5432, "TCP", anyone())), names("*.example.com", "db.example.com"), check("TCP", 5432, "", false))
	if got := v.get("Outputs", "Endpoint5432", "Value"); got != `"db.example.com:5432"` {
		t.Errorf("TCP: %s", got)
	}

	v = lower(t, availability(schema.Disabled, schema.InternetFacing, false))
	if got := v.get("Outputs", "Endpoint80"); got != "" {
		t.Errorf("nothing answers, yet: %s", got)
	}
}

func TestAddressesThatNobodyHolds(t *testing.T) {
	orbit := testOrbit("us-east-1")
	elastic := availability(schema.Disabled, schema.InternetFacing, true)
	build(t, orbit, testApp(orbit, "web", elastic, size(1, 3, schema.Rolling))).
		reported("all of its 3 elastic addresses", "have no instance")
	build(t, orbit, testApp(orbit, "web", elastic, size(1, 3, schema.Rolling), names())).silent()
}
