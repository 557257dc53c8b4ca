package schema

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/schema/language"
)

// caches returns the ElastiCache replication groups. Failover needs a replica to fail over to, so it is on by
// default as soon as there is one.
func (b appBuilder) caches() []Cache {
	var caches []Cache
	for _, e := range b.section.entries("caches") {
		r := e.record(b.scope.report, b.scope.facts.Defaults.Lookup("cache"))
		c := Cache{Node: r.node(), Name: e.key, Engine: r.text("type"), Replicas: r.number("replicas"), Backups: r.number("backups")}
		c.Version = engineVersion(r, c.Engine, cacheEngine(b.scope.facts.Catalog.Caches, r, c.Engine))
		c.InstanceType = instanceClass(b.scope.facts, r, "cache.", b.scope.facts.Catalog.Shapes.Cache, "cache_classes")
		c.AutomaticFailover = c.Replicas > 0
		if r.has("automatic_failover") {
			c.AutomaticFailover = r.flag("automatic_failover")
		}
		if c.AutomaticFailover && c.Replicas == 0 && !r.unknown("replicas") {
			r.errorf("automatic_failover", "needs replicas: set replicas to 1 or more")
		}
		r.deriveText("version", c.Version)
		r.deriveFlag("automatic_failover", c.AutomaticFailover)
		c.Clients = b.scope.peers(r.list("clients"))
		caches = append(caches, c)
	}
	return caches
}

// cacheEngine returns an engine's versions. When another engine has the written version, such as 7.1, which only Redis OSS has, the hint
// names that one.
func cacheEngine(engines map[string]language.Engine, r record, name string) language.Engine {
	known := engines[name]
	if _, ok := majorOf(r.text("version"), known.Versions); ok {
		return known
	}
	for _, other := range slices.Sorted(maps.Keys(engines)) {
		if _, ok := majorOf(r.text("version"), engines[other].Versions); ok && other != name {
			known.Withdrawn = fmt.Sprintf("only %s has it: write type: %s, or leave version out", other, other)
		}
	}
	return known
}
