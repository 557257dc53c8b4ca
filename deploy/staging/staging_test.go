package staging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

func account(t *testing.T) *cloud.Cloud {
	t.Helper()
	return cloud.New(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"), cloud.Access{})
}

// create makes a bucket whose name is the test's own.
func create(t *testing.T, c *cloud.Cloud, name, region string) string {
	t.Helper()
	name += "-" + cloudtest.Account(t)
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	if _, err := c.Region(region).S3().CreateBucket(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return name
}

func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func asset(t *testing.T, s *Stage, region, body string) Object {
	t.Helper()
	o, err := s.Asset(t.Context(), region, digest(body), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAsset(t *testing.T) {
	c := account(t)
	name := create(t, c, "assets", "eu-west-1")
	o := asset(t, New(c, Buckets{Asset: name}), "us-east-1", "content")
	want := Object{Bucket: name, Key: "spacel/assets/" + digest("content"), New: true,
		URL: "https://" + name + ".s3.eu-west-1.amazonaws.com/spacel/assets/" + digest("content")}
	if o != want {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}
	got, err := c.Region("eu-west-1").S3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &o.Key})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(got.Body); string(body) != "content" || got.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("got %q, encryption %q", body, got.ServerSideEncryption)
	}
	if again := asset(t, New(c, Buckets{Asset: name}), "us-east-1", "content"); again.New {
		t.Error("another run uploads it again")
	}
	at, err := New(c, Buckets{Asset: name}).AssetAt(t.Context(), "us-east-1", digest("content"))
	if err != nil || at.Key != o.Key || at.Bucket != o.Bucket {
		t.Errorf("AssetAt says %+v, %v", at, err)
	}
}

func TestBucketOfEachRegion(t *testing.T) {
	c := account(t)
	id := cloudtest.Account(t)
	create(t, c, "a-eu-west-1", "eu-west-1")
	create(t, c, "a-us-east-1", "us-east-1")
	s := New(c, Buckets{Asset: "a-{region}-" + id, AssetRegion: "nowhere"})
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		if o := asset(t, s, region, "content"); o.Bucket != "a-"+region+"-"+id || !o.New {
			t.Errorf("%s: %+v", region, o)
		}
		if at, err := s.AssetRegion(t.Context(), region); at != region || err != nil {
			t.Errorf("%s: the bucket is in %s, %v", region, at, err)
		}
	}
	problems(t, s.Check(t.Context(), []string{"eu-west-1", "us-east-1", "ap-south-1"}),
		"bucket a-ap-south-1-"+id+" for assets (--lambda-bucket or LAMBDA_BUCKET): there is no such bucket in any account",
		"bucket a-ap-south-1-"+id+" for templates (--lambda-bucket or LAMBDA_BUCKET): there is no such bucket in any account")
}

func TestNothingIsOverwritten(t *testing.T) {
	c := account(t)
	name := create(t, c, "assets", "us-east-1")
	at, err := New(c, Buckets{Asset: name}).AssetAt(t.Context(), "us-east-1", digest("content"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, at, "other")
	_, err = New(c, Buckets{Asset: name}).Asset(t.Context(), "us-east-1", digest("content"), []byte("content"))
	if err == nil || !strings.Contains(err.Error(), "something else is there, with the sha256 "+digest("other")) {
		t.Errorf("got %v", err)
	}
	if _, err := New(c, Buckets{Asset: name}).Asset(t.Context(), "us-east-1", digest("new"), []byte("not that")); err == nil {
		t.Error("it uploads a body that its digest does not fit")
	}
}

func put(t *testing.T, c *cloud.Cloud, o Object, body string) {
	t.Helper()
	_, err := c.Region("us-east-1").S3().PutObject(t.Context(),
		&s3.PutObjectInput{Bucket: &o.Bucket, Key: &o.Key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTemplateOfADryRunLeavesNoTrace(t *testing.T) {
	c := account(t)
	name := create(t, c, "templates", "us-east-1")
	versioned := &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}
	if _, err := c.Default().S3().PutBucketVersioning(t.Context(),
		&s3.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: versioned}); err != nil {
		t.Fatal(err)
	}
	s := New(c, Buckets{Asset: "unused", Template: name})
	kept, err := s.Template(t.Context(), "us-east-1", digest("{}"), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	dry := New(c, Buckets{Template: name})
	one, err := dry.Temporary(t.Context(), "us-east-1", digest("{}"), []byte("{}"))
	if err != nil || one.Key == kept.Key || !one.New || !strings.Contains(one.URL, ".json?versionId=") {
		t.Fatal(one, err)
	}
	for _, o := range []Object{one, kept} {
		if err := dry.Remove(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := c.Default().S3().ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &name})
	if err != nil {
		t.Fatal(err)
	}
	if len(versions.Versions) != 1 || aws.ToString(versions.Versions[0].Key) != kept.Key || len(versions.DeleteMarkers) != 0 {
		t.Errorf("what is left: %+v %+v", versions.Versions, versions.DeleteMarkers)
	}
	if err := s.Remove(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Template(t.Context(), "us-east-1", digest("{}"), []byte("{}")); err != nil || !again.New {
		t.Errorf("it can't be uploaded again: %+v, %v", again, err)
	}
}

func TestHeld(t *testing.T) {
	c := account(t)
	s := New(c, Buckets{Asset: create(t, c, "assets", "eu-west-1")})
	o := asset(t, s, "eu-west-1", "content")
	for key, want := range map[string]bool{o.Key: true, "absent": false} {
		if got, err := s.Exists(t.Context(), o.Bucket, key); got != want || err != nil {
			t.Errorf("%s: %v, %v", key, got, err)
		}
	}
	if _, err := s.Exists(t.Context(), "gone-"+cloudtest.Account(t), "key"); err == nil ||
		!strings.Contains(err.Error(), "there is no such bucket") {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	c := account(t)
	name := create(t, c, "assets", "eu-west-1")
	for _, b := range []Buckets{{}, {Asset: name}, {Asset: name, AssetRegion: "eu-west-1"}, {Template: name}} {
		problems(t, New(c, b).Check(t.Context(), []string{"us-east-1", "eu-west-1"}))
	}
	problems(t, New(c, Buckets{Asset: name, AssetRegion: "us-east-1", Template: name}).Check(t.Context(), []string{"eu-west-1"}),
		"bucket "+name+" for assets is in eu-west-1, and not in us-east-1 as --lambda-region or LAMBDA_REGION says: name another bucket "+
			"with --lambda-bucket or LAMBDA_BUCKET")
	wrong := strings.Replace(name, "assets", "{region}", 1)
	create(t, c, "us-west-2", "eu-west-1")
	problems(t, New(c, Buckets{Template: wrong}).Check(t.Context(), []string{"us-west-2"}),
		"for templates is in eu-west-1, and not in us-west-2 as its name says: name another bucket with --template-bucket or "+
			"TEMPLATE_BUCKET")
}

func TestNoBucket(t *testing.T) {
	_, err := New(cloud.New(aws.Config{}, cloud.Access{}), Buckets{}).Template(context.Background(), "us-east-1", digest(""), nil)
	want := "there is no bucket to upload templates to: name one with --lambda-bucket or LAMBDA_BUCKET; {region} in its name stands for " +
		"each stack's region"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// problems compares errors with what each must contain, in order.
func problems(t *testing.T, got []error, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	for i := range got {
		if !strings.Contains(got[i].Error(), want[i]) {
			t.Errorf("got  %v\nwant %s", got[i], want[i])
		}
	}
}
