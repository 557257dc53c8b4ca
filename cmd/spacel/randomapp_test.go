package main

import (
	"fmt"
	"slices"
	"strings"
)

// randomApp is an app of a generated orbit. Where it runs is settled for all apps before anything else, since their sources
// depend on each other's.
type randomApp struct {
	*random
	name     string
	regions  []string
	sites    map[string]site
	types    []string // instance types that can stand in for each other
	max      int
	room     bool // for scaling, between the fewest instances and the most
	domain   bool // it has a name in every region
	plan     portPlan
	manifest object
	all      object
}

// site is from where an app can be reached in a region.
type site struct {
	instances, balancer string
	elastic             bool
}

func (s site) public() bool { return s.instances != "private" }

// place chooses the app's regions and availabilities.
func (a *randomApp) place() {
	orbit := a.orbit["regions"].([]string)
	a.regions = orbit
	a.manifest = object{"name": a.name}
	if a.chance(40) {
		a.regions = some(a.random, 1, orbit...)
		a.manifest["regions"] = slices.Concat(a.regions, some(a.random, 0, "sa-east-1"))
	}
	a.all, a.sites = object{}, map[string]site{}
	a.manifest["all"] = a.all
	usual := a.site()
	a.writeSite(a.all, usual)
	for _, region := range a.regions {
		s := usual
		if a.chance(25) || !a.places[region].nat && !usual.public() {
			s = a.otherSite(usual, a.places[region])
			a.writeSite(a.section(region), s)
		}
		a.sites[region] = s
	}
}

func (a *randomApp) site() site {
	s := site{instances: pick(a.random, "private", "private", "internet-facing", "multi-region"), balancer: "disabled"}
	if a.chance(75) {
		s.balancer = pick(a.random, "internet-facing", "internet-facing", "private", "multi-region")
	}
	s.elastic = s.public() && a.chance(40)
	return s
}

// otherSite differs from the usual one, but has a balancer where that has one.
func (a *randomApp) otherSite(usual site, p place) site {
	for {
		s := a.site()
		if (s.balancer == "disabled") == (usual.balancer == "disabled") && (s.public() || p.nat) {
			return s
		}
	}
}

func (a *randomApp) writeSite(section object, s site) {
	section["instance_availability"], section["elb_availability"] = s.instances, s.balancer
	section["elastic_ips"] = a.flag(s.elastic)
}

// section is the app's own section of a region.
func (a *randomApp) section(region string) object {
	if a.manifest[region] == nil {
		a.manifest[region] = object{}
	}
	return a.manifest[region].(object)
}

// everywhere says whether something holds in each of the app's regions.
func (a *randomApp) everywhere(holds func(region string, s site) bool) bool {
	return !slices.ContainsFunc(a.regions, func(region string) bool { return !holds(region, a.sites[region]) })
}

func (a *randomApp) balanced() bool { return a.sites[a.regions[0]].balancer != "disabled" }

func (a *randomApp) compose() {
	a.size()
	a.machine()
	a.names()
	a.ports()
	a.units()
	a.stores()
	a.alarms()
	a.scaling()
	a.logging()
	a.extras()
	for _, region := range a.regions {
		if a.chance(30) {
			a.override(region)
		}
	}
}

func (a *randomApp) size() {
	least := a.IntN(4)
	a.max = max(1, least) + a.IntN(4)
	a.room = a.max > least
	a.all["instance_min"], a.all["instance_max"] = a.quoted(least), a.quoted(a.max)
	a.maybe(a.all, 30, "instance_desired", func() any { return a.between(least, a.max) })
	a.maybe(a.all, 30, "instance_warmup", func() any { return a.between(0, 600) })
	a.maybe(a.all, 60, "update_policy", func() any { return pick(a.random, "rolling", "redblack", "disabled") })
	a.maybe(a.all, 40, "cw_stats", func() any { return a.flag(a.chance(70)) })
}

