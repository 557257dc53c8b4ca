package staging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

func agree(context.Context, string) error { return nil }

// ownBucket is the name of spacel's own bucket in the test's account.
func ownBucket(t *testing.T, region string) string { return OwnName(cloudtest.Account(t), region) }

func TestOwnBucketIsMade(t *testing.T) {
	c := account(t)
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		asked := ""
		s := New(c, Buckets{Own: true, Make: func(_ context.Context, name string) error { asked += name; return nil }})
		o := asset(t, s, region, "content")
		asset(t, s, region, "more")
		if o.Bucket != ownBucket(t, region) || asked != o.Bucket {
			t.Errorf("uploaded to %s, asked %q", o.Bucket, asked)
		}
		checkSettings(t, c, o.Bucket, region)
		asset(t, New(c, Buckets{Own: true}), region, "the next run makes none")
	}
	at, err := New(c, Buckets{Own: true}).AssetAt(t.Context(), "us-west-2", "x")
	if err != nil || at.Bucket != ownBucket(t, "us-west-2") {
		t.Error(at, err)
	}
}

// checkSettings reads the settings back, as an auditor would.
func checkSettings(t *testing.T, c *cloud.Cloud, name, region string) {
	t.Helper()
	in, ctx, owner := c.Region(region).S3(), t.Context(), aws.String(cloudtest.Account(t))
	encryption, err := in.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &name, ExpectedBucketOwner: owner})
	if err != nil || encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm !=
		types.ServerSideEncryptionAes256 {
		t.Error("encryption", err)
	}
	versions, err := in.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &name, ExpectedBucketOwner: owner})
	if err != nil || versions.Status != types.BucketVersioningStatusEnabled {
		t.Error("versioning", err)
	}
	access, err := in.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &name, ExpectedBucketOwner: owner})
	if err != nil {
		t.Fatal(err)
	}
	if b := access.PublicAccessBlockConfiguration; !*b.BlockPublicAcls || !*b.BlockPublicPolicy || !*b.IgnorePublicAcls ||
		!*b.RestrictPublicBuckets {
		t.Errorf("public access: %+v", b)
	}
	controls, err := in.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &name, ExpectedBucketOwner: owner})
	if err != nil || controls.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Error("ownership", err)
	}
	policy, err := in.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name, ExpectedBucketOwner: owner})
	if err != nil {
		t.Fatal(err)
	}
	if text := aws.ToString(policy.Policy); !json.Valid([]byte(text)) || !strings.Contains(text, `"aws:SecureTransport": "false"`) ||
		!strings.Contains(text, `"arn:aws:s3:::`+name+`/*"`) {
		t.Error(text)
	}
	tags, err := in.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name, ExpectedBucketOwner: owner})
	if err != nil || *tags.TagSet[0].Key != "spacel:bucket" || *tags.TagSet[0].Value != "ready" {
		t.Error("tags", err)
	}
}

// A run that is interrupted after any call leaves a bucket that the next run completes, and asks about again.
func TestInterruptedBucket(t *testing.T) {
	moto := cloudtest.Moto(t)
	for stop := 1; ; stop++ {
		region := []string{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1",
			"eu-south-1", "ap-south-1", "ap-east-1", "sa-east-1", "ca-central-1"}[stop]
		ctx, cancel := context.WithCancel(t.Context())
		proxy := cloudtest.NewProxy(t, moto, cloudtest.Faults{StopAt: stop, StopAfter: true, Stop: cancel})
		broken := New(cloud.New(cloudtest.Config(t, proxy.URL, region), cloud.Access{}), Buckets{Own: true, Make: agree})
		_, err := broken.Asset(ctx, region, digest("content"), []byte("content"))
		cancel()
		asked := 0
		s := New(account(t), Buckets{Own: true, Make: func(context.Context, string) error { asked++; return nil }})
		before, stateErr := s.Bucket(t.Context(), region)
		if stateErr != nil {
			t.Fatal(stop, stateErr)
		}
		asset(t, s, region, "content")
		checkSettings(t, account(t), ownBucket(t, region), region)
		if (before == Ready) != (asked == 0) {
			t.Errorf("stopped after call %d: the bucket is %s, and was asked about %d times", stop, before, asked)
		}
		if before == Ready {
			if err != nil && stop < 10 {
				t.Errorf("ready after %d calls: %v", stop, proxy.Calls())
			}
			return
		}
		if err == nil {
			t.Fatal("the interrupted run succeeded")
		}
	}
}

