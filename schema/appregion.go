package schema

import (
	"strings"

	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// appBuilder makes an app in one region. It reads the section, which is the manifest's part for the region, and
// looks up everything else in the scope.
type appBuilder struct {
	types   []string // of the instances, once they are known
	section sections.Section
	scope   appScope
}

// appScope holds everything outside of the manifest's section: the data about AWS, the orbit in the same region,
// and the app's name and regions. It holds the report too, which takes all mistakes.
type appScope struct {
	facts        *language.Facts
	report       *report.Report
	orbit        *Orbit
	region       *OrbitRegion     // the orbit in this region
	orbitSection sections.Section // what the orbit's manifest says of this region
	app          string           // the app's name
	regions      []string         // the regions that the app is in
}

// reader returns the reader of texts, variables and references.
func (c appScope) reader() content.Reader {
	return content.Reader{Facts: c.facts, Report: c.report, Region: c.region.Region}
}

// build makes the app in one region. The order matters: later steps read the results of earlier ones, such as the
// ports of the health check, or the instance types of volumes.
func (b appBuilder) build() *AppRegion {
	a := &AppRegion{
		Node:                 b.section.Node(),
		Region:               b.scope.region.Region,
		InstanceType:         b.section.Text("instance_type"),
		InstanceMin:          b.section.Number("instance_min"),
		InstanceMax:          b.section.Number("instance_max"),
		InstanceDesired:      b.section.Optional("instance_desired"),
		InstanceWarmup:       b.section.Optional("instance_warmup"),
		InstanceAvailability: Availability(b.section.Text("instance_availability")),
		ElasticIPs:           b.section.Flag("elastic_ips"),
		UpdatePolicy:         UpdatePolicy(b.section.Text("update_policy")),
		BootTimeout:          b.section.Number("boot_timeout"),
		ELBAvailability:      Availability(b.section.Text("elb_availability")),
		IdleTimeout:          b.section.Number("idle_timeout"),
		PassInvalidHeaders:   !b.section.Flag("drop_invalid_header_fields"),
		DeregistrationDelay:  b.section.Number("deregistration_delay"),
		TLSPolicy:            b.section.Text("tls_policy"),
		CWStats:              b.section.Flag("cw_stats"),
	}
	// The image and the agent's program depend on the architecture, so it comes before them.
	a.Architecture = b.scope.facts.Architecture(a.InstanceType)
	a.Image = b.image()
	// A child has its own defaults, which fill the fields missing in the manifest.
	root := b.section.Child("root_volume", b.scope.facts.Defaults.Lookup("root_volume"))
	a.RootVolume = RootVolume{Node: root.Node(), Size: root.Number("size")}
	a.Permissions = b.permissions()
	a.Tags = b.allTags()
	a.Update = b.update(a)
	a.Zones = b.zones()
	b.checkPlacement(a)

	// Everything about the load balancer. The health check needs the ports, and the check of the balancer needs all of it.
	a.Hostnames = b.hostnames()
	a.DNS = b.dns()
	a.PublicPorts = b.publicPorts(a)
	a.PrivatePorts = privatePorts(b.section)
	a.HealthCheck = healthCheck(b.section, b.scope.facts, a)
	a.LocalHealthCheck = localHealthCheck(b.section, a)
	b.checkBalancer(a)

	// Units and files come together: a file of variables belongs to a unit.
	a.Services = b.units().Services()
	a.Files = b.files()
	a.Registries = registries(b)
	checkPublished(b.section, a)

	// Data stores add variables to the units, so they come after them.
	a.Spot = b.spot(a)
	b.types = a.types()
	a.Volumes = b.volumes(a)
	checkUpdates(b.section, a)
	a.Databases = b.databases()
	a.Caches = b.caches()
	checkVariables(b.scope.report, a)
	a.Alarms = b.alarmBuilder().alarms()
	a.Scaling = b.scaling(a)
	b.checkZones(a)
	a.Logging = b.logging()
	a.Release = b.release(a)
	checkBootLimit(b.section, a)
	checkEnvironmentFiles(b.scope.report, a)
	a.Extra = extra(b.section)
	a.Patches = patches(b.section)
	checkReferences(b.section, a) // the names in references are those of the parts above
	return a
}

// image returns the machine image. The orbit's release of Debian is the default for its apps.
func (b appBuilder) image() Image {
	image := Image{Debian: b.section.Text("debian"), AMI: b.section.Text("ami")}
	if image.Debian == "" {
		image.Debian = b.scope.region.BastionImage.Debian
	}
	b.section.DeriveText("debian", image.Debian)
	return image
}

// checkPlacement checks the number of instances, and whether private ones have a way to the internet. Instances
// download packages and images when they boot, so private ones need NAT.
func (b appBuilder) checkPlacement(a *AppRegion) {
	checkInstanceType(b.scope.facts, b.section.Record, "instance_type")
	if a.InstanceMin > a.InstanceMax && !b.section.Unknown("instance_min") && !b.section.Unknown("instance_max") {
		b.section.Errorf("instance_min", "must be at most instance_max, got %d and %d", a.InstanceMin, a.InstanceMax)
	}
	checkDesired(b.section, a)
	if a.InstanceAvailability != Private {
		return
	}
	if b.scope.region.NAT == NATDisabled && !b.section.Unknown("instance_availability") {
		b.section.Errorf("instance_availability",
			"private instances need NAT, which the orbit has disabled in %s: enable nat there, or make the instances "+
				"internet-facing", a.Region)
	}
	if a.ElasticIPs {
		b.section.Errorf("elastic_ips",
			"private instances cannot have public addresses: set instance_availability to internet-facing or multi-region")
	}
}

// allTags merges the orbit's tags with the app's. The app's win. The limit is checked on the sum, unless the app
// alone exceeds it, which has been reported before.
func (b appBuilder) allTags() map[string]string {
	all := map[string]string{}
	for key, value := range b.scope.region.Tags {
		all[key] = value
	}
	own := tags(b.section.Record)
	for key, value := range own {
		all[key] = value
	}
	if len(own) <= maxTags && len(all) > maxTags {
		b.section.Errorf("tags", "must be at most %d tags with those of the orbit, got %d", maxTags, len(all))
	}
	return all
}

// permissions returns the IAM statements for its instances' role. IAM refuses a statement without actions or resources at deploy,
// so an empty list is an error already here.
func (b appBuilder) permissions() []Permission {
	var permissions []Permission
	for _, n := range b.section.List("permissions") {
		r := n.Record(b.scope.report, b.scope.facts.Defaults.Lookup("permission"))
		p := Permission{Node: r.Node(), Effect: r.Text("effect"), Actions: texts(r.List("actions")), Resources: texts(r.List("resources"))}
		for _, field := range []string{"actions", "resources"} {
			if r.Has(field) && len(r.List(field)) == 0 && !r.Unknown(field) {
				r.Errorf(field, "must name at least one")
			}
		}
		p.Condition = conditions(r)
		permissions = append(permissions, p)
	}
	return permissions
}

// conditions returns the conditions of an IAM statement: operator, then key, then one or more values.
func conditions(r sections.Record) map[string]map[string][]string {
	var conditions map[string]map[string][]string
	for _, operator := range r.Entries("condition") {
		keys := map[string][]string{}
		for _, e := range operator.Entries() {
			if e.Tree.Kind == manifest.List {
				keys[e.Key] = texts(e.Items())
			} else {
				keys[e.Key] = []string{e.Tree.Text}
			}
		}
		if conditions == nil {
			conditions = map[string]map[string][]string{}
		}
		conditions[operator.Key] = keys
	}
	return conditions
}

// texts returns the strings of a list. Their types have been checked by the definitions.
func texts(list []sections.Value) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.Tree.Text)
	}
	return out
}