func (a *randomApp) machine() {
	a.types = pick(a.random,
		[]string{"t3.nano", "m7i.large", "m5.large", "c6i.xlarge"},
		[]string{"t4g.small", "m7g.large", "m6g.large", "c7g.xlarge", "r7g.large"},
		[]string{"m5d.large", "c5d.xlarge", "r5d.large"},
	)
	a.all["instance_type"] = pick(a.random, a.types...)
	a.maybe(a.all, 20, "ami", func() any { return a.image() })
	a.maybe(a.all, 30, "debian", func() any { return pick[any](a.random, 12, "13") })
	a.maybe(a.all, 30, "root_volume", func() any { return object{"size": a.between(8, 100)} })
	a.maybe(a.all, 40, "spot", func() any { return a.spot() })
	a.maybe(a.all, 40, "tags", func() any { return object{"team": a.name, "x:y": "é 1"} })
	if a.all["update_policy"] != "redblack" { // whose second group could not have the volumes of the first
		a.maybe(a.all, 40, "volumes", func() any { return a.volumes() })
	}
	a.maybe(a.all, 40, "permissions", func() any { return a.permissions() })
}

func (a *randomApp) spot() any {
	if a.chance(30) {
		return a.flag(a.chance(60))
	}
	s := object{}
	a.maybe(s, 60, "types", func() any { return some(a.random, 1, a.types...) })
	a.maybe(s, 30, "weights", func() any { return object{pick(a.random, a.types...): a.between(1, 4)} })
	a.maybe(s, 30, "price", func() any { return pick[any](a.random, 0.05, "1.5") })
	a.maybe(s, 50, "on_demand_base", func() any { return a.between(0, a.max) })
	a.maybe(s, 50, "strategy", func() any {
		return pick(a.random, "price-capacity-optimized", "capacity-optimized", "lowest-price", "diversified", "lowestPrice",
			"capacityOptimized")
	})
	return s
}

func (a *randomApp) volumes() object {
	volumes := object{"data": object{"count": a.between(1, 9), "mount_point": "/var/data"}}
	if slices.Contains(a.types, "m5d.large") {
		volumes["own"] = object{"instance": a.quoted(0)}
	}
	a.maybe(volumes, 50, "Fast.1", func() any {
		return pick(a.random, object{"type": "gp3", "size": 200, "iops": 6000}, object{"type": "io1", "size": 100, "iops": 2000},
			object{"type": "io2", "size": "20", "iops": "2000", "encrypted": a.flag(a.chance(70))})
	})
	a.maybe(volumes, 50, "slow_2", func() any {
		return pick(a.random, object{"type": "sc1", "size": 125}, object{"type": "st1", "size": 500}, object{"type": "gp2"}, object{})
	})
	return volumes
}

func (a *randomApp) permissions() []object {
	statements := []object{{"actions": []string{"s3:GetObject"}, "resources": []string{"arn:aws:s3:::bucket/*"}}}
	if a.chance(50) {
		statements = append(statements, object{"effect": "Deny", "actions": []string{"sqs:SendMessage"},
			"resources": []string{"arn:aws:sqs:us-east-1:123456789012:q"},
			"condition": object{"StringEquals": object{"aws:SourceVpc": []string{"vpc-1", "vpc-2"}},
				"Bool": object{"aws:SecureTransport": "false"}}})
	}
	return statements
}

func (a *randomApp) names() {
	a.domain = a.orbit["all"].(object)["domain"] != nil
	if a.chance(40) {
		a.all["hostnames"] = some(a.random, 1, a.name+".example.net", "*."+a.name+".example.org", a.name+"-2.Example.com.")
		a.domain = true
	}
	routing := pick(a.random, "latency", "weighted", "")
	if len(a.regions) == 1 && a.chance(40) {
		routing = "simple"
	}
	if routing == "" {
		return
	}
	a.all["dns"] = object{"routing": routing}
	for _, region := range a.regions {
		if routing == "weighted" && a.chance(50) {
			a.section(region)["dns"] = object{"routing": routing, "weight": a.between(0, 255)}
		}
	}
}

// units are services and files.
func (a *randomApp) units() {
	services, host := object{}, 8000
	for i := range 1 + a.IntN(3) {
		services[fmt.Sprintf("c%d%s", i, pick(a.random, "", ".service"))] = a.container(host + i)
	}
	// A container on the machine's own network publishes every port, so that any check is possible.
	services["edge"] = object{"image": "nginx:1.29", "network_mode": "host"}
	a.maybe(services, 40, "run", func() any { return object{"unit_file": a.content(), "environment": a.environment()} })
	a.maybe(services, 30, "backup.timer", func() any { return object{"unit_file": "[Timer]\nOnCalendar=hourly\n"} })
	a.all["services"] = services
	files := object{"motd": "welcome ${HOME} <&> __VERSION__\n"}
	a.maybe(files, 50, "etc/app.conf", func() any { return object{"body": "a2V5ID0gdmFsdWUK", "mode": "0600"} })
	a.maybe(files, 50, "secret", func() any { return a.content() })
	a.maybe(files, 15, "large", func() any { return incompressible(40_000) })
	a.maybe(a.all, 60, "files", func() any { return files })
	a.maybe(a.all, 30, "local_health_check", func() any { return a.check(8000) })
}

