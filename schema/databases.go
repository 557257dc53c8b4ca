package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// databases returns the RDS instances of the app.
func (b appBuilder) databases() []Database {
	var databases []Database
	for _, e := range b.section.Entries("databases") {
		databases = append(databases, b.database(e))
	}
	return databases
}

// database reads one database. Port and user name have defaults that depend on other fields, so they are not in
// defaults.cue.
func (b appBuilder) database(e sections.Entry) Database {
	r := e.Record(b.scope.report, b.scope.facts.Defaults.Lookup("database"))
	d := Database{
		Node: r.Node(), Name: e.Key, Engine: r.Text("type"), Username: e.Key,
		MultiAZ: r.Flag("multi_az"), Encrypted: r.Flag("encrypted"), Public: r.Flag("public"),
		Size: r.Number("size"), StorageType: r.Text("storage_type"), IOPS: r.Number("iops"), Global: r.Text("global"),
		Backups: r.Number("backups"), DeletionProtection: r.Flag("deletion_protection"), MajorUpgrades: r.Flag("major_upgrades"),
		Snapshot: r.Text("snapshot"),
	}
	known := b.scope.facts.Catalog.Databases[d.Engine]
	d.Version = engineVersion(r, d.Engine, known)
	d.Port = known.Port
	if r.Has("port") {
		d.Port = r.Number("port")
	}
	if r.Has("username") {
		d.Username = r.Text("username")
	}
	d.InstanceType = instanceClass(b.scope.facts, r, "db.", b.scope.facts.Catalog.Shapes.Database, "database_classes")
	checkDatabaseNames(r, d)
	checkDatabaseStorage(b.scope.facts, r, &d)
	b.scope.checkGlobal(r, d)
	r.DeriveText("version", d.Version)
	r.DeriveNumber("port", strconv.Itoa(d.Port))
	r.DeriveText("username", d.Username)
	d.Clients = b.scope.peers(r.List("clients"))
	d.Alarms = b.alarmBuilder().databaseAlarms(r)
	return d
}

// engineVersion returns the engine's version. It must be a major version in catalog.cue, or a minor version of
// one. RDS and ElastiCache refuse unsupported versions, or bill extra for them.
func engineVersion(r sections.Record, name string, known language.Engine) string {
	if !r.Has("version") {
		if known.Default == "" && !r.Unknown("version") {
			r.Errorf("version", "is missing: %s has no default%s", name, offers(known))
		}
		return known.Default
	}
	version := r.Text("version")
	// No list means that catalog.cue does not know the engine's versions, so any is passed on to RDS.
	if known.Versions == nil {
		return version
	}
	major, ok := majorOf(version, known.Versions)
	if extended, is := majorOf(version, known.Extended); is && !ok {
		r.Errorf("version", "%s %s has only paid extended support: %s", name, extended, known.Withdrawn)
		return version
	}
	if !ok {
		r.Errorf("version", "there is no %s %s: %s", name, version, known.Withdrawn)
		return version
	}
	// A version without a minor number (17) has no number to compare: RDS chooses the newest minor version.
	minor, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(version, major), "."))
	if err == nil && minor < known.Oldest[major] {
		r.Errorf("version", "%s %s is no longer offered: use %s or %s.%d and later", name, version, major, major, known.Oldest[major])
	}
	return version
}

// offers returns the hint of an engine about its versions, to be added to a message.
func offers(known language.Engine) string {
	if known.Withdrawn == "" {
		return ""
	}
	return "; " + known.Withdrawn
}

// majorOf returns the major version, out of majors, of a version: 17 for 17.5.
func majorOf(version string, majors []string) (string, bool) {
	i := slices.IndexFunc(majors, func(major string) bool { return version == major || strings.HasPrefix(version, major+".") })
	if i < 0 {
		return "", false
	}
	return majors[i], true
}

// instanceClass returns an instance class of RDS or a node type of ElastiCache, with its prefix. It refuses
// families that AWS has withdrawn: catalog.cue lists them under the key withdrawn.
func instanceClass(facts *language.Facts, r sections.Record, prefix string, shape language.Pattern, withdrawn string) string {
	class := prefix + strings.TrimPrefix(r.Text("instance_type"), prefix)
	family := class[:max(strings.LastIndex(class, "."), 0)]
	if parts := strings.SplitN(class, ".", 3); len(parts) == 3 {
		family = parts[0] + "." + parts[1]
	}
	r.DeriveText("instance_type", class)
	if instead, gone := facts.Catalog.Withdrawn[withdrawn][family]; gone {
		r.Errorf("instance_type", "AWS no longer offers %s: use %s", family, instead)
	} else if !shape.MatchString(class) {
		r.Errorf("instance_type", "must look like %s, got %q", r.Defaults.Lookup("instance_type").Text, class)
	}
	return class
}

