// Package schema is the manifest language: the CUE definitions of orbit and app manifests, and Load, which turns files into a
// checked Model. It is the first step of a build. Its packages import one way: schema imports language, language imports
// manifest, and all import report.
//
//	manifest/        reads a user's file or directory into a tree of plain data
//	language/        checks a tree against the definitions, explains mistakes, prints JSON Schema and the reference
//	report/          collects mistakes, warnings and notes
//	edit/            changes one value in a manifest's text
//	load.go          the steps from files to the Model, which is in model.go; the other files make one part of it each
package schema

import (
	"cmp"

	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
	"github.com/pebble/spacel/schema/sections"
	"github.com/pebble/spacel/schema/units"
)

// Model is a checked orbit with the apps of one build. Defaults are filled in, sections are merged, and each app
// has one AppRegion per region. The compiler reads nothing else.
type Model struct {
	Orbit *Orbit
	Apps  []*App // sorted by name
}

// Orbit is an environment such as production: one VPC per region, shared by the apps in it.
type Orbit struct {
	sections.Node
	Name    string
	Regions []*OrbitRegion // sorted by region
	Listed  []string       `json:"-"` // the regions in the order of the manifest
	Digest  string         `json:"-"` // of the manifest's data, in hex: equal manifests have equal ones

	Account             string // 12 digits; "" if the manifest has neither an account nor the ARN of a role
	Role                string // the ARN of the role that commands assume; "" for none
	PermissionsBoundary string // the ARN or the name of a managed policy; "" for none
}

// Region returns the orbit in one region, nil if it is not there.
func (o *Orbit) Region(name string) *OrbitRegion {
	for _, r := range o.Regions {
		if r.Region == name {
			return r
		}
	}
	return nil
}

// NAT selects how private instances reach the internet.
type NAT string

// The NAT modes: no gateway, one gateway for the region, one gateway in each zone.
const (
	NATDisabled NAT = "disabled"
	NATEnabled  NAT = "enabled"
	NATPerAZ    NAT = "per-az"
)

// OrbitRegion is an orbit in one region: its VPC, its network and its bastions.
type OrbitRegion struct {
	sections.Node
	Resolved *resolved.Section `json:"-"` // nil unless Inputs.Resolve
	Region   string            // us-east-1
	Zones    []string          // zone ids such as use1-az1, 2 or more; one that AWS adds later comes last

	ConstrainedZones []string // of Zones, those that take no NAT gateway; not all of them unless NAT is disabled

	Domain         string // hosted zone without the final dot; "" when none
	NAT            NAT
	PrivateNetwork string // the first two octets, such as 192.168
	IPv6           bool   // dual-stack
	FlowLogs       *FlowLogs

	BastionInstanceCount int
	BastionInstanceType  string
	BastionArchitecture  string // amd64 or arm64, from the instance type
	BastionSources       []Peer // CIDRv4, CIDRv6 or PrefixList
	BastionImage         Image

	Tags map[string]string // on every stack, and so on every resource CloudFormation can tag
}

// FlowLogs configures the flow logs of a VPC. They are kept in CloudWatch Logs.
type FlowLogs struct {
	sections.Node
	Retention int    // days, one of the values CloudWatch Logs knows
	Traffic   string // ALL, ACCEPT or REJECT
}

// Image selects the machine image of instances. Debian is a release of Debian's own images ("13"). AMI overrides
// it: an image id (ami-…), one build of Debian's image (20260112-1234), or the name of an SSM parameter (/…).
type Image struct {
	Debian string
	AMI    string
}

// App is an application. It has one auto scaling group per region.
type App struct {
	sections.Node
	Name    string
	Regions []*AppRegion // those that the orbit has too, sorted by region
}

// Region returns the app in one region, nil if it is not there.
func (a *App) Region(name string) *AppRegion {
	for _, r := range a.Regions {
		if r.Region == name {
			return r
		}
	}
	return nil
}

// Availability tells from where instances or a load balancer can be reached.
type Availability string

// The availabilities. Disabled is for load balancers only.
const (
	InternetFacing Availability = "internet-facing" // public addresses
	Private        Availability = "private"         // the region's VPC only
	MultiRegion    Availability = "multi-region"    // public addresses, for the orbit's own only
	Disabled       Availability = "disabled"        // no load balancer
)

