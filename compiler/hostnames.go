package compiler

import (
	"regexp"
	"strings"

	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// checkHostnames reports a host name that two apps make records of, if Route 53 would refuse the second record. That refusal
// would come last, after the second app's certificate, databases and instances are there. The names are compared as the
// schema gives them: in lower case, without a final dot, defaults included.
func checkHostnames(model *schema.Model, r *report.Report) {
	claims := map[string][]claim{} // by host name, of the apps so far
	for _, app := range model.Apps {
		for _, region := range app.Regions {
			for _, name := range region.Hostnames {
				if !answersTo(region, name.Name) {
					continue
				}
				checkBastionName(model.Orbit, name, r)
				this := claim{app, region, name.Pos}
				if other, why := this.conflict(claims[name.Name]); why != "" {
					r.Errorf(name.Pos, "%s is a host name of the app %s, too (%s): %s", name.Name, other.app.Name, other.at, why)
				}
				claims[name.Name] = append(claims[name.Name], this)
			}
		}
	}
}

// checkBastionName reports a host name that is the name of a bastion, in any region of the orbit. A bastion's record has simple
// routing, so it is the only one of its name.
func checkBastionName(orbit *schema.Orbit, host schema.Hostname, r *report.Report) {
	for _, region := range orbit.Regions {
		bastion := strings.ToLower(bastionName(orbit, region))
		before, _ := strings.CutSuffix(host.Name, bastion)
		if bastion != "" && host.Name == before+bastion && (before == "" || numberedBastion.MatchString(before)) {
			r.Errorf(host.Pos, "%s is the name of a bastion of the orbit in %s: give the app another name", host.Name, region.Region)
		}
	}
}

// numberedBastion is the beginning of the names that bastions have beside the first one's.
var numberedBastion = regexp.MustCompile(`^bastion[0-9]{2}\.$`)

// claim is an app's record of a host name in one region.
type claim struct {
	app    *schema.App
	region *schema.AppRegion
	at     report.Pos
}

// conflict returns the first of other apps' claims that exclude this one, and the reason. Records of one name share one kind of
// routing. Among latency records each has another region, and a simple record is alone. Weighted records exist side by side: they
// split the traffic (Route 53 API Reference, "ResourceRecordSet").
func (c claim) conflict(others []claim) (claim, string) {
	routing := c.region.DNS.Routing
	for _, other := range others {
		switch theirs := other.region.DNS.Routing; {
		case other.app == c.app: // checkRouting compares the regions of one app
		case theirs != routing:
			return other, "one name has one kind of routing, and this app's is " + routing + ", that one's is " + theirs
		case routing == "latency" && other.region.Region == c.region.Region:
			return other, "in one region a name leads to one app; give one of the apps another name, or both dns: {routing: weighted}"
		case routing == "simple":
			return other, "with simple routing a name leads to one app; give one of the apps another name"
		}
	}
	return claim{}, ""
}