// longestUsers holds RDS's limits for the length of the first user's name, by family of engines, where they are
// lower than the language's limit (AWS::RDS::DBInstance, MasterUsername).
var longestUsers = map[string]int{"mysql": 16, "mariadb": 16, "oracle": 30, "db2": 16}

// longestSID is the longest name of a database of Oracle, in characters. The name becomes its system id, SID.
const longestSID = 8

// reserved lists user names that RDS refuses, by engine.
var reserved = map[string][]string{
	"postgres": {"admin", "rdsadmin", "rdsrepladmin", "user", "authorization", "public"},
	"mysql":    {"rdsadmin", "rdsrepladmin", "user", "mysql"},
	"mariadb":  {"rdsadmin", "rdsrepladmin", "user", "mysql"},
}

// checkDatabaseNames checks the names of the database and of its user against RDS's limits.
func checkDatabaseNames(r sections.Record, d Database) {
	field := "username"
	family, _, _ := strings.Cut(d.Engine, "-")
	if family == "oracle" && len(d.Name) > longestSID {
		r.Report.Errorf(r.At, "must have a name of at most %d characters for %s, got %d", longestSID, d.Engine, len(d.Name))
	}
	if most := longestUsers[family]; most > 0 && len(d.Username) > most {
		r.Errorf(field, "must have at most %d characters for %s, got %d", most, d.Engine, len(d.Username))
	}
	if slices.Contains(reserved[d.Engine], strings.ToLower(d.Username)) {
		r.Errorf(field, "%s is reserved by %s: choose another username", d.Username, d.Engine)
	}
}

// checkDatabaseStorage checks size, type and IOPS against RDS's limits. As in the 2016 tool, written IOPS turn the
// default type into io1, with a warning.
func checkDatabaseStorage(facts *language.Facts, r sections.Record, d *Database) {
	if instead, gone := facts.Catalog.Withdrawn["database_storage"][d.StorageType]; gone {
		r.Errorf("storage_type", "RDS no longer offers %s: use %s", d.StorageType, instead)
		return
	}
	if d.IOPS > 0 && !r.Has("storage_type") && !r.Unknown("storage_type") {
		d.StorageType = "io1"
		r.DeriveText("storage_type", d.StorageType)
		r.Warnf("iops", "changes the storage type to io1: set storage_type to io1")
	}
	allowed := facts.Catalog.Storage.Databases[d.StorageType]
	switch {
	case d.Size < allowed.Size.Min || d.Size > allowed.Size.Max:
		r.Errorf("size", "must be %d to %d GiB for %s, got %d", allowed.Size.Min, allowed.Size.Max, d.StorageType, d.Size)
	case d.IOPS == 0 && (d.StorageType == "io1" || d.StorageType == "io2"):
		r.Errorf("iops", "is missing: %s needs it, %d to %d", d.StorageType, allowed.IOPS.Min, allowed.IOPS.Max)
	case d.IOPS > 0 && allowed.Striped > 0 && d.Size < allowed.Striped && !strings.HasPrefix(d.Engine, "sqlserver"):
		r.Errorf("iops", "must be left out for %s below %d GiB, which always has 3000", d.StorageType, allowed.Striped)
	case d.IOPS > 0:
		checkIOPS(r, allowed, d.StorageType, d.Size, d.IOPS)
	}
}

// checkGlobal checks the region that hosts a shared database. The app must run there, because the app's stack in
// that region creates the database.
func (c appScope) checkGlobal(r sections.Record, d Database) {
	if d.Global == "" || !c.facts.CheckRegion(c.report, d.Global, r.PosOf("global")) || slices.Contains(c.regions, d.Global) {
		return
	}
	r.Errorf("global", "%s cannot host the database: the app does not run there, only in %s", d.Global, strings.Join(c.regions, ", "))
}

// checkVariables reports databases and caches with equal names, apart from case and dashes. Their environment
// variables, such as MAIN_URL, would be the same.
func checkVariables(found *report.Report, a *AppRegion) {
	seen := map[string]string{}
	claim := func(at report.Pos, what, name string) {
		prefix := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if other, ok := seen[prefix]; ok {
			found.Errorf(at, "would give the variable %s_URL, as %s does: rename one of them", prefix, other)
		}
		seen[prefix] = fmt.Sprintf("%s %s", what, name)
	}
	for _, c := range a.Caches {
		claim(c.Pos, "cache", c.Name)
	}
	for _, d := range a.Databases {
		claim(d.Pos, "database", d.Name)
	}
}
