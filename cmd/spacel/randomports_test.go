package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// portPlan is what the rest of an app must know of its public ports.
type portPlan struct {
	kind   string // alb, nlb, or "" without a balancer
	counts []int  // ports of an alb that lead to the instances
	spare  int    // a port that nothing needs
}

func (a *randomApp) ports() {
	ports := object{}
	switch {
	case !a.balanced():
		a.directPorts(ports)
	case a.chance(65):
		a.webPorts(ports)
	default:
		a.networkPorts(ports)
	}
	for _, key := range slices.Sorted(maps.Keys(ports)) {
		a.portSources(ports[key].(object))
	}
	a.all["public_ports"] = ports
	a.maybe(a.all, 40, "private_ports", func() any {
		return object{"7000": []string{"TCP", "udp"}, "7001": []string{"-1"},
			"8000-8010": some(a.random, 1, "tcp", "UDP", "icmp", "ICMPv6")}
	})
	longest := 3600
	if a.all["volumes"] != nil { // an instance waits for its predecessor's volume, within boot_timeout
		longest = 600
	}
	a.maybe(a.all, 30, "deregistration_delay", func() any { return a.between(0, longest) })
	a.maybe(a.all, 30, "idle_timeout", func() any { return a.between(60, 4000) })
	a.maybe(a.all, 30, "tls_policy", func() any {
		return pick(a.random, "ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-TLS13-1-2-2021-06")
	})
	if a.chance(50) || a.plan.kind == "nlb" && a.chance(80) {
		a.all["health_check"] = a.check(8080)
	}
}

func (a *randomApp) check(port int) string {
	return fmt.Sprintf(pick(a.random, "TCP:%d", "HTTP:%d/health", "https:%d/", "http:%d", "SSL:%d"), port)
}

func (a *randomApp) directPorts(ports object) {
	for _, port := range some(a.random, 0, 80, 443, 8080, 53) {
		ports[fmt.Sprint(port)] = object{"scheme": pick(a.random, "HTTP", "tcp", "UDP", "https")}
	}
}

func (a *randomApp) webPorts(ports object) {
	a.plan.kind = "alb"
	lead := func(port int, body object) {
		ports[fmt.Sprint(port)] = body
		a.plan.counts = append(a.plan.counts, port)
	}
	secure := a.domain && a.chance(60)
	if secure {
		lead(443, a.web(object{"certificate": nil}))
	}
	switch {
	case secure && a.chance(50):
		ports["80"] = object{"redirect": a.quoted(443)}
	default:
		lead(80, a.web(object{}))
	}
	if a.chance(40) {
		a.plan.spare = 9000
		ports["9000"] = object{"scheme": "http", "internal_port": 8080}
	}
}

// web is a port of HTTP or HTTPS. A certificate of null is one to choose.
func (a *randomApp) web(port object) object {
	a.maybe(port, 60, "internal_port", func() any { return pick[any](a.random, 8080, "8081", 8443) })
	a.maybe(port, 30, "internal_scheme", func() any { return pick(a.random, "HTTP", "https") })
	if _, secure := port["certificate"]; secure {
		a.certificate(port)
	}
	return port
}

func (a *randomApp) certificate(port object) {
	delete(port, "certificate")
	a.maybe(port, 40, "certificate", func() any {
		return pick(a.random, "lookup", "arn:aws:iam::123456789012:server-certificate/web")
	})
}

func (a *randomApp) networkPorts(ports object) {
	a.plan.kind = "nlb"
	ports["5000"] = object{"scheme": pick(a.random, "tcp", "TCP"), "internal_port": pick(a.random, 5000, 8080)}
	if a.domain && a.chance(50) {
		ports["5001"] = object{"scheme": pick(a.random, "SSL", "tls"), "internal_port": 8080,
			"internal_scheme": pick(a.random, "TCP", "ssl")}
		a.certificate(ports["5001"].(object))
	}
	a.maybe(ports, 40, "53", func() any { return object{"scheme": "udp"} })
	a.maybe(ports, 40, "80", func() any { return object{} })
	if a.chance(40) {
		a.plan.spare = 9000
		ports["9000"] = object{"scheme": "HTTP", "internal_port": 8080}
	}
}

// portSources names who can send traffic to a port in all of the app's regions.
func (a *randomApp) portSources(port object) {
	lonely := !a.everywhere(func(_ string, s site) bool { return s.balancer != "multi-region" || a.reachable() })
	if !lonely && a.chance(50) {
		return
	}
	port["sources"] = append(a.sourcesOf(a.words(), a.mayCall), "198.51.100.0/24")
}

// reachable says whether some region of the orbit has addresses that stand for it.
func (a *randomApp) reachable() bool {
	return slices.ContainsFunc(a.orbit["regions"].([]string), a.addressed)
}

// addressed says whether addresses stand for the app's traffic from a region.
func (a *randomApp) addressed(region string) bool {
	return a.places[region].nat || a.sites[region].elastic
}

// words are what sources may hold, though not all of them everywhere.
func (a *randomApp) words() []string {
	words := []string{"10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32", "::/0", "pl-0123456789abcdef0", "elsewhere", "sa-east-1"}
	for _, other := range a.apps {
		words = append(words, other.name)
	}
	return append(words, a.orbit["regions"].([]string)...)
}

// sourcesOf are some of the words that are possible in every region of the app.
func (a *randomApp) sourcesOf(words []string, may func(word, region string) bool) []string {
	possible := slices.DeleteFunc(slices.Clone(words), func(word string) bool {
		return word == a.name || !a.everywhere(func(region string, _ site) bool { return may(word, region) })
	})
	chosen := some(a.random, 0, possible...)
	return chosen[:min(len(chosen), 4)]
}

// mayCall says whether a word is possible among the sources of a public port.
func (a *randomApp) mayCall(word, region string) bool {
	at := a.sites[region]
	_, isRegion := a.places[word]
	switch {
	case strings.Contains(word, ":"):
		return a.places[region].ipv6
	case strings.ContainsAny(word, "/") || strings.HasPrefix(word, "pl-") || word == "sa-east-1":
		return true
	case isRegion:
		return a.regionMayCall(word, region, at)
	}
	other := a.other(word)
	if other != nil && !slices.Contains(other.regions, region) {
		return false
	}
	if at.balancer == "private" || at.balancer == "disabled" {
		return true
	}
	if other != nil && other.sites[region].public() {
		return other.sites[region].elastic
	}
	return a.places[region].nat
}

func (a *randomApp) regionMayCall(word, region string, at site) bool {
	switch home := word == region; {
	case at.balancer == "private":
		return home
	case at.balancer == "disabled" && home:
		return true
	case at.balancer == "disabled" && !at.public():
		return false
	}
	return a.addressed(word)
}

func (a *randomApp) other(name string) *randomApp {
	i := slices.IndexFunc(a.apps, func(other *randomApp) bool { return other.name == name })
	if i < 0 {
		return nil
	}
	return a.apps[i]
}
