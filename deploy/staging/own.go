package staging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/deploy/cloud"
)

// The tag of spacel's own buckets. It changes to ready after the last setting. A bucket left unfinished by an interrupted run is
// completed by the next run.
const (
	bucketTag  = "spacel:bucket"
	unfinished = "unfinished"
	ready      = "ready"
)

// OwnName returns the name of spacel's own bucket in a region. Bucket names are global, and the account's id keeps this one
// apart from those of other accounts.
func OwnName(account, region string) string { return "spacel-" + account + "-" + region }

// State is the state of spacel's own bucket in a region.
type State string

// These are the states. Bucket returns an error for a bucket that cannot be used.
const (
	Absent     State = "absent"
	Unfinished State = "unfinished" // an interrupted run began to make it
	Ready      State = "ready"
)

// own returns the name of spacel's own bucket in a region. The bucket is made first if it is absent and the user agrees. One
// question is asked at a time, and after a refusal no other one: the run cannot go on anyway.
func (s *Stage) own(ctx context.Context, region string) (string, error) {
	account, err := s.account(ctx)
	if err != nil {
		return "", err
	}
	name := OwnName(account, region)
	s.making.Lock()
	defer s.making.Unlock()
	// The lock is held during the question and the calls, so a second stack of the region waits and finds the result.
	if s.refusal != nil || s.found[name] {
		return name, s.refusal
	}
	if s.refusal = s.ensure(ctx, name, region); s.refusal == nil {
		s.found[name] = true
	}
	return name, s.refusal
}

// ensure makes a bucket, or completes it, unless it is ready.
func (s *Stage) ensure(ctx context.Context, name, region string) error {
	state, err := s.Bucket(ctx, region)
	if err != nil || state == Ready {
		return err
	}
	if s.buckets.Make == nil {
		return fmt.Errorf("the bucket %s does not exist, and this run makes none: run spacel deploy, or name another bucket with %s", name,
			s.assets().flag())
	}
	if err := s.buckets.Make(ctx, name); err != nil {
		return err
	}
	err = s.makeBucket(ctx, name, region)
	if errors.Is(err, errTaken) {
		return fmt.Errorf("make the bucket %s: %w", name, err)
	}
	if err != nil {
		return fmt.Errorf("make the bucket %s: %w; run it again to complete the bucket", name, cloud.Explain(err))
	}
	return nil
}

// Bucket returns the state of spacel's own bucket in a region. A bucket of that name is refused when it belongs to another
// account, is in another region, or has content and not spacel's tag: then it serves another purpose. An empty one without
// the tag is left by a run interrupted between the first two calls.
func (s *Stage) Bucket(ctx context.Context, region string) (State, error) {
	account, err := s.account(ctx)
	if err != nil {
		return "", err
	}
	name := OwnName(account, region)
	another := "name another bucket with " + s.assets().flag()
	at, err := s.headBucket(ctx, name, region, account)
	if moved := redirectedRegion(err); err != nil && moved != "" {
		at = moved
	}
	switch {
	case status(err) == http.StatusNotFound:
		return Absent, nil
	case status(err) == http.StatusForbidden && s.isForeign(ctx, name, cmp.Or(at, region)):
		return "", fmt.Errorf("the bucket %s belongs to another account: %s", name, another)
	case at != "" && at != region:
		return "", fmt.Errorf("the bucket %s is in %s, and not in %s as its name says: delete it, or %s", name, at, region, another)
	case err != nil:
		return "", fmt.Errorf("look for the bucket %s: %w", name, s.explain(ctx, name, err))
	}
	tag, err := s.tag(ctx, name, region, account)
	if err != nil {
		return "", fmt.Errorf("read the tags of the bucket %s: %w", name, cloud.Explain(err))
	}
	switch tag {
	case ready:
		return Ready, nil
	case unfinished:
		return Unfinished, nil
	}
	// A bucket without the tag is either unfinished or somebody else's. Only content tells them apart.
	empty, err := s.isEmpty(ctx, name, region, account)
	if err != nil {
		return "", fmt.Errorf("look into the bucket %s: %w", name, cloud.Explain(err))
	}
	if !empty {
		return "", fmt.Errorf("the bucket %s was not made by spacel: it has no tag %s: add the tag with the value %s to use it, or %s",
			name, bucketTag, ready, another)
	}
	return Unfinished, nil
}

// tag returns the value of spacel's tag on a bucket, "" without one.
func (s *Stage) tag(ctx context.Context, name, region, owner string) (string, error) {
	out, err := s.cloud.Region(region).S3().GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name, ExpectedBucketOwner: &owner})
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "NoSuchTagSet" {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, tag := range out.TagSet {
		if aws.ToString(tag.Key) == bucketTag {
			return aws.ToString(tag.Value), nil
		}
	}
	return "", nil
}

// isEmpty reports whether a bucket holds no object and no old version of one.
func (s *Stage) isEmpty(ctx context.Context, name, region, owner string) (bool, error) {
	out, err := s.cloud.Region(region).S3().ListObjectVersions(ctx, &s3.ListObjectVersionsInput{
		Bucket: &name, ExpectedBucketOwner: &owner, MaxKeys: aws.Int32(1),
	})
	return err == nil && len(out.Versions)+len(out.DeleteMarkers) == 0, err
}

