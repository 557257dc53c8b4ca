package compiler

import (
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// databaseSet is the app's databases.
type databaseSet struct {
	*part
	instances map[string]*cfn.DBInstance // those that this stack makes, by name
}

// databases makes the app's databases, or for one that another region hosts, the way to it. The instances know each by name
// and find the user and password in its secret, which they alone may read.
func databases(a appContext, g groups, own addresses, r *report.Report) databaseSet {
	set := databaseSet{&part{}, map[string]*cfn.DBInstance{}}
	known := map[string]document.Database[cfn.Value]{}
	for _, d := range a.region.Databases {
		if d.Global != "" && d.Global != a.region.Region {
			if there := hosted(a, d, r); there != nil {
				set.merge(there.part)
				known[d.Name] = there.entry
			}
			continue
		}
		noteUnverified(d, a.region.Region, r)
		here := database(a, d, g, own, r)
		set.merge(here.part)
		set.instances[d.Name] = here.instance
		known[d.Name] = here.entry
	}
	if len(known) == 0 {
		return set
	}
	var secrets []cfn.Value
	for _, d := range a.region.Databases {
		if entry, ok := known[d.Name]; ok {
			secrets = append(secrets, entry.Secret)
		}
	}
	set.statements = append(set.statements, reading(secrets...))
	set.document = both(set.document, func(doc *document.Document[cfn.Value]) { doc.Databases = known })
	return set
}

// knownDatabase is a database as the instances know it.
type knownDatabase struct {
	*part
	instance *cfn.DBInstance // nil when another stack makes it
	entry    document.Database[cfn.Value]
}

// database makes a database with its group, user and password, which the instances wait for.
func database(a appContext, d schema.Database, g groups, own addresses, r *report.Report) knownDatabase {
	p := &part{}
	s := store{id: databaseID(d), what: "database " + d.Name, at: d.Node, port: d.Port, public: exposed(d)}.open(a, p, g)
	from := peerFinder{appContext: a, part: p, own: own, report: r}
	from.admitPeers(s, d.Clients)
	if d.Global != "" {
		from.admitRegions(s, d)
	}

	secret := password(p, d.Pos, s.id+"Secret", "The first user of the "+s.what+" of "+a.stackName(),
		`{"username":"`+d.Username+`"}`, otherRegions(a, d))
	instance := dbInstance(a, p, d, s.group, secret)
	instance.DBParameterGroupName = requireTLS(a, p, d, r)
	attachment := add(p, d.Pos, s.id+"SecretAttachment", &cfn.SecretTargetAttachment{
		SecretId:   secret.Ref(),
		TargetId:   instance.Ref(),
		TargetType: instance.Type(),
	})
	p.waitFor = append(p.waitFor, instance, attachment)

	p.Output(s.id+document.OutputStoreHost, cfn.Output{Description: document.StoreHostDescription(document.KindDatabase, d.Name),
		Value: instance.EndpointAddress()})
	p.Output(s.id+document.OutputStorePort, cfn.Output{Description: "The port of the " + s.what + ".", Value: instance.EndpointPort()})
	p.Output(s.id+document.OutputStoreSecret, cfn.Output{Description: "The ARN of the secret of the " + s.what + ".", Value: secret.Ref()})
	return knownDatabase{p, instance, databaseEntry(d, a.region.Region, instance.EndpointAddress(), secret.Ref())}
}

// databaseID is the logical id. A change of it would replace the database.
func databaseID(d schema.Database) string { return "Database" + idPart(d.Name) }

// exposed says whether the database has a public address. One that other regions use has: the internet is all that lies
// between an orbit's regions. It has it from the start, since a database cannot move to other subnets.
func exposed(d schema.Database) bool { return d.Public || d.Global != "" }

// databaseTier is the kind of subnet for the database. Only a public tier has a route to the internet gateway.
func databaseTier(d schema.Database) tier {
	if exposed(d) {
		return publicDatabase
	}
	return privateDatabase
}

// dbInstance is the database itself. Deleting or replacing it leaves a snapshot, and the daily backups until they are too old.
func dbInstance(a appContext, p *part, d schema.Database, group *cfn.SecurityGroup, secret *cfn.Secret) *cfn.DBInstance {
	instance := &cfn.DBInstance{
		Attributes:               cfn.Attributes{DeletionPolicy: cfn.Snapshot, UpdateReplacePolicy: cfn.Snapshot},
		Engine:                   d.Engine,
		EngineVersion:            d.Version,
		EngineLifecycleSupport:   lifecycle(d.Engine),
		AutoMinorVersionUpgrade:  true,
		AllowMajorVersionUpgrade: d.MajorUpgrades,
		DBInstanceClass:          d.InstanceType,
		MultiAZ:                  d.MultiAZ,
		AllocatedStorage:         strconv.Itoa(d.Size),
		StorageType:              d.StorageType,
		Iops:                     d.IOPS,
		StorageEncrypted:         &d.Encrypted,
		DBName:                   initialDatabase(d),
		MasterUsername:           d.Username,
		MasterUserPassword:       secret.Resolve(passwordKey),
		DBSubnetGroupName:        a.net.subnetGroup(p, databaseTier(d)),
		VPCSecurityGroups:        []cfn.Value{group.GroupId()},
		PubliclyAccessible:       exposed(d),
		Port:                     strconv.Itoa(d.Port),
		BackupRetentionPeriod:    d.Backups,
		DeleteAutomatedBackups:   new(bool),
		CopyTagsToSnapshot:       true,
		DeletionProtection:       d.DeletionProtection,
		Tags:                     a.nameTag(),
	}
	if d.Snapshot != "" {
		restore(instance, d.Snapshot)
	}
	return add(p, d.Pos, databaseID(d), instance)
}

// restore has an instance start from a snapshot. Of the properties that a restored instance takes from its snapshot, CloudFormation refuses
// all but the password, which it sets after the restoration (Template Reference, AWS::RDS::DBInstance, DBSnapshotIdentifier; the CDK's
// DatabaseInstanceFromSnapshot does the same).
func restore(instance *cfn.DBInstance, snapshot string) {
	instance.DBSnapshotIdentifier = snapshot
	instance.DBName, instance.MasterUsername = "", ""
	instance.StorageEncrypted, instance.DeleteAutomatedBackups = nil, nil
}

// lifecycle keeps RDS from billing for the years after an engine's standard support; it upgrades the database then. Only
// these two engines have such years.
func lifecycle(engine string) string {
	if engine == "postgres" || engine == "mysql" {
		return "open-source-rds-extended-support-disabled"
	}
	return ""
}

// initialDatabase is the database that RDS makes in a new instance. Of SQL Server it makes none.
func initialDatabase(d schema.Database) string {
	if strings.HasPrefix(d.Engine, "sqlserver") {
		return ""
	}
	return d.Name
}

// databaseEntry is a database of a region in the instance document.
func databaseEntry(d schema.Database, region string, host, secret cfn.Value) document.Database[cfn.Value] {
	return document.Database[cfn.Value]{
		Engine: d.Engine, Host: host, Port: d.Port, Database: initialDatabase(d), Secret: secret, CA: databaseCA(region),
	}
}
