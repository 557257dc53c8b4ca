package compiler

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

const (
	listenerType = "AWS::ElasticLoadBalancingV2::Listener"
	targetsType  = "AWS::ElasticLoadBalancingV2::TargetGroup"
	balancerType = "AWS::ElasticLoadBalancingV2::LoadBalancer"
)

// twoPorts are 80 and 443, both to port 80.
func twoPorts() appChange {
	secure := testPort(443, "HTTPS", anyone())
	secure.InternalPort, secure.InternalScheme = 80, "HTTP"
	return ports(testPort(80, "HTTP", anyone()), secure)
}

// check makes a health check; written says whether the manifest has it.
func check(protocol string, port int, path string, written bool) appChange {
	return func(app *schema.AppRegion) {
		app.HealthCheck = withTiming(schema.HealthCheck{
			Node:     at("app.json", 30, "all.health_check"),
			Protocol: protocol, Port: port, Path: path, Default: !written,
		})
	}
}

func TestApplicationBalancer(t *testing.T) {
	v := lower(t, twoPorts(), func(app *schema.AppRegion) { app.IdleTimeout = 120 })
	v.has("PublicBalancer", "Type", `"application"`)
	v.has("PublicBalancer", "Scheme", `"internet-facing"`)
	v.has("PublicBalancer", "Subnets", `{"Ref":"PublicBalancerSubnets"}`)
	v.has("PublicBalancer", "SecurityGroups", `[{"Fn::GetAtt":["BalancerSg","GroupId"]}]`)
	v.has("PublicBalancer", "LoadBalancerAttributes", `[`+strings.Join([]string{
		`{"Key":"deletion_protection.enabled","Value":"false"}`,
		`{"Key":"idle_timeout.timeout_seconds","Value":"120"}`,
		`{"Key":"routing.http.desync_mitigation_mode","Value":"defensive"}`,
		`{"Key":"routing.http.drop_invalid_header_fields.enabled","Value":"true"}`,
		`{"Key":"routing.http2.enabled","Value":"true"}`,
	}, ",")+`]`)
	same(t, "listeners", v.resources(listenerType, ""), "PublicListener443", "PublicListener80")
	v.has("PublicListener80", "Protocol", `"HTTP"`)
	v.has("PublicListener80", "SslPolicy", "")
	v.has("PublicListener443", "Protocol", `"HTTPS"`)
	v.has("PublicListener443", "SslPolicy", `"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"`)
	v.has("PublicListener443", "Certificates", `[{"CertificateArn":{"Ref":"Certificate"}}]`)
	forward := `[{"TargetGroupArn":{"Ref":"PublicTargetsHTTP80"},"Type":"forward"}]`
	v.has("PublicListener80", "DefaultActions", forward)
	v.has("PublicListener443", "DefaultActions", forward)
	v.has("PublicTargetsHTTP80", "TargetGroupAttributes",
		`[{"Key":"deregistration_delay.timeout_seconds","Value":"60"},{"Key":"load_balancing.algorithm.type",`+
			`"Value":"least_outstanding_requests"}]`)
	v.has("Asg", "TargetGroupARNs", `[{"Ref":"PublicTargetsHTTP80"}]`)
	v.has("Asg", "HealthCheckType", `"ELB"`)
	if got := v.get("Resources", "Asg", "DependsOn"); got != `["AgentPolicy","PublicListener443","PublicListener80"]` {
		t.Errorf("the group waits for %s", got)
	}
}

func TestNetworkBalancer(t *testing.T) {
	pass := testPort(8443, "TCP", anyone())
	secure := testPort(993, "SSL", anyone())
	secure.InternalPort, secure.InternalScheme = 143, "TCP"
	inner := testPort(5671, "SSL", anyone())
	v := lower(t, ports(testPort(53, "UDP", anyone()), testPort(80, "HTTP", anyone()), secure, inner, pass), check("TCP", 80, "", true))
	v.has("PublicNetworkBalancer", "Type", `"network"`)
	v.has("PublicNetworkBalancer", "SecurityGroups", `[{"Fn::GetAtt":["BalancerSg","GroupId"]}]`)
	v.has("PublicNetworkBalancer", "LoadBalancerAttributes",
		`[{"Key":"deletion_protection.enabled","Value":"false"},{"Key":"load_balancing.cross_zone.enabled","Value":"true"}]`)
	for listener, c := range map[string][2]string{
		"PublicListener53":   {"UDP", "PublicTargetsUDP53"},
		"PublicListener80":   {"TCP", "PublicTargetsTCP80"},
		"PublicListener993":  {"TLS", "PublicTargetsTCP143"},
		"PublicListener5671": {"TLS", "PublicTargetsTLS5671"},
		"PublicListener8443": {"TCP", "PublicTargetsTCP8443"},
	} {
		v.has(listener, "Protocol", `"`+c[0]+`"`)
		v.has(listener, "DefaultActions", `[{"TargetGroupArn":{"Ref":"`+c[1]+`"},"Type":"forward"}]`)
		v.has(listener, "ListenerAttributes", "")
	}
	v.has("PublicListener993", "SslPolicy", `"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"`)
	v.has("PublicTargetsUDP53", "HealthCheckProtocol", `"TCP"`)
	v.has("PublicTargetsUDP53", "HealthCheckPort", `"80"`)
	v.has("PublicTargetsTCP143", "TargetGroupAttributes", `[{"Key":"deregistration_delay.timeout_seconds","Value":"60"}]`)
}