func incompressible(size int) any { return files(size)["files"].(object)["f"] }

func (a *randomApp) container(host int) object {
	c := object{"image": pick(a.random, "nginx:1.29", "example/app",
		"registry.example.com:5000/team/app@sha256:"+strings.Repeat("0123", 16))}
	a.maybe(c, 60, "ports", func() any {
		return object{fmt.Sprint(host): pick[any](a.random, 80, "8080", "53/udp"), fmt.Sprintf("127.0.0.1:%d", host+100): 90}
	})
	a.maybe(c, 40, "volumes", func() any { return object{"/var/data": "/data:ro", "/var/lib/named": "/named"} })
	a.maybe(c, 60, "environment", func() any { return a.environment() })
	return c
}

func (a *randomApp) environment() object {
	e := object{"COUNT": 5, "DEBUG": true, "TEXT": "a=b, $c 'd' \"e\"", "LIST": []any{1, "two"}}
	a.maybe(e, 50, "TOKEN", func() any { return a.payload() })
	return e
}

func (a *randomApp) payload() object {
	return object{"iv": "aXYxMjM0NTY3ODkwMTI=", "key": "a2V5", "ciphertext": "Y2lwaGVy", "key_region": a.regions[0],
		"encoding": pick(a.random, "utf-8", "bytes"), "version": pick[any](a.random, 1, "1", 0)}
}

func (a *randomApp) content() any {
	return pick[any](a.random, "[Service]\nExecStart=/bin/true ${x} %n\n",
		object{"body": "W1NlcnZpY2VdCkV4ZWNTdGFydD0vYmluL3RydWUK"}, a.payload())
}

// extras are the escape hatch.
func (a *randomApp) extras() {
	a.maybe(a.all, 30, "resources", func() any {
		return object{
			"Parameters": object{"Keep": object{"Type": "Number", "Default": 345600}},
			"Conditions": object{"Long": object{"Fn::Equals": []any{object{"Ref": "Keep"}, "345600"}}},
			"Resources": object{"ExtraParameter": object{"Type": "AWS::SSM::Parameter", "Condition": "Long", "DeletionPolicy": "Retain",
				"UpdateReplacePolicy": "Retain",
				"DependsOn":           "Role", "Properties": object{"Type": "String", "Value": object{"Fn::Sub": "${Keep} ${Asg} ${!x}"}}}},
			"Outputs": object{"ExtraValue": object{"Value": object{"Fn::GetAtt": "ExtraParameter.Value"}, "Condition": "Long"}},
		}
	})
	a.maybe(a.all, 30, "patch", func() any {
		return object{"Asg": object{"Properties.MaxInstanceLifetime": 604800, "Properties.MetricsCollection": nil}}
	})
}

// override says in a region what can differ there by itself.
func (a *randomApp) override(region string) {
	own := a.section(region)
	a.maybe(own, 40, "instance_type", func() any { return pick(a.random, a.types...) })
	a.maybe(own, 40, "instance_max", func() any { return pick[any](a.random, nil, a.max+2) })
	a.maybe(own, 30, "services", func() any {
		return object{"c0": pick[any](a.random, object{"image": "other"}, object{"environment": nil, "image": "nginx"}), "c0.service": nil,
			"added": object{"image": "nginx"}}
	})
	a.maybe(own, 30, "files", func() any { return object{"motd": nil, "here": region} })
	a.maybe(own, 30, "tags", func() any { return pick[any](a.random, nil, object{"here": region}) })
	a.maybe(own, 20, "permissions", func() any { return a.permissions() })
	a.maybe(own, 20, "logging", func() any { return nil })
	a.maybe(own, 20, "patch", func() any { return object{} })
	a.maybe(own, 20, "resources", func() any { return object{} })
	a.maybe(own, 30, "private_ports", func() any { return object{"7000": []string{"udp"}, "7001": nil} })
	if a.balanced() && a.plan.spare != 0 {
		a.maybe(own, 50, "public_ports", func() any { return object{fmt.Sprint(a.plan.spare): nil} })
	}
}
