package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// random makes manifests that are valid: an orbit and its apps. Equal seeds make equal manifests.
type random struct {
	*rand.Rand
	orbit  object
	places map[string]place // the orbit's regions
	apps   []*randomApp
}

// place is what the apps must know of the orbit in a region.
type place struct {
	nat  bool
	ipv6 bool
}

// zonesOf are the zones that generated orbits choose from, the constrained ones included.
var zonesOf = map[string][]string{
	"us-east-1":      {"use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"},
	"us-west-2":      {"usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"},
	"eu-west-1":      {"euw1-az1", "euw1-az2", "euw1-az3"},
	"eu-central-1":   {"euc1-az1", "euc1-az2", "euc1-az3"},
	"ap-northeast-1": {"apne1-az1", "apne1-az2", "apne1-az4"},
}

// unspoken is in every webhook that a manifest names, and must be in no artifact.
const unspoken = "Unspeakable"

func newRandom(seed uint64) *random {
	g := &random{Rand: rand.New(rand.NewPCG(seed, 3)), places: map[string]place{}}
	g.orbit = g.makeOrbit()
	for i := range 1 + g.IntN(4) {
		g.apps = append(g.apps, &randomApp{random: g, name: fmt.Sprintf("%s%d", pick(g, "web", "Jobs", "a-b", "x"), i)})
	}
	for _, app := range g.apps {
		app.place()
	}
	for _, app := range g.apps {
		app.compose()
	}
	return g
}

// chance is true in so many of a hundred cases.
func (g *random) chance(percent int) bool { return g.IntN(100) < percent }

// between is a number from low to high, sometimes in quotes.
func (g *random) between(low, high int) any { return g.quoted(low + g.IntN(high-low+1)) }

func (g *random) quoted(n int) any {
	if g.chance(20) {
		return fmt.Sprint(n)
	}
	return n
}

// flag is yes or no, in one of its words.
func (g *random) flag(yes bool) any {
	if yes {
		return pick[any](g, true, 1, "yes", "enabled", "TRUE", "please")
	}
	return pick[any](g, false, 0, "no", "Disabled", "false")
}

func pick[T any](g *random, choices ...T) T { return choices[g.IntN(len(choices))] }

// some are at least so many of the choices, in any order.
func some[T any](g *random, least int, choices ...T) []T {
	choices = slices.Clone(choices)
	g.Shuffle(len(choices), func(i, j int) { choices[i], choices[j] = choices[j], choices[i] })
	return choices[:least+g.IntN(len(choices)-least+1)]
}

// maybe sets a field in so many of a hundred cases.
func (g *random) maybe(o object, percent int, field string, value func() any) {
	if g.chance(percent) {
		o[field] = value()
	}
}

func (g *random) makeOrbit() object {
	regions := some(g, 1, "us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1")
	regions = regions[:min(len(regions), 3)]
	all := g.orbitSection()
	o := object{"name": pick(g, "prod", "Test-1", "o"), "regions": regions, "all": all}
	for i, region := range regions {
		o[region] = g.orbitRegion(region, all, i)
	}
	return o
}

func (g *random) orbitSection() object {
	all := object{"nat": pick(g, "enabled", "enabled", "per-az", "disabled")}
	g.maybe(all, 50, "ipv6", func() any { return g.flag(g.chance(60)) })
	g.maybe(all, 60, "domain", func() any { return pick(g, "example.com", "Sub.Example.org.") })
	g.maybe(all, 40, "flow_logs", func() any {
		return pick[any](g, true, "no", object{"retention": 30}, object{"traffic": "REJECT", "retention": "7"})
	})
	g.maybe(all, 40, "bastion_instance_count", func() any { return g.between(0, 5) })
	g.maybe(all, 30, "bastion_instance_type", func() any { return pick(g, "t4g.nano", "m5.large") })
	g.maybe(all, 40, "bastion_sources", func() any { return some(g, 1, "203.0.113.0/24", "10.0.0.0/8", "pl-0123456789abcdef0") })
	g.maybe(all, 20, "bastion_ami", func() any { return g.image() })
	g.maybe(all, 30, "debian", func() any { return pick[any](g, 12, "13") })
	g.maybe(all, 30, "provider", func() any { return "spacel" })
	g.maybe(all, 40, "tags", func() any { return object{"team": "space", "cost centre": "42 + 1"} })
	return all
}

func (g *random) image() string {
	return pick(g, "ami-0123456789abcdef0", "20260112-1234", "/images/debian/latest")
}

func (g *random) orbitRegion(region string, all object, i int) object {
	own := object{"private_network": fmt.Sprint(pick(g, "10.", "172."), 20+i)}
	g.maybe(own, 25, "nat", func() any { return pick(g, "enabled", "per-az", "disabled") })
	g.maybe(own, 20, "ipv6", func() any { return g.chance(50) })
	g.maybe(own, 20, "domain", func() any { return nil })
	g.maybe(own, 20, "bastion_instance_count", func() any { return pick[any](g, nil, 0, 3) })
	g.maybe(own, 20, "tags", func() any { return object{"region": region} })
	g.maybe(own, 60, "azs", func() any { return some(g, 2, zonesOf[region]...) })
	g.places[region] = place{
		nat:  first(own["nat"], all["nat"]) != "disabled",
		ipv6: yes(first(own["ipv6"], all["ipv6"])),
	}
	return own
}

func first(values ...any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

func yes(flag any) bool {
	return slices.Contains([]any{true, 1, "yes", "enabled", "TRUE", "please"}, flag)
}
