// Package schema is the manifest language: the CUE definitions of orbit and app manifests, and Load, which turns files into a
// checked Model. It is the first hop; the compiler reads the Model and nothing else. Its rooms import one way: schema imports
// language, language imports manifest, and all import report.
//
//	manifest/        reads a user's file or directory into a tree of plain data
//	language/        checks a tree against the definitions, explains mistakes, prints JSON Schema and the reference
//	report/          collects what is said to the user
//	edit/            changes one value in a manifest's text
//	load.go          the steps from files to the Model, which is in model.go; the other files make one part of it each
package schema

import (
	"cmp"
	"slices"

	"github.com/pebble/spacel/schema/report"
)

// Model is a checked orbit with the apps of one build: defaults filled in, regions resolved, sources classified.
type Model struct {
	Orbit *Orbit
	Apps  []*App // sorted by name
}

// Node ties a part of the model to the manifest it came from.
type Node struct {
	Pos     report.Pos // of the part itself
	written []fieldPos // a list, not a map: there are many nodes, and few fields in each
}

// fieldPos is a field that the manifest has, and where.
type fieldPos struct {
	field string
	at    report.Pos
}

// NewNode is a node at a place, with the places of the fields that the manifest has.
func NewNode(at report.Pos, fields map[string]report.Pos) Node {
	written := make([]fieldPos, 0, len(fields))
	for field, at := range fields {
		written = append(written, fieldPos{field, at})
	}
	return newNode(at, written)
}

// newNode is a node whose fields are sorted.
func newNode(at report.Pos, written []fieldPos) Node {
	slices.SortFunc(written, func(a, b fieldPos) int { return cmp.Compare(a.field, b.field) })
	return Node{at, written}
}

// At is the place a field was written, else the part's own, with the field's name added to the path.
func (n Node) At(field string) report.Pos {
	for _, w := range n.written {
		if w.field == field {
			return w.at
		}
	}
	at := n.Pos
	if at.Path != "" {
		field = at.Path + "." + field
	}
	at.Path = field
	return at
}

// Written says whether the manifest has the field, in the region or in all; otherwise its value is the default.
func (n Node) Written(field string) bool {
	return slices.ContainsFunc(n.written, func(w fieldPos) bool { return w.field == field })
}

// Fields are the names of the fields that the manifest has, sorted.
func (n Node) Fields() []string {
	var names []string
	for _, w := range n.written {
		names = append(names, w.field)
	}
	slices.Sort(names)
	return names
}

// Orbit is a tier: one VPC per region.
type Orbit struct {
	Node
	Name    string
	Regions []*OrbitRegion // sorted by region
}

// Region is the orbit in one region, nil when it isn't there.
func (o *Orbit) Region(name string) *OrbitRegion {
	for _, r := range o.Regions {
		if r.Region == name {
			return r
		}
	}
	return nil
}

// NAT is how private instances reach the internet.
type NAT string

// The NAT modes: none, one gateway for the region, one in each zone.
const (
	NATDisabled NAT = "disabled"
	NATEnabled  NAT = "enabled"
	NATPerAZ    NAT = "per-az"
)

