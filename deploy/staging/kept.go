package staging

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pebble/spacel/internal/hexdigest"
)

// releases are the manifests of deployed releases. With their templates and assets, they can be deployed again.
const releases = "spacel/releases/"

// Release uploads the manifest of a release to the bucket for templates of a region. digest is the sha256 of body, in hex.
func (s *Stage) Release(ctx context.Context, region, digest string, body []byte) (Object, error) {
	return s.upload(ctx, s.templates(), region, item{releases + digest + ".json", digest, body, "application/json"})
}

// HasBucket reports whether there is a bucket for templates of a region: the one named by the user, or spacel's own. It makes none, and
// asks nobody for one.
func (s *Stage) HasBucket(ctx context.Context, region string) (bool, error) {
	if b := s.templates(); !s.isOwn(b) {
		return b.name != "", nil
	}
	account, err := s.account(ctx)
	if err != nil {
		return false, err
	}
	name := OwnName(account, region)
	s.making.Lock()
	defer s.making.Unlock()
	if s.found[name] {
		return true, nil
	}
	state, err := s.Bucket(ctx, region)
	if state == Ready {
		s.found[name] = true
	}
	return state == Ready, err
}

// ErrGone is the error for a deleted object of a release.
var ErrGone = errors.New("it is gone")

// ErrExchanged is the error for an object of a release with another content.
var ErrExchanged = errors.New("is not what was deployed")

// FetchRelease reads back the manifest of a release, as FetchTemplate and FetchAsset do with their objects. The content must have
// the digest in the object's key: whoever may write to the bucket could have put another one there.
func (s *Stage) FetchRelease(ctx context.Context, bucket, digest string) ([]byte, error) {
	return s.fetch(ctx, bucket, releases+digest+".json", digest)
}

// FetchTemplate reads a template.
func (s *Stage) FetchTemplate(ctx context.Context, bucket, digest string) ([]byte, error) {
	return s.fetch(ctx, bucket, templates+digest+".json", digest)
}

// FetchAsset reads an asset.
func (s *Stage) FetchAsset(ctx context.Context, bucket, digest string) ([]byte, error) {
	return s.fetch(ctx, bucket, assets+digest, digest)
}

// maxFetched is the largest object to read back, in bytes. A manifest or template that spacel wrote is far smaller.
const maxFetched = 64 << 20

// The account is checked as for uploads: names of buckets are global, and another account's bucket of the same name must not be read.

// fetch reads an object of this account and verifies its digest.
func (s *Stage) fetch(ctx context.Context, bucket, key, digest string) ([]byte, error) {
	region, err := s.regionOf(ctx, bucket, "")
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", bucket, err)
	}
	owner, err := s.account(ctx)
	if err != nil {
		return nil, err
	}
	body, err := s.cloud.Region(region).Object(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: &owner}, maxFetched)
	if status(err) == http.StatusNotFound {
		return nil, fmt.Errorf("s3://%s/%s: %w: somebody deleted it, or a lifecycle rule of the bucket did", bucket, key, ErrGone)
	}
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	if got := hexdigest.SHA256(body); got != digest {
		return nil, fmt.Errorf("s3://%s/%s %w: its content has the sha256 %s: find out who put it there", bucket, key, ErrExchanged, got)
	}
	return body, nil
}
