package compiler

import (
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/schema"
)

// testCache is a cache with the language's defaults.
func testCache(name string, changes ...func(*schema.Cache)) schema.Cache {
	c := schema.Cache{
		Node: at("web.json", 40, "all.caches."+name), Name: name, Engine: "valkey", Version: "8.2",
		InstanceType: "cache.t4g.micro", Backups: 1,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func withCaches(all ...schema.Cache) appChange {
	return func(app *schema.AppRegion) { app.Caches = all }
}

func TestCacheIsEncryptedAndReadByTheAppAlone(t *testing.T) {
	v := lower(t, withCaches(testCache("sessions")))
	v.has("CacheSessions", "AtRestEncryptionEnabled", "true")
	v.has("CacheSessions", "TransitEncryptionEnabled", "true")
	v.has("CacheSessions", "NumCacheClusters", "1")
	v.has("CacheSessions", "MultiAZEnabled", "false")
	same(t, "rules", v.resources(ingressType, "IngressCacheSessionsSg"), "IngressCacheSessionsSgSgTcp6379")
	want := `{"Action":["secretsmanager:GetSecretValue"],"Effect":"Allow","Resource":[{"Ref":"CacheSessionsSecret"}]}`
	if got := v.property("AgentPolicy", "PolicyDocument"); !strings.Contains(got, want) {
		t.Errorf("want %s in %s", want, got)
	}
	for _, id := range []string{"CacheSessions", "IngressCacheSessionsSgSgTcp6379"} {
		if waits := v.get("Resources", "Asg", "DependsOn"); !strings.Contains(waits, `"`+id+`"`) {
			t.Errorf("the group does not wait for %s: %s", id, waits)
		}
	}
}

// Only a cache with replicas has addresses to read from alone; CloudFormation might know none of another.
func TestCacheReaders(t *testing.T) {
	document := func(replicas int) string {
		return lower(t, withCaches(testCache("sessions", func(c *schema.Cache) { c.Replicas = replicas }))).property("LaunchTemplate",
			"LaunchTemplateData")
	}
	for _, attribute := range []string{"ReaderEndPoint.Address", "ReadEndPoint.Addresses"} {
		if strings.Contains(document(0), attribute) {
			t.Errorf("a lone node is asked for its %s", attribute)
		}
		if !strings.Contains(document(1), attribute) {
			t.Errorf("a cache with a replica is not asked for its %s", attribute)
		}
	}
}

func TestCacheIsNeverReachedFromElsewhere(t *testing.T) {
	orbit := testOrbit("us-east-1", "us-west-2")
	app := testApp(orbit, "web")
	app.Region("us-east-1").Caches = []schema.Cache{
		testCache("sessions", func(c *schema.Cache) { c.Clients = []schema.Peer{source(schema.Region, "us-west-2")} }),
	}
	build(t, orbit, app).reported("us-west-2 cannot reach the cache sessions in us-east-1")
}

// Names that come close to the ids of another cache's own group and secret keep apart.
func TestCachesKeepApart(t *testing.T) {
	v := lower(t, withCaches(testCache("a"), testCache("a-sg"), testCache("a-secret"), testCache("A_sg")))
	want := []string{"CacheA", "CacheASecretX" + hash("a-secret"), "CacheASgX" + hash("A_sg"), "CacheASgX" + hash("a-sg")}
	slices.Sort(want)
	same(t, "caches", v.resources("AWS::ElastiCache::ReplicationGroup", ""), want...)
}
