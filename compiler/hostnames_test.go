package compiler

import (
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

// One host name in one region leads to one app, unless the apps share it by weight.
func TestHostnamesOfTwoApps(t *testing.T) {
	isConflict := func(problem string) bool { return strings.Contains(problem, "is a host name of") }
	noRecords := func(app *schema.AppRegion) { app.ELBAvailability = schema.Disabled }
	in := func(region string, change appChange) appChange {
		return func(app *schema.AppRegion) {
			if app.Region == region {
				change(app)
			}
		}
	}
	const name = "www.example.com"
	for about, c := range map[string]struct {
		blog, shop []appChange
		want       string // of the problem; empty: there is none
	}{
		"written in both": {[]appChange{names(name)}, []appChange{names(name)}, "in one region a name leads to one app"},
		"a wildcard in both": {[]appChange{names("*.example.com")}, []appChange{names("*.example.com")},
			"*.example.com is a host name of the app blog, too"},
		"a wildcard and a name below it": {[]appChange{names("*.example.com")}, []appChange{names(name)}, ""},
		"another app's default name": {nil, []appChange{names(name, "blog-test.example.com")},
			"blog-test.example.com is a host name of the app blog, too"},
		"the one makes no records": {[]appChange{names(name), noRecords}, []appChange{names(name)}, ""},
		"by weight": {[]appChange{names(name), routing("weighted", 1)},
			[]appChange{names(name), routing("weighted", 9)}, ""},
		"two kinds of routing": {[]appChange{names(name)}, []appChange{names(name), routing("weighted", 9)},
			"this app's is weighted, that one's is latency"},
		"by latency in two regions": {[]appChange{in("us-east-1", names(name))}, []appChange{in("eu-west-1", names(name))}, ""},
		"simple in two regions": {[]appChange{in("us-east-1", names(name)), routing("simple", 0)},
			[]appChange{in("eu-west-1", names(name)), routing("simple", 0)}, "with simple routing a name leads to one app"},
	} {
		t.Run(about, func(t *testing.T) {
			orbit := testOrbit("us-east-1", "eu-west-1")
			b := build(t, orbit, testApp(orbit, "blog", c.blog...), testApp(orbit, "shop", c.shop...))
			got := strings.Join(slices.DeleteFunc(b.problems, func(p string) bool { return !isConflict(p) }), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A bastion's name has one record, whose routing is simple.
func TestHostnameOfABastion(t *testing.T) {
	orbit := testOrbit("us-east-1")
	orbit.Regions[0].BastionInstanceCount = 2
	for _, name := range []string{"us-east-1.test.example.com", "bastion01.us-east-1.test.example.com"} {
		build(t, orbit, testApp(orbit, "web", names(name))).reported(name + " is the name of a bastion of the orbit in us-east-1")
	}
	build(t, orbit, testApp(orbit, "web", names("web.us-east-1.test.example.com"))).silent()
	orbit.Regions[0].BastionInstanceCount = 0
	build(t, orbit, testApp(orbit, "web", names("us-east-1.test.example.com"))).silent()
}