// OrbitRegion is an orbit in one region.
type OrbitRegion struct {
	Node
	Region string   // us-east-1
	Zones  []string // zone ids such as use1-az1, 2 or more; one that AWS adds later comes last

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

// FlowLogs are a VPC's flow logs, kept in CloudWatch Logs.
type FlowLogs struct {
	Node
	Retention int    // days, one of the values CloudWatch Logs knows
	Traffic   string // ALL, ACCEPT or REJECT
}

// Image says which machine image instances boot. Debian is the release of Debian's own images ("13"); when AMI is set it
// wins: an image id (ami-…), a build of Debian's (20260112-1234) or the name of an SSM parameter (/…).
type Image struct {
	Debian string
	AMI    string
}

// App is an application: one auto scaling group per region.
type App struct {
	Node
	Name    string
	Regions []*AppRegion // those that the orbit has too, sorted by region
}

// Region is the app in one region, nil when it isn't there.
func (a *App) Region(name string) *AppRegion {
	for _, r := range a.Regions {
		if r.Region == name {
			return r
		}
	}
	return nil
}

// Availability is from where instances or a balancer can be reached.
type Availability string

// The availabilities. Instances know no Disabled.
const (
	InternetFacing Availability = "internet-facing" // public addresses
	Private        Availability = "private"         // the region's VPC only
	MultiRegion    Availability = "multi-region"    // public addresses, for the orbit's own only
	Disabled       Availability = "disabled"        // no load balancer
)

// UpdatePolicy is how new instances take over.
type UpdatePolicy string

// The update policies.
const (
	Rolling        UpdatePolicy = "rolling"
	RedBlack       UpdatePolicy = "redblack"
	UpdateDisabled UpdatePolicy = "disabled"
)

// AppRegion is an app in one region, everything resolved.
type AppRegion struct {
	Node
	Region string

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
	Permissions          []Permission

	ELBAvailability     Availability
	HealthCheck         HealthCheck
	LocalHealthCheck    *HealthCheck // nil when not written
	PublicPorts         []PublicPort // sorted by port
	PrivatePorts        []PrivatePort
	IdleTimeout         int // seconds
	DeregistrationDelay int // seconds
	TLSPolicy           string

	Hostnames []Hostname // as written, or <app>-<orbit>.<domain>; empty without either
	DNS       DNS

	Services []Service // sorted by unit name
	Files    []File    // sorted by name

	// Accepted and checked by the language; lowered by capabilities of their own.
	CWStats   bool
	Volumes   []Volume
	Databases []Database
	Caches    []Cache
	Alarms    Alarms
	Scaling   Scaling
	Logging   Logging
	Spot      *Spot

	Extra   Extra
	Patches []Patch // sorted by logical id and path

	Tags map[string]string // the orbit's too
}

// FixedSize says whether the group's size cannot change: nothing then follows load.
func (a *AppRegion) FixedSize() bool { return a.fixedSize(a.Scaling) }

func (a *AppRegion) fixedSize(s Scaling) bool {
	return a.InstanceMin == a.InstanceMax && len(s.Schedules) == 0
}

// RootVolume is the instances' encrypted gp3 root volume, in GiB.
type RootVolume struct {
	Node
	Size int
}

// Permission is an IAM statement that the app asks for its own role. Only Allow and Deny on named actions and resources.
type Permission struct {
	Node
	Effect    string
	Actions   []string
	Resources []string
	Condition map[string]map[string][]string // operator → key → values
}

// HealthCheck is PROTOCOL:port or PROTOCOL:port/path.
type HealthCheck struct {
	Node
	Protocol string // TCP, SSL, HTTP or HTTPS
	Port     int
	Path     string // "/" and what follows, of HTTP and HTTPS
	Default  bool   // not written
}

// PublicPort is a port that the load balancer, or without one the instances, listen on.
type PublicPort struct {
	Node
	Port           int
	Scheme         string // HTTP, HTTPS, TCP or SSL, UDP
	InternalPort   int
	InternalScheme string
	Sources        []Peer // never empty unless every one was dropped
	Certificate    string // "": one is made in the stack; "lookup": found at deploy; else an ARN
	RedirectTo     int    // the HTTPS port an HTTP listener redirects to; 0: none
}

// PrivatePort is a port, or range of ports, that the app's instances reach each other on.
type PrivatePort struct {
	Node
	From, To  int
	Protocols []string // tcp, udp, icmp …, sorted
}

// PeerKind is what a source of traffic is.
type PeerKind int

// The kinds of sources.
const (
	CIDRv4     PeerKind = iota // 10.0.0.0/8
	CIDRv6                     // 2001:db8::/32
	Region                     // us-west-2, a region of this orbit
	OtherApp                   // the name of an app of this orbit, which may be in another build
	PrefixList                 // pl-0123456789abcdef0
)

// Peer is who may send traffic.
type Peer struct {
	Node
	Kind  PeerKind
	Value string
}

// Hostname is a DNS name that the app answers to, lower case, without the final dot.
type Hostname struct {
	Node
	Name string
}

// DNS is how the app's names are answered when it runs in several regions.
type DNS struct {
	Node
	Routing string // latency, weighted or simple
	Weight  int    // of weighted
}

// Text is a content that is plain text, raw bytes, or an encrypted payload that only the instance can open.
type Text struct {
	Node
	Body    []byte   // when Payload is nil
	Payload *Payload // else nil
}

// Payload is an encrypted value: what `spacel secret` writes, or what the predecessor wrote (Version 0, AES-CBC).
type Payload struct {
	Version    int
	IV         string // base64, like Key and Ciphertext
	Key        string
	Ciphertext string
	KeyRegion  string
	Encoding   string // utf-8 or bytes
}

// Service is a systemd unit: its text, or a container to run.
type Service struct {
	Node
	Name        string // with its suffix: laika.service, laika.timer
	UnitFile    *Text  // nil when there is an image
	Image       string
	Ports       []Mapping  // host → container, sorted
	Volumes     []Mapping  // host → container, sorted
	Environment []Variable // sorted by name
}

// Mapping is a host's port or path, and the container's.
type Mapping struct{ Host, Container string }

// Variable is an environment variable.
type Variable struct {
	Node
	Name    string
	Value   string
	Payload *Payload // when set, Value is ""
}

// File is put below /files on instances.
type File struct {
	Node
	Name string
	Mode string // octal, such as 0644
	Text Text
}

// Volume is an EBS volume by label, or an instance store volume when Instance is set.
type Volume struct {
	Node
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

// Database is an RDS instance.
type Database struct {
	Node
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
	MajorUpgrades      bool // whether a new major version upgrades the database
}

// Cache is an ElastiCache replication group.
type Cache struct {
	Node
	Name              string
	Engine            string
	Version           string
	InstanceType      string
	Replicas          int
	AutomaticFailover bool
	Backups           int // days; 0: none
	Clients           []Peer
}

// Alarms are endpoints and the triggers that notify them.
type Alarms struct {
	Node
	Endpoints []Endpoint
	Triggers  []Trigger
}

// Endpoint is where an alarm goes: email, slack, pagerduty, scale, scaleup, scaledown.
type Endpoint struct {
	Node
	Name             string
	Type             string
	Addresses        []string
	URL              string   // https://…, ssm:NAME or secret:NAME; a secret, like its payload
	URLPayload       *Payload // when set, URL is ""
	Service          string
	EscalationPolicy string
	Adjustment       string // 1, -2, 50%
	Cooldown         int    // seconds
}

// Trigger is an alarm on a metric.
type Trigger struct {
	Node
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

// Metric is what an alarm watches: a built-in metric by its own name, such as EC2/CPUUtilization or RDS/ReadLatency, a
// metric of log lines, or with a namespace any other.
type Metric struct {
	Name       string
	Namespace  string
	Dimensions map[string]string
	Counts     bool // no data is 0
}

// Scaling is how the number of instances changes beside what the endpoints of alarms do. Each list is sorted by name.
type Scaling struct {
	Node
	Targets   []ScalingTarget
	Steps     []StepScaling
	Schedules []Schedule
}

// ScalingTarget is a metric to be kept near a value.
type ScalingTarget struct {
	Node
	Name    string
	Metric  string // cpu, requests, network_in or network_out
	Value   float64
	Port    int // of requests: the public port; 0: the only one
	ScaleIn bool
}

// StepScaling is an alarm without endpoints, and how many instances to add or take away by how far its metric has gone. What
// is done above and what below are two of a name.
type StepScaling struct {
	Trigger
	Percent bool   // of the instances there are, else instances
	Steps   []Step // by distance from the threshold, which the first one is at
}

// Step is how many instances to add or take away from a value on.
type Step struct {
	From float64
	By   int
}

// Schedule is a size from a time on. At least one of Min, Max and Desired is set.
type Schedule struct {
	Node
	Name              string
	Cron              string // five fields
	TimeZone          string
	Min, Max, Desired *int
}

// Logging is what an app's logs go to.
type Logging struct {
	Node
	Deploy LogGroup
	Docker *DockerLogging // nil: off
}

// LogGroup is a log group's retention, in days.
type LogGroup struct {
	Node
	Retention int
}

// DockerLogging sends the containers' output to CloudWatch Logs.
type DockerLogging struct {
	Node
	Retention int
	Metrics   []LogMetric
}

// LogMetric is a metric made of log lines.
type LogMetric struct {
	Node
	Name     string
	Patterns map[string]string // filter pattern → metric value
	Alarms   []Trigger
}

// Spot asks for spot capacity.
type Spot struct {
	Node
	Types        []string // instance types of one architecture, those for on-demand instances first
	Price        string   // dollars an hour; "" is the on-demand price
	Strategy     string   // price-capacity-optimized, capacity-optimized, lowest-price or diversified
	OnDemandBase int      // instances that are on demand
}

// Extra is a piece of template that the manifest adds to the app's stack. Each list is sorted by logical id.
type Extra struct {
	Node
	Parameters []ExtraParameter
	Conditions []ExtraPart
	Resources  []ExtraPart
	Outputs    []ExtraPart
}

// ExtraParameter is a parameter with its value.
type ExtraParameter struct {
	Node
	ID          string
	Type        string
	Value       string
	Description string
}

// ExtraPart is a condition, a resource or an output, in CloudFormation's own words.
type ExtraPart struct {
	Node
	ID   string
	Body Any // an object
}

// Patch sets a value in a resource of the app's stack, or takes one out.
type Patch struct {
	Node
	ID    string // of the resource
	Path  string // such as Properties.Tags[0].Value
	Value *Any   // nil takes out what is there
}

// Any is a value that the language knows nothing about: a bool, a json.Number, a string, an []Any or a map[string]Any. What
// was null in an object isn't there.
type Any struct {
	Pos   report.Pos
	Value any
}