// TestNetworkIdleTimeout wants it on TCP listeners only, which alone can have another than AWS's, and only when it is written.
func TestNetworkIdleTimeout(t *testing.T) {
	v := lower(t, ports(testPort(5432, "TCP", anyone()), testPort(993, "SSL", anyone())), check("TCP", 5432, "", false),
		func(app *schema.AppRegion) {
			app.Node, app.IdleTimeout = at("app.json", 2, "all", "idle_timeout"), 600
		})
	v.has("PublicListener5432", "ListenerAttributes", `[{"Key":"tcp.idle_timeout.seconds","Value":"600"}]`)
	v.has("PublicListener993", "ListenerAttributes", "")
}

func TestNetworkBalancerCannotEncrypt(t *testing.T) {
	orbit := testOrbit("us-east-1")
	inner := testPort(5432, "TCP", anyone())
	inner.InternalScheme = "SSL"
	build(t, orbit, testApp(orbit, "web", ports(inner), check("TCP", 5432, "", false))).reported("cannot make SSL of it", "internal_scheme")
}

func TestPrivateBalancer(t *testing.T) {
	v := lower(t, availability(schema.Private, schema.Private, false), ports(testPort(80, "HTTP", source(schema.Region, "us-east-1"))))
	v.has("PrivateBalancer", "Scheme", `"internal"`)
	v.has("PrivateBalancer", "Subnets", `{"Ref":"PrivateBalancerSubnets"}`)
	v.has("PrivateListener80", "LoadBalancerArn", `{"Ref":"PrivateBalancer"}`)
	same(t, "targets", v.resources(targetsType, ""), "PrivateTargetsHTTP80")
}

func TestNoBalancer(t *testing.T) {
	for name, change := range map[string]appChange{
		"disabled": availability(schema.Disabled, schema.InternetFacing, false),
		"no ports": ports(),
	} {
		t.Run(name, func(t *testing.T) {
			v := lower(t, change)
			for _, kind := range []string{balancerType, listenerType, targetsType} {
				same(t, kind, v.resources(kind, ""))
			}
			same(t, "groups", v.resources("AWS::EC2::SecurityGroup", ""), "Sg")
			v.has("Asg", "HealthCheckType", `"EC2"`)
			if policy := v.property("AgentPolicy", "PolicyDocument"); strings.Contains(policy, "elasticloadbalancing") {
				t.Errorf("may ask for target health: %s", policy)
			}
		})
	}
}

func TestRedirect(t *testing.T) {
	plain, secure := testPort(80, "HTTP", anyone()), testPort(443, "HTTPS", anyone())
	plain.RedirectTo = 443
	secure.InternalPort, secure.InternalScheme = 8080, "HTTP"
	v := lower(t, ports(plain, secure), check("HTTP", 8080, "/", true))
	v.has("PublicListener80", "DefaultActions",
		`[{"RedirectConfig":{"Port":"443","Protocol":"HTTPS","StatusCode":"HTTP_301"},"Type":"redirect"}]`)
	same(t, "targets", v.resources(targetsType, ""), "PublicTargetsHTTP8080")
	same(t, "to instances", v.resources(ingressType, "IngressSgBalancerSg"), "IngressSgBalancerSgTcp8080")
	same(t, "to the balancer", v.resources(ingressType, "IngressBalancerSg"),
		"IngressBalancerSgCidr0x0x0x0m0Tcp443", "IngressBalancerSgCidr0x0x0x0m0Tcp80")
}

