package main

import (
	"slices"
	"strings"
)

// stores are databases and caches.
func (a *randomApp) stores() {
	databases := object{}
	a.maybe(databases, 60, "orders", func() any { return a.database(a.chance(30)) })
	a.maybe(databases, 30, "Notes_1", func() any { return a.database(false) })
	a.maybe(databases, 40, "shared", func() any { return a.globalDatabase() })
	if databases["shared"] == nil {
		delete(databases, "shared")
		for _, region := range a.regions {
			a.maybe(a.section(region), 10, "databases", func() any { return object{"own": object{}} })
		}
	}
	a.maybe(a.all, 60, "databases", func() any { return databases })
	a.maybe(a.all, 40, "caches", func() any { return object{"sessions": a.cache(), "q-2": a.cache()} })
}

func (a *randomApp) database(public bool) object {
	d := pick(a.random,
		object{}, object{"type": "postgres", "version": 18, "storage_type": "io2", "size": 100, "iops": 1000},
		object{"version": "16.9", "size": 200, "iops": 2000}, object{"type": "mysql", "size": "500", "iops": "12000",
			"storage_type": "gp3"},
		object{"type": "mysql", "version": "8.4.8", "storage_type": "gp2", "port": 3307}, object{"type": "mariadb", "version": 11.8},
		object{"type": "sqlserver-se", "version": "16.00.4215.2.v1", "instance_type": "m6i.large"})
	d["username"] = "keeper"
	if public {
		d["public"] = a.flag(true)
	}
	a.maybe(d, 30, "multi_az", func() any { return a.flag(d["type"] != "sqlserver-se") })
	a.maybe(d, 30, "encrypted", func() any { return a.flag(a.chance(60)) })
	a.maybe(d, 30, "backups", func() any { return a.between(0, 35) })
	a.maybe(d, 30, "deletion_protection", func() any { return a.flag(a.chance(50)) })
	a.maybe(d, 30, "major_upgrades", func() any { return a.flag(a.chance(50)) })
	a.maybe(d, 60, "clients", func() any { return a.clients(public) })
	return d
}

// globalDatabase is nil where no region can host one.
func (a *randomApp) globalDatabase() any {
	host := pick(a.random, a.regions...)
	for _, region := range a.regions {
		if s := a.sites[region]; region != host && s.public() && !s.elastic {
			return nil
		}
	}
	return object{"global": host, "clients": a.clients(false)}
}

func (a *randomApp) cache() object {
	c := pick(a.random, object{}, object{"type": "redis", "version": "7.1"},
		object{"type": "valkey", "version": 8.1, "instance_type": "cache.m7g.large"})
	replicas := a.IntN(4)
	c["replicas"] = a.quoted(replicas)
	a.maybe(c, 40, "automatic_failover", func() any { return a.flag(replicas > 0 && a.chance(50)) })
	a.maybe(c, 40, "backups", func() any { return a.between(0, 35) })
	a.maybe(c, 60, "clients", func() any { return a.clients(false) })
	return c
}

// clients are who can reach a store in all of the app's regions.
func (a *randomApp) clients(public bool) []string {
	return a.sourcesOf(a.words(), func(word, region string) bool {
		_, isRegion := a.places[word]
		other := a.other(word)
		switch {
		case strings.Contains(word, ":"):
			return a.places[region].ipv6
		case isRegion:
			return word == region || public && a.addressed(word)
		case other != nil:
			return slices.Contains(other.regions, region)
		}
		return true
	})
}
