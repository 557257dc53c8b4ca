package compiler

import (
	"cmp"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/units"
)

// requireTLS makes the parameter group with which a database refuses connections without TLS, when it has a public address;
// nil leaves the engine's own group.
func requireTLS(a appContext, p *part, d schema.Database, r *report.Report) cfn.Value {
	if !exposed(d) {
		return nil
	}
	parameter, family := tlsParameter(d)
	if parameter == "" {
		r.Warnf(d.At("public"),
			"spacel does not make the clients of %s use TLS, and they connect over the internet: use TLS in every client", d.Engine)
		return nil
	}
	return add(p, d.Pos, databaseID(d)+"Parameters", &cfn.DBParameterGroup{
		Description: "TLS for all clients of the database " + d.Name + " of " + a.stackName(),
		Family:      family,
		Parameters:  map[string]string{parameter: "1"},
		Tags:        a.nameTag(),
	}).Ref()
}

// tlsParameter is the parameter that requires TLS, and the family of the engine's parameter groups: postgres17, mysql8.4 (RDS
// User Guide, "Using SSL/TLS to encrypt a connection to a DB instance").
func tlsParameter(d schema.Database) (name, family string) {
	major := strings.Split(d.Version, ".")
	switch d.Engine {
	case "postgres":
		return "rds.force_ssl", "postgres" + major[0]
	case "mysql", "mariadb":
		return "require_secure_transport", d.Engine + strings.Join(major[:min(2, len(major))], ".")
	}
	return "", ""
}

// databaseCA is the file by which clients verify a database in a region, "" where RDS's authorities are not known.
func databaseCA(region string) string {
	if document.HasDatabaseCA(region) {
		return document.DatabaseCA
	}
	return ""
}

// noteUnverified notes a database whose clients cannot verify it.
func noteUnverified(d schema.Database, region string, r *report.Report) {
	if databaseCA(region) == "" {
		r.Notef(d.Pos, "connections in %s are encrypted but not verified: this release does not have the certificate authority of RDS "+
			"there", region)
	}
}

// authorities are the volumes by which every container of an app with databases has the authorities of RDS, at the path that
// the databases' URLs name.
func authorities(a appContext) []units.Mapping {
	for _, d := range a.region.Databases {
		if databaseCA(cmp.Or(d.Global, a.region.Region)) != "" {
			return []units.Mapping{{Host: document.DatabaseCA, Container: document.DatabaseCA + ":ro"}}
		}
	}
	return nil
}