// TestHealthChecks is the table of what the manifest's words become.
func TestHealthChecks(t *testing.T) {
	application := ports(testPort(80, "HTTP", anyone()))
	network := ports(testPort(80, "TCP", anyone()))
	inner := testPort(443, "HTTPS", anyone())
	tls := ports(inner)
	for name, c := range map[string]struct {
		ports, check appChange
		targets      string
		want         [4]string // protocol, port, path, codes
		report       string
	}{
		"ALB default": {application, check("TCP", 80, "", false), "HTTP80",
			[4]string{`"HTTP"`, `"80"`, `"/"`, `{"HttpCode":"200-499"}`}, ""},
		"ALB TCP": {application, check("TCP", 80, "", true), "HTTP80",
			[4]string{`"HTTP"`, `"80"`, `"/"`, `{"HttpCode":"200-499"}`}, "warning: an HTTP load balancer cannot check TCP"},
		"ALB SSL": {application, check("SSL", 443, "", true), "HTTP80",
			[4]string{`"HTTPS"`, `"443"`, `"/"`, `{"HttpCode":"200-499"}`}, "write HTTPS:443/"},
		"ALB HTTP": {application, check("HTTP", 8080, "/health", true), "HTTP80",
			[4]string{`"HTTP"`, `"8080"`, `"/health"`, `{"HttpCode":"200"}`}, ""},
		"ALB HTTPS": {application, check("HTTPS", 8443, "/", true), "HTTP80",
			[4]string{`"HTTPS"`, `"8443"`, `"/"`, `{"HttpCode":"200"}`}, ""},
		"ALB TLS, default": {tls, check("TCP", 443, "", false), "HTTPS443", [4]string{`"HTTPS"`, `"443"`, `"/"`, `{"HttpCode":"200-499"}`},
			""},
		"NLB default": {network, check("TCP", 80, "", false), "TCP80", [4]string{`"TCP"`, `"80"`, "", ""}, ""},
		"NLB TCP":     {network, check("TCP", 81, "", true), "TCP80", [4]string{`"TCP"`, `"81"`, "", ""}, ""},
		"NLB SSL": {network, check("SSL", 80, "", true), "TCP80", [4]string{`"TCP"`, `"80"`, "", ""},
			"warning: a network load balancer cannot check a TLS handshake"},
		"NLB HTTP": {network, check("HTTP", 80, "/", true), "TCP80", [4]string{`"HTTP"`, `"80"`, `"/"`, `{"HttpCode":"200"}`}, ""},
		"NLB HTTPS": {network, check("HTTPS", 80, "/x", true), "TCP80", [4]string{`"HTTPS"`, `"80"`, `"/x"`, `{"HttpCode":"200"}`},
			""},
	} {
		t.Run(name, func(t *testing.T) {
			orbit := testOrbit("us-east-1")
			b := build(t, orbit, testApp(orbit, "web", c.ports, c.check))
			if c.report == "" {
				b.silent()
			} else {
				b.reported(c.report, "all.health_check", "app.json:30:1")
			}
			v := b.view("us-east-1/test-web")
			group := "PublicTargets" + c.targets
			v.has(group, "HealthCheckProtocol", c.want[0])
			v.has(group, "HealthCheckPort", c.want[1])
			v.has(group, "HealthCheckPath", c.want[2])
			v.has(group, "Matcher", c.want[3])
			v.has(group, "HealthCheckIntervalSeconds", "5")
			v.has(group, "HealthCheckTimeoutSeconds", "2")
			v.has(group, "HealthyThresholdCount", "2")
			v.has(group, "UnhealthyThresholdCount", "3")
		})
	}
}

// TestWhatCannotChangeInPlaceIsInTheIDs wants a balancer of another kind or scheme to share no target group with the old
// one: a target group belongs to one balancer, and both are there during the update.
func TestWhatCannotChangeInPlaceIsInTheIDs(t *testing.T) {
	seen := map[string]string{}
	for name, changes := range map[string][]appChange{
		"application": {ports(testPort(80, "HTTP", anyone()))},
		"network":     {ports(testPort(80, "TCP", anyone()))},
		"private application": {availability(schema.Private, schema.Private, false),
			ports(testPort(80, "HTTP", source(schema.Region, "us-east-1")))},
		"private network": {availability(schema.Private, schema.Private, false),
			ports(testPort(80, "TCP", source(schema.Region, "us-east-1")))},
	} {
		v := lower(t, changes...)
		for _, kind := range []string{balancerType, targetsType} {
			for _, id := range v.resources(kind, "") {
				if other, taken := seen[id]; taken {
					t.Errorf("%s: both %s and %s", id, name, other)
				}
				seen[id] = name
			}
		}
	}
}
