package compiler

import (
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// cachePort is where every cache listens.
const cachePort = 6379

// caches makes the app's caches, each reachable from inside the VPC only, over TLS and with a password.
func caches(a appContext, g groups, r *report.Report) *part {
	p := &part{}
	if len(a.region.Caches) == 0 {
		return p
	}
	known := map[string]document.Cache[cfn.Value]{}
	var secrets []cfn.Value
	for _, c := range a.region.Caches {
		made := &part{}
		entry := cache(a, made, c, g, r)
		p.merge(made)
		known[c.Name] = entry
		secrets = append(secrets, entry.Secret)
	}
	p.statements = append(p.statements, reading(secrets...))
	p.document = both(p.document, func(doc *document.Document[cfn.Value]) { doc.Caches = known })
	return p
}

// cache makes one cache with its security group and password, and returns its entry in the instance document.
func cache(a appContext, p *part, c schema.Cache, g groups, r *report.Report) document.Cache[cfn.Value] {
	s := store{id: cacheID(c), what: "cache " + c.Name, at: c.Node, port: cachePort}.open(a, p, g)
	peerFinder{appContext: a, part: p, report: r}.admitPeers(s, c.Clients)

	secret := password(p, c.Pos, s.id+"Secret", "The password of the "+s.what+" of "+a.stackName(), "{}", nil)
	group := replicationGroup(a, p, c, s.group, secret)
	// Instances boot after the cache is there. Otherwise the app would fail its first connections.
	p.waitFor = append(p.waitFor, group)
	p.Output(s.id+document.OutputStoreHost, cfn.Output{Description: document.StoreHostDescription(document.KindCache, c.Name),
		Value: group.PrimaryAddress()})
	p.Output(s.id+document.OutputStoreSecret, cfn.Output{Description: "The ARN of the secret of the " + s.what + ".", Value: secret.Ref()})

	entry := document.Cache[cfn.Value]{Host: group.PrimaryAddress(), Port: cachePort, Secret: secret.Ref()}
	if c.Replicas > 0 {
		entry.Reader, entry.Nodes = group.ReaderAddress(), group.NodeAddresses()
	}
	return entry
}

// cacheID is unlike that of any other resource: a name that ends like the id of another cache's group or secret gets a suffix
// of its own.
func cacheID(c schema.Cache) string {
	words := strings.Split(c.Name, "-")
	id := "Cache" + idPart(c.Name)
	if slices.Contains([]string{"sg", "secret"}, words[len(words)-1]) {
		id += "X" + hash(c.Name)
	}
	return id
}

// replicationGroup is the cache itself. Its password is AUTH's; user groups would give more users, which an app has no use
// for, and CloudFormation would have to name them for the whole account.
func replicationGroup(a appContext, p *part, c schema.Cache, group *cfn.SecurityGroup, secret *cfn.Secret) *cfn.ReplicationGroup {
	return add(p, c.Pos, cacheID(c), &cfn.ReplicationGroup{
		Attributes:                  cfn.Attributes{DeletionPolicy: cfn.Snapshot, UpdateReplacePolicy: cfn.Snapshot},
		ReplicationGroupDescription: "The cache " + c.Name + " of " + a.stackName(),
		Engine:                      c.Engine,
		EngineVersion:               c.Version,
		AutoMinorVersionUpgrade:     true,
		CacheNodeType:               c.InstanceType,
		NumCacheClusters:            1 + c.Replicas,
		AutomaticFailoverEnabled:    c.AutomaticFailover,
		MultiAZEnabled:              c.AutomaticFailover,
		AtRestEncryptionEnabled:     true,
		TransitEncryptionEnabled:    true,
		AuthToken:                   secret.Resolve(passwordKey),
		CacheSubnetGroupName:        a.net.subnetGroup(p, privateCache),
		SecurityGroupIds:            []cfn.Value{group.GroupId()},
		Port:                        cachePort,
		SnapshotRetentionLimit:      c.Backups,
		Tags:                        a.nameTag(),
	})
}
