// Package assembly is the artifact directory, which a build writes and deploy reads. Deploy depends on no other package of
// the compiler.
//
//	manifest.json                             the Manifest: stacks, where their parameters come from, digests
//	us-east-1/production-laika.template.json  a template
//	assets/<sha256>                           a document too large for user data
//	sourcemap.json                            stack → logical id → file:line:col
package assembly

import (
	"cmp"

	"github.com/pebble/spacel/agent/document"
)

// Format is the version of the directory's layout. Read refuses any other.
const Format = 1

// Manifest is manifest.json. It holds no secret and no time: equal manifests give equal bytes with one version of spacel. No comparison
// of directories looks at Origin.
type Manifest struct {
	Format int    `json:"format"`
	Orbit  string `json:"orbit"`
	Owner
	Origin
	Stacks []Stack `json:"stacks"`           // sorted by region and name
	Assets []Asset `json:"assets,omitempty"` // sorted by digest
}

// Origin names the sources of a directory.
type Origin struct {
	MadeBy      string `json:"madeBy,omitempty"`      // the release of spacel, such as v1.3.0; empty if it was none
	OrbitDigest string `json:"orbitDigest,omitempty"` // sha256 of the data in the orbit's manifest, in hex
}

// Stack is one CloudFormation stack.
type Stack struct {
	Name                  string               `json:"name"`
	Region                string               `json:"region"`
	App                   string               `json:"app,omitempty"` // of an app's stack
	Template              string               `json:"template"`      // path in the directory, with slashes
	Digest                string               `json:"digest"`        // sha256 of the template, in hex
	Capabilities          []string             `json:"capabilities,omitempty"`
	TerminationProtection bool                 `json:"terminationProtection"`
	Tags                  map[string]string    `json:"tags"`
	DependsOn             []StackRef           `json:"dependsOn,omitempty"` // sorted
	Parameters            map[string]ValueFrom `json:"parameters,omitempty"`
	Images                []ContainerImage     `json:"images,omitempty"` // of an app's containers, those in Amazon ECR; sorted
	Guard                 *Guard               `json:"guard,omitempty"`  // nil: nothing is watched
	Release               *Release             `json:"release,omitempty"`
}

// ContainerImage is an image that deploy checks before the rollout.
type ContainerImage struct {
	Image        string `json:"image"`        // its tag may be __VERSION__, for the version deployed
	Architecture string `json:"architecture"` // of the instances: amd64 or arm64
}

// Ref is the stack's region and name.
func (s Stack) Ref() StackRef { return StackRef{s.Region, s.Name} }

// StackRef names a stack.
type StackRef struct {
	Region string `json:"region"`
	Name   string `json:"name"`
}

// String is region/name, the stack's key in a SourceMap.
func (r StackRef) String() string { return r.Region + "/" + r.Name }

// Compare orders stacks by region, then by name, as slices.SortFunc needs it.
func (r StackRef) Compare(other StackRef) int {
	return cmp.Or(cmp.Compare(r.Region, other.Region), cmp.Compare(r.Name, other.Name))
}

// TemplatePath is where a stack's template is in the directory, with slashes.
func TemplatePath(r StackRef) string { return r.String() + ".template.json" }

// SourceMap is sourcemap.json: stack as region/name → logical id → file:line:col in the manifests. No digest covers it, so
// that a manifest can be reformatted without changing a digest.
type SourceMap map[string]map[string]string

// Asset is a file of the directory that deploy uploads under its digest.
type Asset struct {
	Digest string `json:"digest"` // sha256, in hex
	Path   string `json:"path"`   // assets/<digest>
	Size   int    `json:"size"`   // bytes
}

