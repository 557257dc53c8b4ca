package schema

import (
	"strings"

	"github.com/pebble/spacel/schema/manifest"
)

// appBuilder makes an app of the model in one region.
type appBuilder struct {
	document
	orbit   *Orbit
	network *OrbitRegion // the orbit in this region
	name    string
	regions []string // the app's
	section
}

func (b appBuilder) build() *AppRegion {
	a := &AppRegion{
		Node:                 b.section.node(),
		Region:               b.network.Region,
		InstanceType:         b.text("instance_type"),
		InstanceMin:          b.number("instance_min"),
		InstanceMax:          b.number("instance_max"),
		InstanceDesired:      b.optional("instance_desired"),
		InstanceWarmup:       b.optional("instance_warmup"),
		InstanceAvailability: Availability(b.text("instance_availability")),
		ElasticIPs:           b.flag("elastic_ips"),
		UpdatePolicy:         UpdatePolicy(b.text("update_policy")),
		ELBAvailability:      Availability(b.text("elb_availability")),
		IdleTimeout:          b.number("idle_timeout"),
		DeregistrationDelay:  b.number("deregistration_delay"),
		TLSPolicy:            b.text("tls_policy"),
		CWStats:              b.flag("cw_stats"),
	}
	a.Architecture = b.facts.Architecture(a.InstanceType)
	a.Image = b.image()
	root := b.child("root_volume", b.facts.Defaults.Lookup("root_volume"))
	a.RootVolume = RootVolume{Node: root.node(), Size: root.number("size")}
	a.Permissions = b.permissions()
	a.Tags = b.allTags()
	b.placement(a)

	a.Hostnames = b.hostnames()
	a.DNS = b.dns()
	a.PublicPorts = b.publicPorts(a)
	a.PrivatePorts = b.privatePorts()
	a.HealthCheck = b.healthCheck(a)
	a.LocalHealthCheck = b.localHealthCheck()
	b.balancer(a)

	a.Services = b.services()
	a.Files = b.files()
	b.environmentFiles(a)

	a.Spot = b.spot(a)
	a.Volumes = b.volumes(a)
	a.Databases = b.databases()
	a.Caches = b.caches()
	b.variables(a)
	a.Alarms = b.alarms()
	a.Scaling = b.scaling(a)
	a.Logging = b.logging()
	a.Extra = b.extra()
	a.Patches = b.patches()
	return a
}

// orbitSection is what the orbit's manifest says of the region.
func (b appBuilder) orbitSection() section { return b.loader.orbit[b.network.Region] }

// clients says who the words of sources are.
func (b appBuilder) clients() clients {
	return clients{b.document, b.name, b.orbit, b.network}
}

// image is the machine image. Debian's release is the orbit's unless the app names one.
func (b appBuilder) image() Image {
	image := Image{Debian: b.text("debian"), AMI: b.text("ami")}
	if image.Debian == "" {
		image.Debian = b.network.BastionImage.Debian
	}
	return image
}

// placement checks how many instances there are, and where.
func (b appBuilder) placement(a *AppRegion) {
	b.instanceType(b.record, "instance_type")
	if a.InstanceMin > a.InstanceMax && !b.unknown("instance_min") && !b.unknown("instance_max") {
		b.mistake("instance_min", "must be at most instance_max, got %d and %d", a.InstanceMin, a.InstanceMax)
	}
	b.desired(a)
	if a.InstanceAvailability != Private {
		return
	}
	if b.network.NAT == NATDisabled && !b.unknown("instance_availability") {
		b.mistake("instance_availability", "private instances need NAT, which the orbit has disabled in %s: enable nat there, or make the instances internet-facing", a.Region)
	}
	if a.ElasticIPs {
		b.mistake("elastic_ips", "private instances cannot have public addresses: set instance_availability to internet-facing or multi-region")
	}
}

// allTags are the orbit's tags and the app's, which win.
func (b appBuilder) allTags() map[string]string {
	tags := map[string]string{}
	for key, value := range b.network.Tags {
		tags[key] = value
	}
	own := b.document.tags(b.record)
	for key, value := range own {
		tags[key] = value
	}
	if len(own) <= maxTags && len(tags) > maxTags {
		b.mistake("tags", "must be at most %d tags with those of the orbit, got %d", maxTags, len(tags))
	}
	return tags
}

func (b appBuilder) permissions() []Permission {
	var permissions []Permission
	for _, n := range b.list("permissions") {
		r := n.record(b.report, b.facts.Defaults.Lookup("permission"))
		p := Permission{Node: r.node(), Effect: r.text("effect"), Actions: texts(r.list("actions")), Resources: texts(r.list("resources"))}
		for _, field := range []string{"actions", "resources"} {
			if r.has(field) && len(r.list(field)) == 0 && !r.unknown(field) {
				r.mistake(field, "must name at least one")
			}
		}
		p.Condition = conditions(r)
		permissions = append(permissions, p)
	}
	return permissions
}

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

// texts are the strings of a list.
func texts(list []node) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.value.Text)
	}
	return out
}

// hostnames are the names that the app answers to.
func (b appBuilder) hostnames() []Hostname {
	if !b.has("hostnames") {
		if b.network.Domain == "" {
			return nil
		}
		name := strings.ToLower(b.name + "-" + b.orbit.Name + "." + b.network.Domain)
		at := b.posOf("hostnames")
		if label := len(b.name) + 1 + len(b.orbit.Name); label > 63 {
			b.report.Errorf(at, "the name %s begins with a label of %d characters, of which DNS allows 63: write hostnames", name, label)
		}
		return []Hostname{{Node: NewNode(at, nil), Name: name}}
	}
	var names []Hostname
	seen := map[string]bool{}
	for _, n := range b.list("hostnames") {
		name := strings.ToLower(strings.TrimSuffix(n.value.Text, "."))
		switch {
		case seen[name]:
			b.report.Warnf(n.pos(), "%s is listed twice", name)
			continue
		case len(name) > 253:
			b.report.Errorf(n.pos(), "is longer than the 253 characters that DNS allows")
		}
		seen[name] = true
		names = append(names, Hostname{Node: NewNode(n.pos(), nil), Name: name})
	}
	return names
}

func (b appBuilder) dns() DNS {
	r := b.child("dns", b.facts.Defaults.Lookup("dns"))
	dns := DNS{Node: r.node(), Routing: r.text("routing"), Weight: r.number("weight")}
	if r.has("weight") && dns.Routing != "weighted" && !r.unknown("routing") {
		r.mistake("weight", "is of use only with routing: weighted")
	}
	if dns.Routing == "simple" && len(b.regions) > 1 {
		r.mistake("routing", "simple is for an app in one region: this one is in %s", strings.Join(b.regions, ", "))
	}
	return dns
}