// makeBucket creates a bucket and sets everything up. Each step may be done already, by an interrupted run or by another run at
// the same time. The tag comes second, so a bucket with content always has it.
func (s *Stage) makeBucket(ctx context.Context, name, region string) error {
	identity, err := s.cloud.Identity(ctx, region)
	if err != nil {
		return err
	}
	in := s.cloud.Region(region).S3()
	if err := createBucket(ctx, in, name, region); err != nil {
		return err
	}
	owner := identity.Account
	steps := []func() error{
		func() error { return putTag(ctx, in, name, owner, unfinished) },
		func() error { return blockPublicAccess(ctx, in, name, owner) },
		func() error { return enforceOwner(ctx, in, name, owner) },
		func() error { return encryptByDefault(ctx, in, name, owner) },
		func() error { return keepVersions(ctx, in, name, owner) },
		func() error { return requireTLS(ctx, in, name, owner, partition(identity.ARN)) },
		func() error { return putTag(ctx, in, name, owner, ready) },
	}
	for _, step := range steps {
		if err := retried(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// S3 takes a moment until all of it knows a new bucket. Until then it answers NoSuchBucket, or OperationAborted while another
// call works on the bucket.
const (
	settleTries = 6
	settlePause = time.Second
)

// retried repeats a step while S3 does not know the bucket yet.
func retried(ctx context.Context, step func() error) error {
	for try := 1; ; try++ {
		err := step()
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != "NoSuchBucket" && api.ErrorCode() != "OperationAborted" || try == settleTries {
			return err
		}
		if err := cloud.Pause(ctx, settlePause); err != nil {
			return err
		}
	}
}

// errTaken is the error for a bucket name in use by another account.
var errTaken = errors.New("it belongs to another account, which took the name first: name another bucket with --lambda-bucket")

// createBucket creates a bucket. us-east-1 is the one region that S3 does not accept as a LocationConstraint.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func createBucket(ctx context.Context, in *s3.Client, name, region string) error {
	create := &s3.CreateBucketInput{Bucket: &name, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}
	if region != "us-east-1" {
		create.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := in.CreateBucket(ctx, create)
	if _, ours := errors.AsType[*types.BucketAlreadyOwnedByYou](err); ours {
		return nil
	}
	if _, taken := errors.AsType[*types.BucketAlreadyExists](err); taken {
		return errTaken
	}
	return err
}

// putTag sets spacel's tag on a bucket. The call replaces all tags of the bucket, so it is made only on one in the making.
func putTag(ctx context.Context, in *s3.Client, name, owner, value string) error {
	_, err := in.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &name, ExpectedBucketOwner: &owner,
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String(bucketTag), Value: &value}}}})
	return err
}

// blockPublicAccess forbids access lists and policies that make objects public, those of the future included.
func blockPublicAccess(ctx context.Context, in *s3.Client, name, owner string) error {
	yes := aws.Bool(true)
	_, err := in.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &name, ExpectedBucketOwner: &owner,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: yes, BlockPublicPolicy: yes, IgnorePublicAcls: yes, RestrictPublicBuckets: yes,
		}})
	return err
}

// enforceOwner turns access control lists off: every object belongs to the account. createBucket asks for the same, and a
// bucket that existed already may have another setting.
func enforceOwner(ctx context.Context, in *s3.Client, name, owner string) error {
	_, err := in.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: &name, ExpectedBucketOwner: &owner,
		OwnershipControls: &types.OwnershipControls{
			Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}},
		}})
	return err
}

// encryptByDefault sets S3's own keys (SSE-S3). Uploads ask for them, too: instances need no permission for KMS then.
func encryptByDefault(ctx context.Context, in *s3.Client, name, owner string) error {
	_, err := in.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &name, ExpectedBucketOwner: &owner,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		}}}})
	return err
}

// keepVersions turns versioning on, so an object deleted by mistake can be restored.
func keepVersions(ctx context.Context, in *s3.Client, name, owner string) error {
	_, err := in.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &name, ExpectedBucketOwner: &owner,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	return err
}

// tlsOnly denies every call that does not use TLS.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
const tlsOnly = `{"Version": "2012-10-17", "Statement": [{"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", ` +
	`"Resource": ["ARN", "ARN/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}`

// requireTLS sets the policy tlsOnly. The ARN's partition is other in China and GovCloud, so it comes from the caller's own ARN.
func requireTLS(ctx context.Context, in *s3.Client, name, owner, partition string) error {
	policy := strings.ReplaceAll(tlsOnly, "ARN", "arn:"+partition+":s3:::"+name)
	_, err := in.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &name, ExpectedBucketOwner: &owner, Policy: &policy})
	return err
}

// partition returns the partition of an ARN: aws, aws-cn or aws-us-gov.
func partition(arn string) string {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 {
		return cmp.Or(parts[1], "aws")
	}
	return "aws"
}
