package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

// testDatabase is a database with the language's defaults.
func testDatabase(name string, changes ...func(*schema.Database)) schema.Database {
	d := schema.Database{
		Node: at("web.json", 30, "all.databases."+name, "global", "public", "clients"), Name: name, Engine: "postgres", Version: "17",
		Port: 5432, InstanceType: "db.t4g.micro", Encrypted: true, Size: 20, StorageType: "gp3", Username: name, Backups: 7,
	}
	for _, change := range changes {
		change(&d)
	}
	return d
}

func withDatabases(all ...schema.Database) appChange {
	return func(app *schema.AppRegion) { app.Databases = slices.Clone(all) }
}

func hostedIn(region string) func(*schema.Database) {
	return func(d *schema.Database) { d.Global = region }
}

func openTo(clients ...schema.Peer) func(*schema.Database) {
	return func(d *schema.Database) { d.Clients = clients }
}

func publicly(d *schema.Database) { d.Public = true }

func TestDatabaseIsReadByTheAppAlone(t *testing.T) {
	v := lower(t, withDatabases(testDatabase("main"), testDatabase("notes")))
	statements := v.property("AgentPolicy", "PolicyDocument")
	want := `{"Action":["secretsmanager:GetSecretValue"],"Effect":"Allow","Resource":[{"Ref":"DatabaseMainSecret"},` +
		`{"Ref":"DatabaseNotesSecret"}]}`
	if !strings.Contains(statements, want) {
		t.Errorf("want %s in %s", want, statements)
	}
	if strings.Count(statements, "secretsmanager") != 1 {
		t.Errorf("more rights to secrets than one: %s", statements)
	}
	same(t, "rules", v.resources(ingressType, "IngressDatabaseMainSg"), "IngressDatabaseMainSgSgTcp5432")
	v.has("DatabaseMain", "PubliclyAccessible", "false")
	v.has("DatabaseMain", "DBSubnetGroupName", `{"Ref":"PrivateDatabaseSubnetGroup"}`)
}

// Instances come after all that their first connection needs.
func TestInstancesWaitForDatabases(t *testing.T) {
	v := lower(t, withDatabases(testDatabase("main")))
	for _, id := range []string{"DatabaseMain", "DatabaseMainSecretAttachment", "IngressDatabaseMainSgSgTcp5432"} {
		if waits := v.get("Resources", "Asg", "DependsOn"); !strings.Contains(waits, `"`+id+`"`) {
			t.Errorf("the group does not wait for %s: %s", id, waits)
		}
	}
}

// No password stands in a template, not even where the manifest's names lead: RDS and the cache take it from the secret.
func TestPasswordsStayInSecrets(t *testing.T) {
	v := lower(t, withDatabases(testDatabase("main")), withCaches(testCache("sessions")))
	v.has("DatabaseMain", "MasterUserPassword", `{"Fn::Sub":"{{resolve:secretsmanager:${DatabaseMainSecret}:SecretString:password}}"}`)
	v.has("CacheSessions", "AuthToken", `{"Fn::Sub":"{{resolve:secretsmanager:${CacheSessionsSecret}:SecretString:password}}"}`)
	userData := v.property("LaunchTemplate", "LaunchTemplateData")
	if strings.Contains(userData, "resolve:") {
		t.Error("user data resolves a secret, and so would show it")
	}
	for _, id := range []string{"DatabaseMainSecret", "CacheSessionsSecret"} {
		if !strings.Contains(userData, `{"Ref":"`+id+`"}`) {
			t.Errorf("the instances are not told of %s", id)
		}
	}
}

func TestDeletedDatabaseLeavesSnapshot(t *testing.T) {
	v := lower(t, withDatabases(testDatabase("main")), withCaches(testCache("sessions")))
	for _, id := range []string{"DatabaseMain", "CacheSessions"} {
		for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if got := v.get("Resources", id, policy); got != `"Snapshot"` {
				t.Errorf("%s of %s: want Snapshot, got %s", policy, id, got)
			}
		}
	}
}

