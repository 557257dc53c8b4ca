package staging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pebble/spacel/deploy/cloud"
)

// item is a file to upload.
type item struct {
	key    string
	digest string // sha256, in hex
	body   []byte
	media  string // media type (Content-Type)
}

// location is the place of an object, with the account that must own its bucket.
type location struct{ bucket, region, owner, key string }

// String returns the address as the AWS CLI writes it.
func (p location) String() string { return "s3://" + p.bucket + "/" + p.key }

// url returns the address for CloudFormation's TemplateURL. A bucket name with dots goes into the path, because S3's
// TLS certificate (*.s3.amazonaws.com) covers only one label.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func (p location) url() string {
	if strings.Contains(p.bucket, ".") {
		return fmt.Sprintf("https://s3.%s.amazonaws.com/%s/%s", p.region, p.bucket, p.key)
	}
	return fmt.Sprintf("https://%s.s3.%s.amazonaws.com/%s", p.bucket, p.region, p.key)
}

// query returns the part of an address that names a version, "" for an object without one. CloudFormation takes such addresses: the AWS
// CLI writes them for nested stacks (aws cloudformation package, S3Uploader.to_path_style_s3_url). The version of an object from before
// the bucket had versions is called null, and is overwritten without a trace.
func query(version string) string {
	if version == "" || version == "null" {
		return ""
	}
	return "?versionId=" + url.QueryEscape(version)
}

// upload uploads an item to the bucket for a region, unless the bucket has it already.
func (s *Stage) upload(ctx context.Context, b bucket, region string, i item) (Object, error) {
	name, at, err := s.locate(ctx, b, region)
	if err != nil {
		return Object{}, err
	}
	owner, err := s.account(ctx)
	if err != nil {
		return Object{}, err
	}
	p := location{name, at, owner, i.key}
	return s.objects.To(name+"/"+i.key, func() (Object, error) {
		version, made, err := s.putObject(ctx, p, i)
		if err != nil {
			return Object{}, fmt.Errorf("upload to %s in %s: %w", p, at, cloud.Explain(err))
		}
		return Object{Bucket: name, Key: i.key, URL: p.url() + query(version), New: made}, nil
	})
}

// putObject uploads an item. It returns the object's version, if the bucket has versions, and whether it uploaded it. It first looks for
// the object, because an earlier run uploaded most of them. If-None-Match makes S3 refuse to overwrite an object that
// another run uploaded in the meantime. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (s *Stage) putObject(ctx context.Context, p location, i item) (version string, made bool, err error) {
	version, there, err := s.checkObject(ctx, p, i.digest)
	if there || err != nil && status(err) != http.StatusForbidden { // without s3:ListBucket, S3 answers 403 and not 404 for a missing key
		return version, false, err
	}
	sum := sha256.Sum256(i.body)
	if got := hex.EncodeToString(sum[:]); got != i.digest {
		return "", false, fmt.Errorf("its content has the sha256 %s, not %s", got, i.digest)
	}
	out, err := s.cloud.Region(p.region).S3().PutObject(ctx, &s3.PutObjectInput{
		Bucket:               &p.bucket,
		Key:                  &p.key,
		ExpectedBucketOwner:  &p.owner,
		Body:                 bytes.NewReader(i.body),
		ContentType:          &i.media,
		IfNoneMatch:          aws.String("*"),
		ServerSideEncryption: types.ServerSideEncryptionAes256,
		ChecksumAlgorithm:    types.ChecksumAlgorithmSha256,
		ChecksumSHA256:       aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	})
	// 412: the object exists by now. 409: another upload of the same key is under way.
	if code := status(err); code == http.StatusPreconditionFailed || code == http.StatusConflict {
		version, there, err := s.checkObject(ctx, p, i.digest) // another run uploaded it first
		if err == nil && !there {
			err = errors.New("another run is at it: run deploy again")
		}
		return version, false, err
	}
	if err != nil {
		return "", false, err
	}
	version = aws.ToString(out.VersionId)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[p.bucket+"/"+p.key] = version
	return version, true, nil
}