// hostnames returns the app's DNS names in lower case, without a final dot. Without a list, and if the orbit has a
// domain, the name is <app>-<orbit>.<domain>.
func (b appBuilder) hostnames() []Hostname {
	if !b.section.Has("hostnames") {
		if b.scope.region.Domain == "" {
			return nil
		}
		name := strings.ToLower(b.scope.app + "-" + b.scope.orbit.Name + "." + b.scope.region.Domain)
		b.section.DeriveList("hostnames", []string{name})
		at := b.section.PosOf("hostnames")
		// DNS limits each part between dots to 63 characters, and the whole name to 253.
		if label := len(b.scope.app) + 1 + len(b.scope.orbit.Name); label > 63 {
			b.scope.report.Errorf(at, "the name %s begins with a label of %d characters, and DNS allows 63: set hostnames", name, label)
		}
		return []Hostname{{Node: sections.NewNode(at, nil), Name: name}}
	}
	var names []Hostname
	var texts []string
	seen := map[string]bool{}
	for _, n := range b.section.List("hostnames") {
		name := strings.ToLower(strings.TrimSuffix(n.Tree.Text, "."))
		switch {
		case seen[name]:
			b.scope.report.Warnf(n.Pos(), "%s is listed twice", name)
			continue
		case len(name) > 253:
			b.scope.report.Errorf(n.Pos(), "is longer than the 253 characters that DNS allows")
		}
		b.noteForeign(n, name)
		seen[name] = true
		names, texts = append(names, Hostname{Node: sections.NewNode(n.Pos(), nil), Name: name}), append(texts, name)
	}
	b.section.DeriveList("hostnames", texts)
	return names
}

// noteForeign notes a host name outside of the orbit's domain. It may be right, but it may also be the name of another orbit, and
// whoever merges the manifest then answers for that orbit's names.
func (b appBuilder) noteForeign(n sections.Value, name string) {
	domain := b.scope.region.Domain
	if domain == "" || name == domain || strings.HasSuffix(name, "."+domain) {
		return
	}
	b.scope.report.Notef(n.Pos(), "is outside of the orbit's domain, %s: the record is made in the zone of that name in the account",
		domain)
}

// dns returns the routing between regions. Simple routing has room for one region only: Route 53 would refuse a
// second record of the same name.
func (b appBuilder) dns() DNS {
	r := b.section.Child("dns", b.scope.facts.Defaults.Lookup("dns"))
	dns := DNS{Node: r.Node(), Routing: r.Text("routing"), Weight: r.Number("weight")}
	if r.Has("weight") && dns.Routing != "weighted" && !r.Unknown("routing") {
		r.Errorf("weight", "works only with routing: weighted")
	}
	if dns.Routing != "weighted" {
		r.Drop("weight")
	}
	if dns.Routing == "simple" && len(b.scope.regions) > 1 {
		r.Errorf("routing", "simple is for an app in one region: this one is in %s", strings.Join(b.scope.regions, ", "))
	}
	return dns
}