// UpdatePolicy selects how new instances replace old ones.
type UpdatePolicy string

// The update policies.
const (
	Rolling        UpdatePolicy = "rolling"
	RedBlack       UpdatePolicy = "redblack"
	UpdateDisabled UpdatePolicy = "disabled"
)

// Update is the pace of rolling updates.
type Update struct {
	sections.Node
	Batch      int  // instances at a time, at least 1
	MinHealthy *int // percent; nil: not said
}

// AppRegion is an app in one region. All references inside of the manifest are resolved. References to other apps
// stay names, because those apps may be in another build.
type AppRegion struct {
	sections.Node
	Resolved *resolved.Section `json:"-"` // nil unless Inputs.Resolve
	Region   string

	InstanceType         string
	Architecture         string // amd64 or arm64, from the instance type
	InstanceMin          int
	InstanceMax          int
	InstanceDesired      *int // to begin with; nil: InstanceMin
	InstanceWarmup       *int // seconds until an instance's metrics count; nil: not said
	InstanceAvailability Availability
	Image                Image
	RootVolume           RootVolume
	ElasticIPs           bool
	UpdatePolicy         UpdatePolicy
	BootTimeout          int // seconds
	Update               Update
	Zones                []string // zone ids, in the order of the orbit's; nil: not said
	Permissions          []Permission

	ELBAvailability     Availability
	HealthCheck         HealthCheck
	LocalHealthCheck    *HealthCheck // nil when not written
	PublicPorts         []PublicPort // sorted by port
	PrivatePorts        []PrivatePort
	IdleTimeout         int  // seconds
	PassInvalidHeaders  bool // header fields that drop_invalid_header_fields would remove
	DeregistrationDelay int  // seconds
	TLSPolicy           string

	Hostnames []Hostname // as written, or <app>-<orbit>.<domain>; empty without either
	DNS       DNS

	Services []units.Service // sorted by unit name
	Files    []File          // sorted by name

	Registries []Registry // sorted by host

	// Each of these fields is compiled by a capability of its own, in a file of the same name in compiler/.
	CWStats   bool
	Volumes   []Volume
	Databases []Database
	Caches    []Cache
	Alarms    Alarms
	Scaling   Scaling
	Logging   Logging
	Release   Release
	Spot      *Spot

	Extra   Extra
	Patches []Patch // sorted by logical id and path

	Tags map[string]string // the orbit's too
}

// FixedSize reports whether the group's size can never change, so that alarms and targets for scaling have no
// effect.
func (a *AppRegion) FixedSize() bool { return a.fixedSize(a.Scaling) }

// fixedSize reports whether nothing can change the number of instances: the limits are equal, and no schedule moves them.
func (a *AppRegion) fixedSize(s Scaling) bool {
	return a.InstanceMin == a.InstanceMax && len(s.Schedules) == 0
}

// RootVolume is the encrypted gp3 root volume of an instance. Size is in GiB.
type RootVolume struct {
	sections.Node
	Size int
}

// Permission is an IAM statement for the role of the app's instances. It allows or denies named actions on named
// resources.
type Permission struct {
	sections.Node
	Effect    string
	Actions   []string
	Resources []string
	Condition map[string]map[string][]string // operator → key → values
}

// HealthCheck is a check of the load balancer or of the agent, written as an object, or as PROTOCOL:port or PROTOCOL:port/path.
type HealthCheck struct {
	sections.Node
	Protocol string // TCP, SSL, HTTP or HTTPS
	Port     int
	Path     string // "/" and what follows, of HTTP and HTTPS
	Codes    string // as a load balancer takes them, of HTTP and HTTPS; "" for 200
	Default  bool   // the protocol is not written

	// Of the load balancer's check only: seconds, and checks in a row.
	Interval, Timeout, Healthy, Unhealthy int
}

// PublicPort is a port of the load balancer. Without a load balancer it is a port of the instances.
type PublicPort struct {
	sections.Node
	Port           int
	Scheme         string // HTTP, HTTPS, TCP or SSL, UDP
	InternalPort   int
	InternalScheme string
	Sources        []Peer // never empty unless every one was dropped
	Certificate    string // "": one is made in the stack; "lookup": found at deploy; else an ARN
	RedirectTo     int    // the HTTPS port an HTTP listener redirects to; 0: none
}

