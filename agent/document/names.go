package document

import "strings"

// This file holds the names that two programs must agree on, or that one program writes into a template and another reads
// from the live stack. They are written nowhere else: TestNamesStandInOnePlace holds that.

// The stacks that every orbit has in a region. An app cannot have one of these names, since its stack is named in the same way.
const (
	StackVPC     = "vpc"     // the network
	StackTables  = "tables"  // the DynamoDB tables and the boot log group, which outlive the stack
	StackBastion = "bastion" // absent when the region has no bastions
)

// OrbitStacks lists the names no app can have.
func OrbitStacks() []string { return []string{StackVPC, StackTables, StackBastion} }

// StackName returns the name of an orbit's stack: of one of the orbit's own, or of an app.
func StackName(orbit, name string) string { return orbit + "-" + name }

// CutStackName returns the name of which StackName made a stack's name, and false when the stack is not named after the orbit.
func CutStackName(orbit, stack string) (name string, found bool) {
	return strings.CutPrefix(stack, orbit+"-")
}

// The DynamoDB tables of an orbit, one of each in every region. TableName makes the full name.
const (
	UsersTable    = "users"
	ServicesTable = "services"
	VolumesTable  = "volumes"
	LocksTable    = "locks"    // who runs an exclusive job or a release task
	ReleasesTable = "releases" // the records of deploys; instances have no right on it
)

// TableName returns the full name of one of an orbit's tables.
func TableName(orbit, table string) string { return orbit + "-" + table }

// BootLogGroup returns the name of the log group that every instance's boot is logged to. It belongs to the tables stack, so
// the log of a failed boot outlives the app's stack.
func BootLogGroup(orbit string) string { return orbit + "-boot" }

// BootStreams returns the first part of the names of an app's streams in the boot log group. An empty app means the bastions.
func BootStreams(app string) string {
	if app == "" {
		return StackBastion
	}
	return app
}

// BootStreamPrefix returns the beginning of the names of an app's streams in the boot log group. The slash tells apps
// apart when one app's name begins with another's.
func BootStreamPrefix(app string) string { return BootStreams(app) + "/" }

// BootStream returns the name of an instance's stream in the boot log group. userdata/install.sh writes the same stream.
func BootStream(app, instance string) string { return BootStreamPrefix(app) + instance }

// FlowLogGroup returns the name of the log group of the VPC's flow logs.
func FlowLogGroup(orbit string) string { return orbit + "-flow-logs" }

// AliasPrefix begins the name of every KMS alias (AWS KMS API Reference, CreateAlias).
const AliasPrefix = "alias/"

// KeyAlias returns the alias of the KMS key for an app's secrets. The rights of instances go by the alias
// (kms:ResourceAliases), not by the key's id, which no build can know.
func KeyAlias(orbit, app string) string { return "alias/" + orbit + "-" + app }

// ReleasesKeyAlias returns the alias of the KMS key that signs the orbit's records of deploys. No app has this alias, because
// an app's name has no slash.
func ReleasesKeyAlias(orbit string) string { return "alias/" + orbit + "/" + ReleasesTable }

// CutKeyAlias returns the app of a KMS alias, and false when the alias is not of this orbit.
func CutKeyAlias(orbit, alias string) (app string, found bool) {
	return strings.CutPrefix(alias, KeyAlias(orbit, ""))
}

// The tags of everything that belongs to an orbit and an app. TagVolume has a volume's label as its value. Only volumes that
// instances share, and their snapshots, have it.
const (
	TagOrbit  = "spacel:orbit"
	TagApp    = "spacel:app"
	TagVolume = "spacel:volume"
)

// TagHostKey is the tag in which an instance records its SSH host key, as a line of known_hosts without the host's name. An
// instance may write this tag, and only on itself.
const TagHostKey = "spacel:ssh-host-key"

// CredentialHelper is the name of the program that Docker's client asks for logins. Docker's settings hold the last word of it.
const CredentialHelper = "docker-credential-spacel"

// EntrypointWords is the setting of a unit that has the number of words in a container's entrypoint, if it has more than one. docker
// run takes all words but the first in front of the command, so a reader of the unit could not tell them apart. systemd ignores
// settings that begin with X- (systemd.syntax(7)).
const EntrypointWords = "X-SpacelEntrypointWords"

// Parameters of an app's template that redeploy changes.
const (
	ParameterToken   = "Token"   // a new value replaces the instances
	ParameterVersion = "Version" // the deployed version
)

// WebhookKey is the name of a webhook's payload in its encryption context: the field of a manifest's endpoint.
const WebhookKey = "url"

// WebhookPrefix begins the names of the environment variables from which deploy reads webhooks that a manifest has in plain text.
const WebhookPrefix = "SPACEL_WEBHOOK_"

// VersionPattern is the form of ParameterVersion, that of an image's tag (github.com/distribution/reference, regexp.go).
const VersionPattern = `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`

// BucketParameter ends the name of each parameter for an S3 bucket. `spacel destroy` finds the buckets of a stack by it.
const BucketParameter = "Bucket"

// Logical ids of an app's log groups, which `spacel logs` looks up. The groups' own names are CloudFormation's.
const (
	DeployLogGroup = "DeployLogGroup" // the agent's own log
	DockerLogGroup = "DockerLogGroup" // the containers' output
)

// TagMaintenance is the tag of a load balancer's rule that answers in place of an app. Its value is the orbit. The role of
// OutputMaintenance may delete rules with this tag.
const TagMaintenance = "spacel:maintenance"

// StateKind returns the partition of the table of releases that holds an app's changes by hand.
func StateKind(app string) string { return "state/" + app }

// OutputMaintenance is the output of the tables stack with the role that ends maintenance at its time.
const OutputMaintenance = "MaintenanceRole"

// Outputs that deploy and the commands read. The last three are the beginnings of several outputs' names. OutputLocks belongs
// to the tables stack.
const (
	OutputVPC       = "VpcId"
	OutputLocks     = "LocksTable"
	OutputReleases  = "ReleasesTable"
	OutputInstances = "SecurityGroup" // the security group of an app's instances
	OutputBastions  = "BastionGroup"  // the security group of the bastions, in the VPC's stack
	OutputGroup     = "AutoScalingGroup"
	OutputBalancer  = "BalancerDNSName" // the load balancer's own host name
	OutputEndpoint  = "Endpoint"        // and a port: the app's URL there
	OutputDNSRecord = "DnsRecord"       // a host name of the stack
	OutputElasticIP = "ElasticIp"       // and a number: a public address
	OutputRelease   = "Release"         // how the app is released: assembly.Release as JSON
)
