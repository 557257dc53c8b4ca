// Package staging puts into S3 what AWS reads from there: templates that are too large to be sent with a call, assets, the
// programs that instances and functions run. Everything has its digest in its key, and nothing is ever overwritten.
package staging

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"sync"

	"github.com/pebble/spacel/deploy/cloud"
)

// Buckets say where things go. A name may hold {region}, which stands for each stack's own region. What is empty is looked
// up: a bucket's region; or not had: a bucket is only demanded when something must go there.
type Buckets struct {
	Asset, AssetRegion       string // programs and assets
	Template, TemplateRegion string // templates; the former unless given
}

// Object is something in S3.
type Object struct {
	Bucket, Key string
	URL         string // https, as CloudFormation takes it; none of AssetAt
	New         bool   // uploaded by this run
}

// Where things are in a bucket. Digests are spread evenly by themselves.
const (
	assets    = "spacel/assets/"
	templates = "spacel/templates/"
	temporary = "spacel/dry-run/"
)

// Stage uploads, each thing once. It is safe for concurrent use.
type Stage struct {
	cloud   *cloud.Cloud
	buckets Buckets

	regions cloud.Answers[string] // of buckets, by name
	objects cloud.Answers[Object] // by bucket/key
	exists  cloud.Answers[bool]   // by bucket/key: whether it is there

	mu   sync.Mutex
	made map[string]string // bucket/key → version id, of what this run uploaded
}

// New stages into an account's buckets. It calls AWS only when something is staged.
func New(c *cloud.Cloud, b Buckets) *Stage {
	return &Stage{cloud: c, buckets: b, made: map[string]string{}}
}

// Template uploads a template for a stack in a region. Digest is the body's sha256, in hex.
func (s *Stage) Template(ctx context.Context, region, digest string, body []byte) (Object, error) {
	return s.upload(ctx, s.templates(), region, item{templates + digest + ".json", digest, body, "application/json"})
}

// Temporary uploads a template for a dry run, where no other run finds it. Remove takes it away.
func (s *Stage) Temporary(ctx context.Context, region, digest string, body []byte) (Object, error) {
	key := temporary + strings.ToLower(rand.Text()) + "/" + digest + ".json"
	return s.upload(ctx, s.templates(), region, item{key, digest, body, "application/json"})
}

// Asset uploads an asset or a program for a stack in a region. Digest is the body's sha256, in hex.
func (s *Stage) Asset(ctx context.Context, region, digest string, body []byte) (Object, error) {
	return s.upload(ctx, s.assets(), region, item{assets + digest, digest, body, "application/octet-stream"})
}

// AssetAt is where Asset would put it.
func (s *Stage) AssetAt(region, digest string) (Object, error) {
	name, _, err := s.assets().forRegion(region)
	return Object{Bucket: name, Key: assets + digest}, err
}

// AssetRegion is the region of the bucket that the assets of stacks in a region go to.
func (s *Stage) AssetRegion(ctx context.Context, region string) (string, error) {
	_, at, err := s.locate(ctx, s.assets(), region)
	return at, err
}

func (s *Stage) assets() bucket {
	return bucket{"assets", s.buckets.Asset, s.buckets.AssetRegion, "LAMBDA"}
}

func (s *Stage) templates() bucket {
	if s.buckets.Template == "" {
		b := s.assets()
		b.holds, b.region = "templates", cmp.Or(s.buckets.TemplateRegion, b.region)
		return b
	}
	return bucket{"templates", s.buckets.Template, s.buckets.TemplateRegion, "TEMPLATE"}
}