// PrivatePort is a port, or a range of ports, for traffic between the app's instances.
type PrivatePort struct {
	sections.Node
	From, To  int
	Protocols []string // tcp, udp, icmp …, sorted
}

// PeerKind tells the meaning of Peer.Value.
type PeerKind int

// The kinds of peers.
const (
	CIDRv4     PeerKind = iota // 10.0.0.0/8
	CIDRv6                     // 2001:db8::/32
	Region                     // us-west-2, a region of this orbit
	OtherApp                   // the name of an app of this orbit, which may be in another build
	PrefixList                 // pl-0123456789abcdef0
)

// Peer is a source of traffic for the rule of a security group. A name of an app stands for its instances in the
// same region, a region for the addresses of the orbit there.
type Peer struct {
	sections.Node
	Kind  PeerKind
	Value string
}

// Hostname is a DNS name of the app, in lower case and without a final dot.
type Hostname struct {
	sections.Node
	Name string
}

// DNS configures the answers of Route 53 for an app in several regions.
type DNS struct {
	sections.Node
	Routing string // latency, weighted or simple
	Weight  int    // of weighted
}

// File is a file below /files on instances.
type File struct {
	sections.Node
	Name string
	Mode string // octal, such as 0644
	User string // the number of the user that it belongs to; "" is root
	Text content.Text
}

// Volume is an EBS volume. If Instance is set, it is a disk of the instance's own, an instance store volume.
type Volume struct {
	sections.Node
	Label      string
	Count      int // how many there are; each instance has one
	Size       int // GiB
	Type       string
	IOPS       int
	Encrypted  bool
	MountPoint string
	Instance   *int // the disk's number, from 0
	Mapped     bool // the disk is there only when the launch maps it
}

// Database is an RDS instance. Its name is the key in the manifest, and the default of Username.
type Database struct {
	sections.Node
	Name         string
	Engine       string
	Version      string
	Port         int
	InstanceType string
	MultiAZ      bool
	Encrypted    bool
	Public       bool
	Size         int
	StorageType  string
	IOPS         int
	Username     string
	Backups      int    // days; 0: none
	Global       string // the hosting region; "" when each region has its own
	Clients      []Peer
	Alarms       []Trigger

	DeletionProtection bool
	MajorUpgrades      bool   // whether a new major version upgrades the database
	Snapshot           string // the DB snapshot that it starts from; "" for none
}

// Cache is an ElastiCache replication group.
type Cache struct {
	sections.Node
	Name              string
	Engine            string
	Version           string
	InstanceType      string
	Replicas          int
	AutomaticFailover bool
	Backups           int // days; 0: none
	Clients           []Peer
}

// Alarms holds the alarms of an app: triggers, and the endpoints to notify.
type Alarms struct {
	sections.Node
	Endpoints []Endpoint
	Triggers  []Trigger
}

// Endpoint is a receiver of alarms: email, Slack, PagerDuty, or a change of the app's size. Type selects the
// fields in use.
type Endpoint struct {
	sections.Node
	Name             string
	Type             string
	Addresses        []string
	URL              string           // https://…, ssm:NAME or secret:NAME; a secret, like its payload
	URLPayload       *content.Payload // when set, URL is ""
	Service          string
	EscalationPolicy string
	Adjustment       string // 1, -2, 50%
	Cooldown         int    // seconds
}

// Trigger is an alarm on a metric.
type Trigger struct {
	sections.Node
	Name        string
	Metric      Metric
	Comparison  string // > >= < <=
	Threshold   float64
	Periods     int
	Period      int // seconds
	Statistic   string
	MissingData string   // missing, notBreaching, breaching or ignore
	Notify      []string // the states that people hear of: alarm, ok, insufficient_data
	Endpoints   []string
}

// Metric is the metric of an alarm. A built-in one has its own name, such as EC2/CPUUtilization or
// RDS/ReadLatency, and no namespace. A metric of log lines has the name in logging.docker.metrics. Any other has a
// namespace.
type Metric struct {
	Name       string
	Namespace  string
	Dimensions map[string]string
	Counts     bool // no data is 0
	OfVolumes  bool // of EC2/Disk*: the instance has no disks of its own, so the metric of its EBS volumes is meant
}

// Scaling configures scaling by load and time. Alarms with endpoints that scale are separate. Each list is sorted
// by name.
type Scaling struct {
	sections.Node
	Targets   []ScalingTarget
	Steps     []StepScaling
	Schedules []Schedule
}

