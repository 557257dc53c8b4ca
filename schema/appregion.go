package schema

import (
	"strings"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// appBuilder makes an app in one region. It reads the section, which is the manifest's part for the region, and
// looks up everything else in the scope.
type appBuilder struct {
	types   []string // of the instances, once they are known
	section section
	scope   appScope
}

// appScope holds everything outside of the manifest's section: the data about AWS, the orbit in the same region,
// and the app's name and regions. It holds the report too, which takes all mistakes.
type appScope struct {
	facts        *language.Facts
	report       *report.Report
	orbit        *Orbit
	region       *OrbitRegion // the orbit in this region
	orbitSection section      // what the orbit's manifest says of this region
	app          string       // the app's name
	regions      []string     // the regions that the app is in
}

// build makes the app in one region. The order matters: later steps read the results of earlier ones, such as the
// ports of the health check, or the instance types of volumes.
func (b appBuilder) build() *AppRegion {
	a := &AppRegion{
		Node:                 b.section.node(),
		Region:               b.scope.region.Region,
		InstanceType:         b.section.text("instance_type"),
		InstanceMin:          b.section.number("instance_min"),
		InstanceMax:          b.section.number("instance_max"),
		InstanceDesired:      b.section.optional("instance_desired"),
		InstanceWarmup:       b.section.optional("instance_warmup"),
		InstanceAvailability: Availability(b.section.text("instance_availability")),
		ElasticIPs:           b.section.flag("elastic_ips"),
		UpdatePolicy:         UpdatePolicy(b.section.text("update_policy")),
		BootTimeout:          b.section.number("boot_timeout"),
		ELBAvailability:      Availability(b.section.text("elb_availability")),
		IdleTimeout:          b.section.number("idle_timeout"),
		PassInvalidHeaders:   !b.section.flag("drop_invalid_header_fields"),
		DeregistrationDelay:  b.section.number("deregistration_delay"),
		TLSPolicy:            b.section.text("tls_policy"),
		CWStats:              b.section.flag("cw_stats"),
	}
	// The image and the agent's program depend on the architecture, so it comes before them.
	a.Architecture = b.scope.facts.Architecture(a.InstanceType)
	a.Image = b.image()
	// A child has its own defaults, which fill the fields missing in the manifest.
	root := b.section.child("root_volume", b.scope.facts.Defaults.Lookup("root_volume"))
	a.RootVolume = RootVolume{Node: root.node(), Size: root.number("size")}
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
	a.Services = b.services()
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
	image := Image{Debian: b.section.text("debian"), AMI: b.section.text("ami")}
	if image.Debian == "" {
		image.Debian = b.scope.region.BastionImage.Debian
	}
	b.section.deriveText("debian", image.Debian)
	return image
}

// checkPlacement checks the number of instances, and whether private ones have a way to the internet. Instances
// download packages and images when they boot, so private ones need NAT.
func (b appBuilder) checkPlacement(a *AppRegion) {
	checkInstanceType(b.scope.facts, b.section.record, "instance_type")
	if a.InstanceMin > a.InstanceMax && !b.section.unknown("instance_min") && !b.section.unknown("instance_max") {
		b.section.errorf("instance_min", "must be at most instance_max, got %d and %d", a.InstanceMin, a.InstanceMax)
	}
	checkDesired(b.section, a)
	if a.InstanceAvailability != Private {
		return
	}
	if b.scope.region.NAT == NATDisabled && !b.section.unknown("instance_availability") {
		b.section.errorf("instance_availability",
			"private instances need NAT, which the orbit has disabled in %s: enable nat there, or make the instances "+
				"internet-facing", a.Region)
	}
	if a.ElasticIPs {
		b.section.errorf("elastic_ips",
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
	own := tags(b.section.record)
	for key, value := range own {
		all[key] = value
	}
	if len(own) <= maxTags && len(all) > maxTags {
		b.section.errorf("tags", "must be at most %d tags with those of the orbit, got %d", maxTags, len(all))
	}
	return all
}

// permissions returns the IAM statements for its instances' role. IAM refuses a statement without actions or resources at deploy,
// so an empty list is an error already here.
func (b appBuilder) permissions() []Permission {
	var permissions []Permission
	for _, n := range b.section.list("permissions") {
		r := n.record(b.scope.report, b.scope.facts.Defaults.Lookup("permission"))
		p := Permission{Node: r.node(), Effect: r.text("effect"), Actions: texts(r.list("actions")), Resources: texts(r.list("resources"))}
		for _, field := range []string{"actions", "resources"} {
			if r.has(field) && len(r.list(field)) == 0 && !r.unknown(field) {
				r.errorf(field, "must name at least one")
			}
		}
		p.Condition = conditions(r)
		permissions = append(permissions, p)
	}
	return permissions
}

// conditions returns the conditions of an IAM statement: operator, then key, then one or more values.
func conditions(r record) map[string]map[string][]string {
	var conditions map[string]map[string][]string
	for _, operator := range r.entries("condition") {
		keys := map[string][]string{}
		for _, e := range operator.entries() {
			if e.value.Kind == manifest.List {
				keys[e.key] = texts(e.items())
			} else {
				keys[e.key] = []string{e.value.Text}
			}
		}
		if conditions == nil {
			conditions = map[string]map[string][]string{}
		}
		conditions[operator.key] = keys
	}
	return conditions
}

// texts returns the strings of a list. Their types have been checked by the definitions.
func texts(list []node) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.value.Text)
	}
	return out
}

