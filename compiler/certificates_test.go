package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

// names gives the app host names.
func names(hosts ...string) appChange {
	return func(app *schema.AppRegion) {
		app.Node = at("app.json", 2, "all", "hostnames")
		app.Hostnames = nil
		for i, host := range hosts {
			node := at("app.json", 40+i, fmt.Sprintf("all.hostnames[%d]", i))
			app.Hostnames = append(app.Hostnames, schema.Hostname{Node: node, Name: host})
		}
	}
}

func securePort(certificate string) appChange {
	port := testPort(443, "HTTPS", anyone())
	port.InternalPort, port.InternalScheme, port.Certificate = 80, "HTTP", certificate
	return ports(port)
}

func TestCertificateForEveryName(t *testing.T) {
	v := lower(t, securePort(""), names("www.example.com", "shop.example.co.uk", "a.example.com"))
	v.has("Certificate", "DomainName", `"www.example.com"`)
	v.has("Certificate", "SubjectAlternativeNames", `["a.example.com","shop.example.co.uk"]`)
	v.has("Certificate", "ValidationMethod", `"DNS"`)
	var options []string
	for _, host := range []string{"www.example.com", "a.example.com", "shop.example.co.uk"} {
		zone := "HostedZone" + idPart(host)
		options = append(options, `{"DomainName":"`+host+`","HostedZoneId":{"Ref":"`+zone+`"}}`)
		if source := v.stack.Parameters[zone].HostedZone; source == nil || source.Hostname != host {
			t.Errorf("%s: the zone comes from %+v", host, source)
		}
	}
	v.has("Certificate", "DomainValidationOptions", "["+strings.Join(options, ",")+"]")
}

func TestOtherCertificates(t *testing.T) {
	const arn = "arn:aws:acm:us-east-1:123456789012:certificate/0f6a2d4c-5e2b-4a8f-9d3e-1b7c8a9d0e1f"
	v := lower(t, securePort(arn))
	v.has("PublicListener443", "Certificates", `[{"CertificateArn":"`+arn+`"}]`)
	same(t, "made", v.resources("AWS::CertificateManager::Certificate", ""))

	v = lower(t, securePort("lookup"), names("www.example.com", "example.com"))
	v.has("PublicListener443", "Certificates", `[{"CertificateArn":{"Ref":"CertificateArn"}}]`)
	same(t, "looked up", v.stack.Parameters["CertificateArn"].Certificate.Hostnames, "www.example.com", "example.com")
	same(t, "made", v.resources("AWS::CertificateManager::Certificate", ""))
}

func TestNoCertificateUnlessAPortNeedsIt(t *testing.T) {
	v := lower(t)
	same(t, "made", v.resources("AWS::CertificateManager::Certificate", ""))
}

func TestTooManyNames(t *testing.T) {
	var hosts []string
	for i := range 11 {
		hosts = append(hosts, fmt.Sprintf("www%02d.example.com", i))
	}
	orbit := testOrbit("us-east-1")
	build(t, orbit, testApp(orbit, "web", securePort(""), names(hosts...))).reported("at most 10 names", "got 11", "all.hostnames")
}
