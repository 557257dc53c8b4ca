package compose

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// store is a database or cache that AWS runs in place of a container.
type store struct {
	images   []string // the last parts of the images' names
	field    string   // of the manifest: databases or caches; "" when spacel makes no such store
	engine   string
	versions []string // major versions without extra cost; the first one that begins the image's tag is used
	name     string   // of the variable with the database's name
	says     string   // a remark
}

// stores lists well-known images.
var stores = []store{
	{
		images: []string{"postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"},
		field:  "databases", engine: "postgres", versions: []string{"18", "17", "16", "15", "14"}, name: "POSTGRES_DB",
	},
	{
		images: []string{"mysql", "mysql-server", "percona", "percona-server"},
		field:  "databases", engine: "mysql", versions: []string{"8.4"}, name: "MYSQL_DATABASE",
	},
	{
		images: []string{"mariadb", "mariadb-galera"},
		field:  "databases", engine: "mariadb", versions: []string{"12.3", "11.8", "11.4", "10.11"}, name: "MARIADB_DATABASE",
	},
	{
		images: []string{"valkey", "valkey-bundle"},
		field:  "caches", engine: "valkey", versions: []string{"9.1", "9.0", "8.2", "8.1", "8.0", "7.2"},
	},
	{
		images: []string{"redis", "redis-stack", "redis-stack-server", "keydb", "dragonfly"}, field: "caches", engine: "valkey",
		says: "Valkey speaks the protocol of Redis.",
	},
	{
		images: []string{"memcached"}, field: "caches", engine: "valkey",
		says: "spacel makes no Memcached: this is for an application that can also use Valkey or Redis.",
	},
	{images: []string{"mongo", "mongodb", "mongodb-community-server"}, says: "Amazon DocumentDB can be made in resources."},
	{images: []string{"elasticsearch", "opensearch"}, says: "Amazon OpenSearch Service can be made in resources."},
	{images: []string{"rabbitmq"}, says: "Amazon MQ can be made in resources."},
	{images: []string{"kafka", "cp-kafka", "redpanda"}, says: "Amazon MSK can be made in resources."},
	{images: []string{"minio"}, says: "Amazon S3 can take its place."},
	{images: []string{"server-2022-latest", "mssql", "mssql-server"}, says: `databases has engines such as sqlserver-ex.`},
	{images: []string{"cassandra", "scylla", "couchdb", "couchbase", "neo4j", "influxdb", "clickhouse-server", "clickhouse"}},
	{images: []string{"zookeeper", "nats"}},
}

// storeOf returns the store in an image, nil for any other image.
func storeOf(image string) *store {
	// The registry and the owner do not matter: mirrors and forks have the same last part.
	name := path.Base(image)
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	if strings.Contains(image, "/mssql/") {
		name = "mssql"
	}
	for n := range stores {
		if slices.Contains(stores[n].images, name) {
			return &stores[n]
		}
	}
	return nil
}

// tagVersion matches the version at the beginning of a tag.
var tagVersion = regexp.MustCompile(`:(?:pg)?([0-9]+(?:\.[0-9]+)?)`)

// oddInStore matches characters not allowed in a database's name.
var oddInStore = regexp.MustCompile(`[^A-Za-z0-9_]`)

// reservedNames are names of databases that RDS refuses for the first user, which is called after the database.
var reservedNames = []string{
	"admin", "rdsadmin", "rdsrepladmin", "user", "authorization", "public", "mysql", "db", "postgres", "database", "root",
}

// offer returns a comment for a service that AWS could run as a database or cache, "" for any other.
func (i *importer) offer(service, unit, image string) string {
	s := storeOf(image)
	switch {
	case s == nil || s.field == "" && s.says == "":
		return ""
	case s.field == "":
		return s.says
	}
	name := i.storeName(service, *s)
	settings := "type: " + s.engine
	version := s.version(image)
	if version != "" {
		settings += fmt.Sprintf(", version: %q", version)
	}
	product := map[string]string{"databases": "Amazon RDS", "caches": "Amazon ElastiCache"}[s.field]
	kind := strings.TrimSuffix(s.field, "s")
	lines := []string{
		fmt.Sprintf("%s can run %s, with backups. Write this beside services, and remove the service:", product, unit),
		fmt.Sprintf("  %s:", s.field),
		fmt.Sprintf("    %s: {%s}", name, settings),
		fmt.Sprintf(`Its address is {from: "%s:%s.host"} in environment, or the variable %s_URL.`, kind, name, strings.ToUpper(name)),
	}
	if s.says != "" {
		lines = append(lines, s.says)
	}
	i.note(fmt.Sprintf("%s can run this container: the manifest has a comment with %s", product, s.field), "services", service, "image")
	return strings.Join(lines, "\n")
}

// version returns the offered version named by the image's tag, "" for the engine's default. An older version is not offered, so
// the comment has the default.
func (s store) version(image string) string {
	// A tag such as 16-alpine or pg16 names a version, and latest does not. MariaDB has
	// no default version in RDS, so its comment always has one.
	m := tagVersion.FindStringSubmatch(image)
	if m == nil {
		if s.engine == "mariadb" {
			return s.versions[0]
		}
		return ""
	}
	for _, version := range s.versions {
		if m[1] == version || strings.HasPrefix(m[1], version+".") || strings.HasPrefix(version, m[1]+".") {
			return version
		}
	}
	if s.engine == "mariadb" {
		return s.versions[0]
	}
	return ""
}

// storeName chooses the name of a database or cache: that of the database in the container if it has a known variable, or the
// service's.
func (i *importer) storeName(service string, s store) string {
	name := service
	if s.name != "" {
		environment := types.MappingWithEquals{}
		value := object(object(i.project.model["services"])[service])["environment"]
		if err := loader.Transform(clone(value), &environment); err == nil && environment[s.name] != nil && *environment[s.name] != "" {
			name = *environment[s.name]
		}
	}
	// The database's name is the first user's, too, which MySQL limits to 16 characters.
	name = strings.Trim(oddInStore.ReplaceAllString(name, "_"), "_0123456789")
	name = strings.TrimRight(name[:min(len(name), 16)], "_")
	if name == "" || slices.Contains(reservedNames, strings.ToLower(name)) {
		return "main"
	}
	return name
}