// hostnames returns the app's DNS names in lower case, without a final dot. Without a list, and if the orbit has a
// domain, the name is <app>-<orbit>.<domain>.
func (b appBuilder) hostnames() []Hostname {
	if !b.section.has("hostnames") {
		if b.scope.region.Domain == "" {
			return nil
		}
		name := strings.ToLower(b.scope.app + "-" + b.scope.orbit.Name + "." + b.scope.region.Domain)
		b.section.deriveList("hostnames", []string{name})
		at := b.section.posOf("hostnames")
		// DNS limits each part between dots to 63 characters, and the whole name to 253.
		if label := len(b.scope.app) + 1 + len(b.scope.orbit.Name); label > 63 {
			b.scope.report.Errorf(at, "the name %s begins with a label of %d characters, and DNS allows 63: set hostnames", name, label)
		}
		return []Hostname{{Node: NewNode(at, nil), Name: name}}
	}
	var names []Hostname
	var texts []string
	seen := map[string]bool{}
	for _, n := range b.section.list("hostnames") {
		name := strings.ToLower(strings.TrimSuffix(n.value.Text, "."))
		switch {
		case seen[name]:
			b.scope.report.Warnf(n.pos(), "%s is listed twice", name)
			continue
		case len(name) > 253:
			b.scope.report.Errorf(n.pos(), "is longer than the 253 characters that DNS allows")
		}
		b.noteForeign(n, name)
		seen[name] = true
		names, texts = append(names, Hostname{Node: NewNode(n.pos(), nil), Name: name}), append(texts, name)
	}
	b.section.deriveList("hostnames", texts)
	return names
}

// noteForeign notes a host name outside of the orbit's domain. It may be right, but it may also be the name of another orbit, and
// whoever merges the manifest then answers for that orbit's names.
func (b appBuilder) noteForeign(n node, name string) {
	domain := b.scope.region.Domain
	if domain == "" || name == domain || strings.HasSuffix(name, "."+domain) {
		return
	}
	b.scope.report.Notef(n.pos(), "is outside of the orbit's domain, %s: the record is made in the zone of that name in the account",
		domain)
}

// dns returns the routing between regions. Simple routing has room for one region only: Route 53 would refuse a
// second record of the same name.
func (b appBuilder) dns() DNS {
	r := b.section.child("dns", b.scope.facts.Defaults.Lookup("dns"))
	dns := DNS{Node: r.node(), Routing: r.text("routing"), Weight: r.number("weight")}
	if r.has("weight") && dns.Routing != "weighted" && !r.unknown("routing") {
		r.errorf("weight", "works only with routing: weighted")
	}
	if dns.Routing != "weighted" {
		r.drop("weight")
	}
	if dns.Routing == "simple" && len(b.scope.regions) > 1 {
		r.errorf("routing", "simple is for an app in one region: this one is in %s", strings.Join(b.scope.regions, ", "))
	}
	return dns
}