// The answer no, or nobody to answer, is one error for all uploads.
func TestBucketIsRefused(t *testing.T) {
	refusal, asked := errors.New("no"), 0
	s := New(account(t), Buckets{Own: true, Make: func(context.Context, string) error { asked++; return refusal }})
	for _, region := range []string{"us-east-1", "eu-west-1", "us-east-1"} {
		if _, err := s.Asset(t.Context(), region, digest("x"), []byte("x")); !errors.Is(err, refusal) {
			t.Error(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	_, err := New(account(t), Buckets{Own: true}).Asset(t.Context(), "us-east-1", digest("x"), []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "does not exist, and this run makes none") {
		t.Error(err)
	}
}

// A bucket of the name that somebody made for another purpose is left alone. An empty one is what an interrupted run leaves.
func TestBucketWithoutTag(t *testing.T) {
	c := account(t)
	name := ownBucket(t, "us-east-1")
	if _, err := c.Region("us-east-1").S3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	s := New(c, Buckets{Own: true, Make: agree})
	if state, err := s.Bucket(t.Context(), "us-east-1"); state != Unfinished || err != nil {
		t.Error(state, err)
	}
	_, err := c.Region("us-east-1").S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("x")})
	if err != nil {
		t.Fatal(err)
	}
	want := "the bucket " + name + " was not made by spacel: it has no tag spacel:bucket: add the tag with the value ready to use it, or " +
		"name another bucket with --lambda-bucket or LAMBDA_BUCKET"
	if _, err := s.Asset(t.Context(), "us-east-1", digest("x"), []byte("x")); err == nil || err.Error() != want {
		t.Error(err)
	}
}

// answers are S3's answers to HEAD of the bucket, with and without the expected owner.
func answers(t *testing.T, expected, plain int, region string) *Stage {
	f := &fakeS3{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			f.ServeHTTP(w, r) // STS
		case r.Method != http.MethodHead:
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, "<Error><Code>BucketAlreadyExists</Code><Message>taken</Message></Error>")
		default:
			w.Header().Set("X-Amz-Bucket-Region", region)
			code := plain
			if r.Header.Get("X-Amz-Expected-Bucket-Owner") != "" {
				code = expected
			}
			w.WriteHeader(code)
		}
	}))
	t.Cleanup(server.Close)
	c := cloud.New(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("KEY", "s", "")}, cloud.Access{})

	return New(c, Buckets{Own: true, Make: agree})
}

func TestOwnBucketOfOthers(t *testing.T) {
	const name = "spacel-123456789012-us-east-1"
	const another = "name another bucket with --lambda-bucket or LAMBDA_BUCKET"
	for want, s := range map[string]*Stage{
		"the bucket " + name + " belongs to another account: " + another: answers(t, 403, 200, "us-east-1"),
		"the bucket " + name + " is in eu-west-1, and not in us-east-1 as its name says: delete it, or " + another: answers(t, 301, 301,
			"eu-west-1"),
		"look for the bucket " + name + ": it is another account's, or it may not be read: s3:ListBucket is not allowed " +
			"(Forbidden): have that right given, or use another profile or role": answers(
			t, 403, 403, "us-east-1"),
		"make the bucket " + name + ": it belongs to another account, which took the name first: name another bucket with " +
			"--lambda-bucket": answers(t, 404, 404, ""),
	} {
		if _, err := s.Asset(t.Context(), "us-east-1", digest("x"), []byte("x")); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
