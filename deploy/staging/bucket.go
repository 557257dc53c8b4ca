package staging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pebble/spacel/deploy/cloud"
)

// bucket is a bucket as the user configured it.
type bucket struct {
	holds  string // assets or templates
	name   string // may hold {region}
	region string // the user's statement; empty if there is none
	prefix string // of its environment variables
}

// regionPlaceholder in a bucket's name stands for the region of each stack.
const regionPlaceholder = "{region}"

// flag returns the flag and the environment variable that name the bucket, for messages.
func (b bucket) flag() string {
	return fmt.Sprintf("--%s-bucket or %s_BUCKET", strings.ToLower(b.prefix), b.prefix)
}

// forRegion returns the bucket for stacks in a region, and the region where the bucket must be; "" if any region will
// do.
func (b bucket) forRegion(region string) (name, at string, err error) {
	switch {
	case b.name == "":
		return "", "", fmt.Errorf("there is no bucket to upload %s to: name one with %s; %s in its name stands for each stack's region",
			b.holds, b.flag(), regionPlaceholder)
	case strings.Contains(b.name, regionPlaceholder):
		return strings.ReplaceAll(b.name, regionPlaceholder, region), region, nil
	}
	return b.name, b.region, nil
}

// locate returns the bucket for stacks in a region, and the bucket's region. It reports an error if the user stated
// another region.
func (s *Stage) locate(ctx context.Context, b bucket, region string) (name, at string, err error) {
	if s.isOwn(b) {
		name, err = s.own(ctx, region)
		return name, region, err
	}
	name, want, err := b.forRegion(region)
	if err != nil {
		return "", "", err
	}
	at, err = s.regionOf(ctx, name, want)
	if err != nil {
		return "", "", fmt.Errorf("bucket %s for %s (%s): %w", name, b.holds, b.flag(), err)
	}
	if want == "" || at == want {
		return name, at, nil
	}
	// The message names the origin of the wrong region: a flag, a variable or the bucket's own name.
	said := fmt.Sprintf("--%s-region or %s_REGION says", strings.ToLower(b.prefix), b.prefix)
	if strings.Contains(b.name, regionPlaceholder) {
		said = "its name says"
	}
	return "", "", fmt.Errorf("bucket %s for %s is in %s, and not in %s as %s: name another bucket with %s, or correct the region", name,
		b.holds, at, want, said, b.flag())
}

// regionOf finds the region of a bucket of this account. It takes one call if the guess is right; else S3 names the
// right region in its refusal.
func (s *Stage) regionOf(ctx context.Context, name, guess string) (string, error) {
	return s.regions.To(name, func() (string, error) {
		owner, err := s.account(ctx)
		if err != nil {
			return "", err
		}
		guess := cmp.Or(guess, s.cloud.Default().Name)
		region, err := s.headBucket(ctx, name, guess, owner)
		// A wrong guess costs a second call, in the region named by S3's refusal.
		if moved := redirectedRegion(err); moved != "" && moved != guess {
			region, err = s.headBucket(ctx, name, moved, owner)
		}
		if err != nil {
			return "", s.explain(ctx, name, err)
		}
		return region, nil
	})
}

// headBucket returns a bucket's region. ExpectedBucketOwner makes S3 refuse a bucket of another account: names are
// global, so somebody else could own a bucket of the expected name and would receive the templates.
func (s *Stage) headBucket(ctx context.Context, name, region, owner string) (string, error) {
	out, err := s.cloud.Region(region).S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name, ExpectedBucketOwner: &owner})
	if err != nil {
		return "", err
	}
	if at := aws.ToString(out.BucketRegion); at != "" {
		return at, nil
	}
	return region, nil
}

// account returns the id of the credentials' account. STS is asked once in a run.
func (s *Stage) account(ctx context.Context) (string, error) {
	id, err := s.cloud.Identity(ctx, s.cloud.Default().Name)
	return id.Account, err
}

// redirectedRegion returns the region in S3's header x-amz-bucket-region, which a 301 or 403 has, too; "" if there is
// none.
func redirectedRegion(err error) string {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil {
		return ""
	}
	return response.Response.Header.Get("x-amz-bucket-region")
}

// status returns the HTTP status of the answer, 0 if there was none.
func status(err error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// explain tells the refusals of HeadBucket apart. S3 answers HEAD without a body, so only the status is known.
func (s *Stage) explain(ctx context.Context, name string, err error) error {
	switch status(err) {
	case http.StatusNotFound:
		return fmt.Errorf("there is no such bucket in any account: create it, as with aws s3 mb s3://%s, or correct its name", name)
	// 403 has two causes with different fixes, which a second call tells apart.
	case http.StatusForbidden:
		if s.isForeign(ctx, name, redirectedRegion(err)) {
			return errors.New("it belongs to another account than these credentials: name one of your own")
		}
		return fmt.Errorf("it is another account's, or it may not be read: %w", cloud.Explain(err))
	case http.StatusBadRequest:
		return errors.New("S3 doesn't take the name: it must be 3 to 63 lower-case letters, digits, dots and dashes")
	}
	return cloud.Explain(err)
}

// isForeign reports whether a bucket belongs to another account. S3 answers 403 both to a wrong owner and to a
// missing permission; if the call succeeds without the owner's id, the owner was wrong.
func (s *Stage) isForeign(ctx context.Context, name, region string) bool {
	in := s.cloud.Default()
	if region != "" {
		in = s.cloud.Region(region)
	}
	_, err := in.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	return err == nil
}