func TestTLSIsRequiredFromTheInternet(t *testing.T) {
	for name, c := range map[string]struct{ engine, version, family, parameters string }{
		"postgres":       {"postgres", "16.9", "postgres16", `{"rds.force_ssl":"1"}`},
		"mysql":          {"mysql", "8.4.10", "mysql8.4", `{"require_secure_transport":"1"}`},
		"mysql, major":   {"mysql", "8.4", "mysql8.4", `{"require_secure_transport":"1"}`},
		"mariadb":        {"mariadb", "10.11.18", "mariadb10.11", `{"require_secure_transport":"1"}`},
		"postgres, bare": {"postgres", "17", "postgres17", `{"rds.force_ssl":"1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			v := lower(t, withDatabases(testDatabase("main", publicly,
				func(d *schema.Database) { d.Engine, d.Version = c.engine, c.version })))
			v.has("DatabaseMainParameters", "Family", `"`+c.family+`"`)
			v.has("DatabaseMainParameters", "Parameters", c.parameters)
			v.has("DatabaseMain", "DBParameterGroupName", `{"Ref":"DatabaseMainParameters"}`)
		})
	}
	orbit := testOrbit("us-east-1")
	oracle := testDatabase("main", publicly, func(d *schema.Database) { d.Engine, d.Version = "oracle-se2", "19.0.0.0" })
	build(t, orbit, testApp(orbit, "web", withDatabases(oracle))).reported("spacel does not make the clients of oracle-se2 use TLS")
}

func TestSQLServerIsGivenNoDatabase(t *testing.T) {
	v := lower(t, withDatabases(testDatabase("main", func(d *schema.Database) { d.Engine, d.Version = "sqlserver-se", "16.00" })))
	v.has("DatabaseMain", "DBName", "")
	v.has("DatabaseMain", "EngineLifecycleSupport", "")
}

// TestDatabaseClients is every kind of client of a database with a public address and of one without: which rules admit it
// beside the app, or why it is refused.
func TestDatabaseClients(t *testing.T) {
	home, away := source(schema.Region, "us-east-1"), source(schema.Region, "us-west-2")
	for name, c := range map[string]struct {
		public bool
		client schema.Peer
		peers  []string
		report string
	}{
		"private, cidr":          {false, source(schema.CIDRv4, "10.8.0.0/16"), []string{"Cidr10x8x0x0m16"}, ""},
		"private, everyone":      {false, anyone(), []string{"Cidr0x0x0x0m0"}, ""},
		"private, internet":      {false, source(schema.CIDRv4, "8.8.8.0/24"), nil, "8.8.8.0/24 is left out"},
		"private, ipv6":          {false, source(schema.CIDRv6, "2001:db8::/32"), nil, "answers over IPv4 only"},
		"private, list":          {false, source(schema.PrefixList, "pl-0a1b"), []string{"List0a1b"}, ""},
		"private, own region":    {false, home, []string{"Cidr10x0x0x0m16"}, ""},
		"private, other region":  {false, away, nil, "us-west-2 cannot reach the database main in us-east-1"},
		"private, other app":     {false, source(schema.OtherApp, "client"), []string{"AppClient"}, ""},
		"private, app elsewhere": {false, source(schema.OtherApp, "stranger"), []string{"AppStranger"}, ""},
		"private, app not here":  {false, source(schema.OtherApp, "western"), nil, "western does not run in us-east-1"},
		"public, internet":       {true, source(schema.CIDRv4, "8.8.8.0/24"), []string{"Cidr8x8x8x0m24"}, ""},
		"public, ipv6":           {true, source(schema.CIDRv6, "2001:db8::/32"), nil, "answers over IPv4 only"},
		"public, own region":     {true, home, []string{"Cidr10x0x0x0m16"}, ""},
		"public, other region":   {true, away, []string{"NatUswest2Az1"}, ""},
		"public, other app":      {true, source(schema.OtherApp, "client"), []string{"AppClient"}, ""},
		"public, no address":     {true, source(schema.Region, "eu-west-1"), nil, "eu-west-1 has no fixed address to admit"},
	} {
		t.Run(name, func(t *testing.T) {
			orbit := testOrbit("us-east-1", "us-west-2", "eu-west-1")
			orbit.Region("eu-west-1").NAT = schema.NATDisabled
			app := testApp(orbit, "web")
			app.Region("us-east-1").Databases = []schema.Database{
				testDatabase("main", openTo(c.client), func(d *schema.Database) { d.Public = c.public }),
			}
			app.Region("eu-west-1").InstanceAvailability = schema.InternetFacing
			western := testApp(orbit, "western")
			western.Regions = western.Regions[1:2]
			b := build(t, orbit, app, testApp(orbit, "client"), western)
			if c.report == "" {
				b.silent()
			} else {
				b.reported(c.report)
			}
			var want []string
			for _, peer := range append(c.peers, "Sg") {
				want = append(want, "IngressDatabaseMainSg"+peer+"Tcp5432")
			}
			same(t, "rules", b.view("us-east-1/test-web").resources(ingressType, "IngressDatabaseMainSg"), want...)
		})
	}
}

func TestGlobalDatabase(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	b := build(t, orbit, testApp(orbit, "web", withDatabases(testDatabase("main", hostedIn("us-east-1")))))
	b.silent()

	host := b.view("us-east-1/test-web")
	host.has("DatabaseMain", "PubliclyAccessible", "true")
	host.has("DatabaseMain", "DBSubnetGroupName", `{"Ref":"PublicDatabaseSubnetGroup"}`)
	host.has("DatabaseMainSecret", "ReplicaRegions", `[{"Region":"us-west-2"}]`)
	same(t, "rules", host.resources(ingressType, "IngressDatabaseMainSg"),
		"IngressDatabaseMainSgNatUswest2Az1Tcp5432", "IngressDatabaseMainSgSgTcp5432")

	client := b.view("us-west-2/test-web")
	same(t, "databases", client.resources("AWS::RDS::DBInstance", ""))
	same(t, "secrets", client.resources("AWS::SecretsManager::Secret", ""))
	for _, id := range []string{"DatabaseMainEndpoint", "DatabaseMainSecret"} {
		from := client.stack.Parameters[id].Output
		if from == nil || from.Optional || from.Region != "us-east-1" || from.Stack != "test-web" || from.Output != id {
			t.Errorf("%s comes from %+v", id, from)
		}
		if host.get("Outputs", id) == "" {
			t.Errorf("the hosting stack has no output %s", id)
		}
	}
	if got := fmt.Sprint(client.stack.DependsOn); !strings.Contains(got, "us-east-1/test-web") {
		t.Errorf("the client does not come after the host: %s", got)
	}
	if got := fmt.Sprint(host.stack.DependsOn); strings.Contains(got, "us-west-2/test-web") {
		t.Errorf("the host waits for the client: %s", got)
	}
	// The copy's ARN is the secret's in this region.
	arn := `{"Fn::Join":["",[{"Fn::Sub":"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"},` +
		`{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"DatabaseMainSecret"}]}]}]]}`
	if got := client.property("AgentPolicy", "PolicyDocument"); !strings.Contains(got, `"Resource":[`+arn+`]`) {
		t.Errorf("want %s in %s", arn, got)
	}
}

// A database is public before a second region uses it: RDS would replace it.
func TestGlobalDatabaseInOneRegion(t *testing.T) {
	v := lower(t, withDatabases(testDatabase("main", hostedIn("us-east-1"))))
	v.has("DatabaseMain", "PubliclyAccessible", "true")
	v.has("DatabaseMainSecret", "ReplicaRegions", "")
}

// The addresses of instances elsewhere are those they really have.
func TestGlobalDatabaseFromPublicInstances(t *testing.T) {
	for name, c := range map[string]struct {
		elastic bool
		peers   []string
		report  string
	}{
		"elastic": {true, []string{"ElasticIp01OfUsWest2", "ElasticIp02OfUsWest2", "Sg"},
			"is closed to us-west-2 until that stack has been deployed once"},
		"ephemeral": {false, []string{"Sg"}, "the instances in us-west-2 have no fixed address to admit"},
	} {
		t.Run(name, func(t *testing.T) {
			orbit := testOrbit("us-east-1", "us-west-2")
			app := testApp(orbit, "web", withDatabases(testDatabase("main", hostedIn("us-east-1"))))
			there := app.Region("us-west-2")
			there.InstanceAvailability, there.ElasticIPs = schema.InternetFacing, c.elastic
			there.InstanceMin = there.InstanceMax // an instance for every address
			b := build(t, orbit, app)
			b.reported(c.report)
			var want []string
			for _, peer := range c.peers {
				want = append(want, "IngressDatabaseMainSg"+peer+"Tcp5432")
			}
			same(t, "rules", b.view("us-east-1/test-web").resources(ingressType, "IngressDatabaseMainSg"), want...)
		})
	}
}

func TestGlobalDatabaseMistakes(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	app := testApp(orbit, "web", withDatabases(testDatabase("main", hostedIn("us-east-1"))))
	app.Region("us-east-1").Databases = []schema.Database{testDatabase("main")}
	build(t, orbit, app).reported("us-east-1 has no database main with global: us-east-1")

	app = testApp(orbit, "web", withDatabases(testDatabase("main", hostedIn("us-east-1"))))
	app.Region("us-west-2").Databases[0].Node = at("web.json", 50, "us-west-2.databases.main", "global", "size")
	build(t, orbit, app).reported("us-west-2.databases.main.size", "is ignored in us-west-2")

	both := testApp(orbit, "web", withDatabases(testDatabase("east", hostedIn("us-east-1")), testDatabase("west", hostedIn("us-west-2"))))
	b := build(t, orbit, both)
	if len(b.problems) != 2 || !strings.Contains(strings.Join(b.problems, "\n"),
		"us-west-2 cannot wait for the database east of us-east-1") {
		t.Errorf("two stacks that wait for each other: %q", b.problems)
	}
}
