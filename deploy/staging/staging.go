// Package staging uploads files to S3 for AWS to read: templates which are too large for a call (more than 51,200
// bytes), assets, and the programs of instances and functions. Every key contains the digest of its content, and
// nothing is ever overwritten.
//
//	staging.go   the kinds of files, and their keys
//	upload.go    uploads, checks and deletes objects
//	own.go       spacel's own buckets, which deploy makes
//	bucket.go    finds and checks the buckets; check.go reports their problems
package staging

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"sync"

	"github.com/pebble/spacel/deploy/cloud"
)

// Buckets names the buckets. A name may contain {region}, which stands for each stack's own region. An empty region
// is looked up. An empty bucket is allowed until something has to be uploaded.
type Buckets struct {
	Asset, AssetRegion       string // programs and assets
	Template, TemplateRegion string // templates; the asset bucket if empty

	// Own takes spacel's own bucket of each region where Asset is empty, see OwnName. Make is asked before one is made, with its
	// name. Its error ends the run. Without Make none is made.
	Own  bool
	Make func(ctx context.Context, name string) error
}

// Object is a file in S3.
type Object struct {
	Bucket, Key string
	URL         string // https, for CloudFormation, with the version in a bucket that has versions; AssetAt leaves it empty
	New         bool   // uploaded by this run
}

// These prefixes keep the kinds of files apart, so a lifecycle rule can name one.
const (
	assets    = "spacel/assets/"
	templates = "spacel/templates/"
	temporary = "spacel/dry-run/"
)

// Stage uploads each file once. It is safe for concurrent use.
type Stage struct {
	cloud   *cloud.Cloud
	buckets Buckets

	regions cloud.Answers[string] // of buckets, by name
	objects cloud.Answers[Object] // by bucket/key
	exists  cloud.Answers[bool]   // by bucket/key

	making  sync.Mutex // held while spacel's own buckets are looked for, asked about and made
	found   map[string]bool
	refusal error // of the user, or of AWS: no other bucket is made after it

	mu   sync.Mutex
	made map[string]string // bucket/key → version id of each upload of this run
}

// New makes a Stage for an account's buckets. AWS is not called before the first upload or check.
func New(c *cloud.Cloud, b Buckets) *Stage {
	return &Stage{cloud: c, buckets: b, made: map[string]string{}, found: map[string]bool{}}
}

// Template uploads a template for a stack in a region. digest is the sha256 of body, in hex.
func (s *Stage) Template(ctx context.Context, region, digest string, body []byte) (Object, error) {
	return s.upload(ctx, s.templates(), region, item{templates + digest + ".json", digest, body, "application/json"})
}

// Temporary uploads a template for a dry run, under a random key, so that no other run relies on it. Remove deletes
// it.
func (s *Stage) Temporary(ctx context.Context, region, digest string, body []byte) (Object, error) {
	key := temporary + strings.ToLower(rand.Text()) + "/" + digest + ".json"
	return s.upload(ctx, s.templates(), region, item{key, digest, body, "application/json"})
}

// Asset uploads an asset or a program for a stack in a region. digest is the sha256 of body, in hex.
func (s *Stage) Asset(ctx context.Context, region, digest string, body []byte) (Object, error) {
	return s.upload(ctx, s.assets(), region, item{assets + digest, digest, body, "application/octet-stream"})
}

// AssetAt returns the place that Asset would use. It makes no bucket and looks for none.
func (s *Stage) AssetAt(ctx context.Context, region, digest string) (Object, error) {
	b := s.assets()
	if s.isOwn(b) {
		account, err := s.account(ctx)
		return Object{Bucket: OwnName(account, region), Key: assets + digest}, err
	}
	name, _, err := b.forRegion(region)
	return Object{Bucket: name, Key: assets + digest}, err
}

// AssetRegion returns the region of the asset bucket for stacks in a region.
func (s *Stage) AssetRegion(ctx context.Context, region string) (string, error) {
	_, at, err := s.locate(ctx, s.assets(), region)
	return at, err
}

// isOwn reports whether a bucket is spacel's own, since the user named none.
func (s *Stage) isOwn(b bucket) bool { return s.buckets.Own && b.name == "" }

// assets returns the bucket for programs and assets, as configured. LAMBDA is the prefix of its environment variables, as in
// LAMBDA_BUCKET.
func (s *Stage) assets() bucket {
	return bucket{"assets", s.buckets.Asset, s.buckets.AssetRegion, "LAMBDA"}
}

// templates returns the bucket for templates. Without one of its own, templates go into the asset bucket.
func (s *Stage) templates() bucket {
	if s.buckets.Template == "" {
		b := s.assets()
		b.holds, b.region = "templates", cmp.Or(s.buckets.TemplateRegion, b.region)
		return b
	}
	return bucket{"templates", s.buckets.Template, s.buckets.TemplateRegion, "TEMPLATE"}
}