// ScalingTarget is a metric that scaling keeps near a value.
type ScalingTarget struct {
	sections.Node
	Name    string
	Metric  string // cpu, requests, network_in or network_out
	Value   float64
	Port    int // of requests: the public port; 0: the only one
	ScaleIn bool
}

// StepScaling is an alarm that changes the number of instances in steps, by the distance of its metric from the
// threshold. Steps above and steps below are two alarms with the same name.
type StepScaling struct {
	Trigger
	Percent bool   // of the instances there are, else instances
	Steps   []Step // by distance from the threshold, which the first one is at
}

// Step is the change that applies from a value on.
type Step struct {
	From float64
	By   int
}

// Schedule changes the group's limits or its size at a time. At least one of Min, Max and Desired is set.
type Schedule struct {
	sections.Node
	Name              string
	Cron              string // five fields
	TimeZone          string
	Min, Max, Desired *int
}

// Release guards a release: CloudFormation watches alarms during an update and for some time after it, and rolls the update back
// when one goes off. Watch is in minutes; 0: only during the update.
type Release struct {
	sections.Node
	Watch  int
	Alarms []GuardAlarm
	Tasks  []Task `json:",omitempty"` // sorted by name
	Waves  *Waves `json:",omitempty"` // nil: all regions at the same time
}

// AlarmKind is the part of the manifest that an alarm belongs to.
type AlarmKind int

// The kinds of alarms in one app.
const (
	TriggerAlarm  AlarmKind = iota // of alarms.triggers
	LogLineAlarm                   // of logging.docker.metrics
	DatabaseAlarm                  // of databases
)

// GuardAlarm is an alarm that rolls a release back. It has either an ARN, for an alarm of somebody else, or a kind and a name:
// NAME of a trigger, METRIC/NAME, or DATABASE/NAME.
type GuardAlarm struct {
	sections.Node
	ARN  string
	Kind AlarmKind
	Name string
}

// String returns the alarm as it is written in a manifest.
func (g GuardAlarm) String() string { return cmp.Or(g.ARN, g.Name) }

// Logging configures the log groups of an app.
type Logging struct {
	sections.Node
	Deploy LogGroup
	Docker *DockerLogging // nil: off
}

// LogGroup is a log group. Retention is in days.
type LogGroup struct {
	sections.Node
	Retention int
}

// DockerLogging sends the output of containers to CloudWatch Logs.
type DockerLogging struct {
	sections.Node
	Retention int
	Metrics   []LogMetric
}

// LogMetric is a metric that CloudWatch Logs extracts from log lines.
type LogMetric struct {
	sections.Node
	Name     string
	Patterns map[string]string // filter pattern → metric value
	Alarms   []Trigger
}

// Spot requests spot capacity. See the EC2 Auto Scaling User Guide, "Auto Scaling groups with multiple instance
// types".
type Spot struct {
	sections.Node
	Types        []string // instance types of one architecture, those for on-demand instances first
	Price        string   // dollars an hour; "" is the on-demand price
	Strategy     string   // price-capacity-optimized, capacity-optimized, lowest-price or diversified
	OnDemandBase int      // instances that are on demand
}

// Extra is a piece of a template to add to the app's stack. Each list is sorted by logical id.
type Extra struct {
	sections.Node
	Parameters []ExtraParameter
	Conditions []ExtraPart
	Resources  []ExtraPart
	Outputs    []ExtraPart
}

// ExtraParameter is a parameter of the stack, with its value.
type ExtraParameter struct {
	sections.Node
	ID          string
	Type        string
	Value       string
	Description string
}

// ExtraPart is a condition, a resource or an output, in CloudFormation's syntax.
type ExtraPart struct {
	sections.Node
	ID   string
	Body Any // an object
}

// Patch sets or removes a value in a resource of the app's stack. It reaches properties of CloudFormation
// without a field in the language.
type Patch struct {
	sections.Node
	ID    string // of the resource
	Path  string // such as Properties.Tags[0].Value
	Value *Any   // nil takes out what is there
}

// Any is a value of unknown meaning: a bool, a json.Number, a string, an []Any or a map[string]Any. Fields with
// null have been removed.
type Any struct {
	Pos   report.Pos
	Value any
}
