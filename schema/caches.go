package schema

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/sections"
)

// caches returns the ElastiCache replication groups. Failover needs a replica to fail over to, so it is on by
// default as soon as there is one.
func (b appBuilder) caches() []Cache {
	var caches []Cache
	for _, e := range b.section.Entries("caches") {
		r := e.Record(b.scope.report, b.scope.facts.Defaults.Lookup("cache"))
		c := Cache{Node: r.Node(), Name: e.Key, Engine: r.Text("type"), Replicas: r.Number("replicas"), Backups: r.Number("backups")}
		c.Version = engineVersion(r, c.Engine, cacheEngine(b.scope.facts.Catalog.Caches, r, c.Engine))
		c.InstanceType = instanceClass(b.scope.facts, r, "cache.", b.scope.facts.Catalog.Shapes.Cache, "cache_classes")
		c.AutomaticFailover = c.Replicas > 0
		if r.Has("automatic_failover") {
			c.AutomaticFailover = r.Flag("automatic_failover")
		}
		if c.AutomaticFailover && c.Replicas == 0 && !r.Unknown("replicas") {
			r.Errorf("automatic_failover", "needs replicas: set replicas to 1 or more")
		}
		r.DeriveText("version", c.Version)
		r.DeriveFlag("automatic_failover", c.AutomaticFailover)
		c.Clients = b.scope.peers(r.List("clients"))
		caches = append(caches, c)
	}
	return caches
}

// cacheEngine returns an engine's versions. When another engine has the written version, such as 7.1, which only Redis OSS has, the hint
// names that one.
func cacheEngine(engines map[string]language.Engine, r sections.Record, name string) language.Engine {
	known := engines[name]
	if _, ok := majorOf(r.Text("version"), known.Versions); ok {
		return known
	}
	for _, other := range slices.Sorted(maps.Keys(engines)) {
		if _, ok := majorOf(r.Text("version"), engines[other].Versions); ok && other != name {
			known.Withdrawn = fmt.Sprintf("only %s has it: write type: %s, or leave version out", other, other)
		}
	}
	return known
}