// ValueFrom says where deploy gets a parameter's value. Exactly one field is set.
type ValueFrom struct {
	Literal     *string      `json:"literal,omitempty"`
	Output      *Output      `json:"output,omitempty"`
	HostedZone  *HostedZone  `json:"hostedZone,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	Asset       *AssetPart   `json:"asset,omitempty"`
	Secret      *Secret      `json:"secret,omitempty"`
	PagerDuty   *PagerDuty   `json:"pagerduty,omitempty"`

	// See Kept.
	Version *Version `json:"version,omitempty"`
	Image   *Image   `json:"image,omitempty"`
	Binary  *Binary  `json:"binary,omitempty"`
	Token   *Token   `json:"token,omitempty"`

	GroupSize *GroupSize `json:"groupSize,omitempty"`
	Subnets   *Subnets   `json:"subnets,omitempty"`
}

// Kept reports whether deploy keeps the deployed value until a flag such as --upgrade or --version says otherwise, or, for a
// GroupSize, until the group's instances are replaced. The zones of EBS volumes stay, too. The values of all other sources are
// looked up in every run.
func (s ValueFrom) Kept() bool {
	return s.Version != nil || s.Image != nil || s.Binary != nil || s.Token != nil || s.GroupSize != nil ||
		s.Subnets != nil && len(s.Subnets.Zones) == 0
}

// UpgradeName returns the word for --upgrade that replaces the kept value by the newest: image or agent. It is empty for
// values which --upgrade does not replace.
func (s ValueFrom) UpgradeName() string {
	switch {
	case s.Image != nil:
		return "image"
	case s.Binary != nil:
		return BinaryAgent
	}
	return ""
}

// Output is an output of a stack in this build or deployed before it. An Optional one is no reason to wait: while the stack
// or output is absent, the value is the empty string.
type Output struct {
	Region   string `json:"region"`
	Stack    string `json:"stack"`
	Output   string `json:"output"`
	Optional bool   `json:"optional,omitempty"`
}

// HostedZone is the id (Z…) of a public hosted zone. If several zones match the host name, deploy takes the one with the
// longest name, as DNS delegation would.
type HostedZone struct {
	Hostname string `json:"hostname"`
}

// Certificate is the ARN of an issued ACM certificate in the stack's region for all the host names: an exact match, else
// the wildcard that replaces the fewest labels.
type Certificate struct {
	Hostnames []string `json:"hostnames"`
}

// AssetPart is the bucket or the key an asset was uploaded to.
type AssetPart struct {
	Digest string `json:"digest"`
	Part   string `json:"part"` // bucket or key
}

// Secret is a value that never stands in the directory. Exactly one field is set.
type Secret struct {
	SSM            string            `json:"ssm,omitempty"`            // parameter name
	SecretsManager string            `json:"secretsManager,omitempty"` // secret name
	Environment    string            `json:"environment,omitempty"`    // variable name
	Payload        *document.Payload `json:"payload,omitempty"`        // what spacel secret wrote, encrypted with the app's key
}

// PagerDuty is the address of a PagerDuty integration.
type PagerDuty struct {
	Service          string `json:"service,omitempty"`
	EscalationPolicy string `json:"escalationPolicy,omitempty"`
}

// Version is what --version says, "latest" at first.
type Version struct {
	Default string `json:"default"`
}

// Image is a machine image's id: Debian's newest of a release and architecture, unless AMI names an id, a build or an SSM
// parameter.
type Image struct {
	Debian       string `json:"debian,omitempty"`
	Architecture string `json:"architecture"` // amd64 or arm64
	AMI          string `json:"ami,omitempty"`
}

// Binary is a program that spacel itself ships in its release. Deploy uploads it and passes its place and digest as
// parameters.
type Binary struct {
	Name         string `json:"name"`         // BinaryAgent or BinarySlack
	Architecture string `json:"architecture"` // amd64 or arm64
	Part         string `json:"part"`         // PartBucket, PartKey or PartDigest
}

// The names of the programs in a release.
const (
	BinaryAgent = "agent" // runs on instances
	BinarySlack = "slack" // the Lambda function that posts alarms to Slack
)

// The parts of a Binary or an asset, each the value of a parameter of its own.
const (
	PartBucket = "bucket"
	PartKey    = "key"
	PartDigest = "digest" // sha256, in hex; not of an asset, whose digest the template holds
)

// Token changes when a redeploy is forced.
type Token struct{}