// checkObject reports whether an object exists, and returns its version. An existing object must have the content which the digest in
// its key promises: somebody could have put another one there.
func (s *Stage) checkObject(ctx context.Context, p location, digest string) (version string, there bool, err error) {
	out, err := s.cloud.Region(p.region).S3().HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &p.bucket, Key: &p.key, ExpectedBucketOwner: &p.owner, ChecksumMode: types.ChecksumModeEnabled,
	})
	if status(err) == http.StatusNotFound {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	got, err := s.digest(ctx, p, aws.ToString(out.ChecksumSHA256))
	switch {
	case err != nil:
		return "", false, err
	case got != digest:
		return "", false, fmt.Errorf("something else is there, with the sha256 %s: find out who put it there, and delete it", got)
	case out.ServerSideEncryption == types.ServerSideEncryptionAwsKms && strings.HasPrefix(p.key, assets):
		return "", false, fmt.Errorf("it is there, under the KMS key %s, with which instances can't read it: delete it, and run deploy "+
			"again", aws.ToString(out.SSEKMSKeyId))
	}
	return aws.ToString(out.VersionId), true, nil
}

// digest returns an object's sha256 in hex. S3 stores the checksum of an object which was uploaded in one piece; for
// others the object is read.
func (s *Stage) digest(ctx context.Context, p location, checksum string) (string, error) {
	if sum, err := base64.StdEncoding.DecodeString(checksum); err == nil && len(sum) == sha256.Size {
		return hex.EncodeToString(sum), nil
	}
	out, err := s.cloud.Region(p.region).S3().GetObject(ctx,
		&s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key, ExpectedBucketOwner: &p.owner})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, out.Body); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Exists reports whether an object which a deployed stack reads is still in S3. Without permission to look it returns
// true: the instances may have the permission that this user lacks. An object under a digest must have that digest, or the error says
// that it was exchanged: Lambda takes a function's code without a check.
func (s *Stage) Exists(ctx context.Context, bucket, key string) (bool, error) {
	return s.exists.To(bucket+"/"+key, func() (bool, error) {
		region, err := s.regionOf(ctx, bucket, "")
		if err != nil {
			return false, fmt.Errorf("bucket %s, which the deployed stack reads: %w", bucket, err)
		}
		owner, err := s.account(ctx)
		if err != nil {
			return false, err
		}
		out, err := s.cloud.Region(region).S3().HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: &bucket, Key: &key, ExpectedBucketOwner: &owner, ChecksumMode: types.ChecksumModeEnabled,
		})
		switch status(err) {
		case http.StatusNotFound:
			return false, nil
		case http.StatusForbidden:
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for s3://%s/%s: %w", bucket, key, cloud.Explain(err))
		}
		return true, s.checkContent(ctx, location{bucket, region, owner, key}, aws.ToString(out.ChecksumSHA256))
	})
}

// checkContent returns an error if an object's key promises a digest and the content has another one. An object that may not be read
// is not checked.
func (s *Stage) checkContent(ctx context.Context, p location, checksum string) error {
	want, ours := strings.CutPrefix(p.key, assets)
	if !ours || len(want) != hex.EncodedLen(sha256.Size) {
		return nil
	}
	got, err := s.digest(ctx, p, checksum)
	switch {
	case status(err) == http.StatusForbidden:
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", p, cloud.Explain(err))
	case got != want:
		return fmt.Errorf("%s is not the program that was deployed: its content has the sha256 %s: find out who put it there, and "+
			"delete it", p, got)
	}
	return nil
}

// Remove deletes an object that this run uploaded, and leaves any other alone. In a bucket with versioning it deletes
// that version, so that no delete marker stays.
func (s *Stage) Remove(ctx context.Context, o Object) error {
	id := o.Bucket + "/" + o.Key
	s.mu.Lock()
	version, ours := s.made[id]
	s.mu.Unlock()
	if !ours {
		return nil
	}
	region, err := s.regionOf(ctx, o.Bucket, "")
	if err != nil {
		return err
	}
	in := &s3.DeleteObjectInput{Bucket: &o.Bucket, Key: &o.Key}
	if version != "" {
		in.VersionId = &version
	}
	if _, err := s.cloud.Region(region).S3().DeleteObject(ctx, in); err != nil {
		return fmt.Errorf("delete s3://%s, which this run uploaded: %w", id, cloud.Explain(err))
	}
	s.objects.Forget(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.made, id)
	return nil
}
