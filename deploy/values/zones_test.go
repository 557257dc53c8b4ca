package values

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/pebble/spacel/compiler/assembly"
)

// zone makes a hosted zone, and gives its id.
func (a *awsEnv) zone(name string, private bool) string {
	a.Helper()
	in := &route53.CreateHostedZoneInput{Name: &name, CallerReference: &name}
	if private {
		in.HostedZoneConfig = &types.HostedZoneConfig{PrivateZone: true}
		in.VPC = &types.VPC{VPCId: aws.String("vpc-1"), VPCRegion: types.VPCRegionUsEast1}
	}
	out, err := a.cloud.Default().Route53().CreateHostedZone(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	return strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/")
}

func hostedZone(host string) assembly.ValueFrom {
	return assembly.ValueFrom{HostedZone: &assembly.HostedZone{Hostname: host}}
}

func TestHostedZone(t *testing.T) {
	a := newAWSEnv(t)
	short, long := a.zone("example.com", false), a.zone("eu.example.com.", false)
	a.zone("a.eu.example.com", true)
	a.zone("ample.com", false)
	for host, want := range map[string]string{
		"a.eu.example.com": long, "eu.example.com": long, "A.EU.Example.com": long, "b.example.com": short, "example.com": short,
		"xeu.example.com": short,
	} {
		a.wantValue(hostedZone(host), nil, Value{Text: want})
	}
	a.wantError(hostedZone("a.example.org"), "no public hosted zone of this account is one that a.example.org is in: it has ample.com, "+
		"eu.example.com, example.com; create the zone")
	a.wantError(hostedZone("notexample.com"), "no public hosted zone")
}

func TestNoHostedZones(t *testing.T) {
	newAWSEnv(t).wantError(hostedZone("a.example.org"), "it has none at all")
}

func TestHostedZonesOfOneName(t *testing.T) {
	a := newAWSEnv(t)
	one, two := a.zone("example.com", false), a.zone("example.com.", false)
	a.wantError(hostedZone("a.example.com"), "a.example.com is in more than one public hosted zone example.com: ", one, two)
}

// Many stacks with many names cost one call for each hundred zones.
func TestHostedZonesAreListedOnce(t *testing.T) {
	a := newAWSEnv(t)
	for i := range 105 {
		a.zone(fmt.Sprintf("z%d.example.com", i), false)
	}
	last := a.zone("zz.example.com", false)
	before := a.calls["route53"]
	r := a.resolver()
	for range 5 {
		values, err := r.Resolve(t.Context(), app(map[string]assembly.ValueFrom{"P": hostedZone("a.zz.example.com"),
			"Q": hostedZone("z104.example.com")}), nil)
		if err != nil || values["P"].Text != last {
			t.Errorf("got %v, %v", values, err)
		}
	}
	if n := a.calls["route53"] - before; n != 2 {
		t.Errorf("%d calls", n)
	}
	a.wantError(hostedZone("a.example.org"), " and 96 more")
}
