package compiler

import (
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// A global database is made by its hosting region's stack. The app's stacks in other regions take its address and secret from
// that stack's outputs, so deploy makes them after it. The hosting stack admits the addresses of their instances.

// hosted makes the parameters for a database in another region of the app. It returns nil after a mistake. Engine, size
// and all other fields come from the hosting region's section.
func hosted(a appContext, d schema.Database, r *report.Report) *knownDatabase {
	host, ok := databaseOf(a.app.Region(d.Global), d)
	if !ok {
		r.Errorf(d.At("global"), "%s has no database %s with global: %s: write it there too", d.Global, d.Name, d.Global)
		return nil
	}
	if awaits(a.app, d.Global, a.region.Region, map[string]bool{}) {
		r.Errorf(d.At("global"), "%s cannot wait for the database %s of %s, whose stack waits for a database of %s: "+
			"host them in one region",
			a.region.Region, d.Name, d.Global, a.region.Region)
	}
	for _, field := range d.Fields() {
		if field != "global" && d.At(field) != host.At(field) {
			r.Warnf(d.At(field), "is ignored in %s: %s hosts the database, and its section has the settings; remove it here",
				a.region.Region, d.Global)
		}
	}
	p := &part{}
	endpoint := a.fromHost(p, host, "Endpoint", `[a-z0-9][a-z0-9.-]*`, "The host name of the database "+d.Name+".")
	secret := a.fromHost(p, host, "Secret", `arn:[A-Za-z0-9/_+=.@:-]+`, "The ARN of the secret of the database "+d.Name+" in "+d.Global+".")
	return &knownDatabase{part: p, entry: databaseEntry(host, d.Global, endpoint, replica(secret))}
}

// awaits says whether an app's stack in one region comes after that in another, for the databases it uses.
func awaits(app *schema.App, region, other string, seen map[string]bool) bool {
	there := app.Region(region)
	if there == nil || seen[region] {
		return false
	}
	seen[region] = true
	for _, d := range there.Databases {
		if d.Global != "" && d.Global != region && (d.Global == other || awaits(app, d.Global, other, seen)) {
			return true
		}
	}
	return false
}

// databaseOf is a region's global database of the same name and host.
func databaseOf(region *schema.AppRegion, d schema.Database) (schema.Database, bool) {
	if region == nil {
		return schema.Database{}, false
	}
	for _, other := range region.Databases {
		if other.Name == d.Name && other.Global == d.Global {
			return other, true
		}
	}
	return schema.Database{}, false
}

// fromHost is an output of the hosting stack. The patterns keep what user data embeds free of quotes.
func (a appContext) fromHost(p *part, d schema.Database, what, pattern, description string) cfn.Value {
	id := databaseID(d) + what
	return p.parameter(id, cfn.Parameter{Type: "String", AllowedPattern: pattern, Description: description},
		assembly.ValueFrom{Output: &assembly.Output{Region: d.Global, Stack: a.stackName(), Output: id}}).Ref()
}

// replica is the ARN of a secret's copy in the stack's own region: all but the region is the same (Secrets Manager User Guide,
// "Replicate secrets across Regions"). The seventh piece of an ARN is the secret's name.
func replica(arn cfn.Value) cfn.Value {
	return cfn.Concat(cfn.ARN("secretsmanager", cfn.String("secret:")), cfn.Select(6, cfn.Split(":", arn)))
}

// otherRegions are the app's other regions that use a database which this one hosts.
func otherRegions(a appContext, d schema.Database) []string {
	var regions []string
	for _, other := range a.app.Regions {
		if _, uses := databaseOf(other, d); uses && d.Global != "" && other.Region != a.region.Region {
			regions = append(regions, other.Region)
		}
	}
	return regions
}

// admitRegions lets in the app's instances of the other regions, by the addresses they have on the internet.
func (f peerFinder) admitRegions(s store, d schema.Database) {
	for _, region := range otherRegions(f.appContext, d) {
		for _, peer := range f.instancesIn(region, s, d) {
			s.let(d.At("global"), peer)
		}
	}
}

// instancesIn are the addresses from which the app's instances in another region connect. It returns none after a
// mistake, which is reported.
func (f peerFinder) instancesIn(region string, s store, d schema.Database) []peer {
	there := f.app.Region(region)
	switch {
	case !public(there):
		return f.nat(f.model.Orbit.Region(region))
	case there.ElasticIPs:
		f.report.Warnf(d.At("global"), "the %s is closed to %s until that stack has been deployed once, since its elastic addresses are "+
			"not known before: a first deploy there must not need the database, or use private instances", s.what, region)
		return f.elastic(f.app, region)
	}
	f.report.Errorf(d.At("global"), "the instances in %s have no fixed address to admit: they have public addresses that change; "+
		"use instance_availability: private or elastic_ips: true there", region)
	return nil
}
