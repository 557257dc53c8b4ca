package values

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

func gzipped(t *testing.T, body string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(body))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func digestOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func binary(name, architecture, part string) assembly.ValueFrom {
	return assembly.ValueFrom{Binary: &assembly.Binary{Name: name, Architecture: architecture, Part: part}}
}

var agent = map[string]assembly.ValueFrom{
	"Bucket": binary("agent", "arm64", "bucket"), "Key": binary("agent", "arm64", "key"), "Digest": binary("agent", "arm64", "digest"),
}

func (a *awsEnv) resolve(parameters map[string]assembly.ValueFrom, stack *live.Stack) ByName {
	a.Helper()
	values, err := a.resolver().Resolve(a.Context(), app(parameters), stack)
	if err != nil {
		a.Fatal(err)
	}
	return values
}

// object is what S3 has, "" if nothing.
func (a *awsEnv) object(bucket, key string) string {
	a.Helper()
	out, err := a.cloud.Region(here).S3().GetObject(a.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return ""
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		a.Fatal(err)
	}
	return string(body)
}

func TestAgent(t *testing.T) {
	a := newAWSEnv(t)
	first := a.resolve(agent, nil)
	digest := digestOf("agent for arm64")
	key := "spacel/assets/" + digest
	want := ByName{"Bucket": {Text: a.bucket}, "Key": {Text: key}, "Digest": {Text: digest}}
	same(t, first, want)
	if got := a.object(a.bucket, key); got != "agent for arm64" {
		t.Errorf("S3 has %q", got)
	}
	was := deployed(map[string]string{"Bucket": a.bucket, "Key": key, "Digest": digest})
	a.binaries["agent-arm64.gz"].Data = gzipped(t, "a newer agent")
	kept := ByName{"Bucket": {Text: a.bucket, Keep: true}, "Key": {Text: key, Keep: true}, "Digest": {Text: digest, Keep: true}}
	same(t, a.resolve(agent, was), kept)
	a.settings.UpgradeAgent = true
	upgraded := a.resolve(agent, was)
	if got := upgraded["Digest"]; got.Text != digestOf("a newer agent") || got.Keep ||
		a.object(a.bucket, upgraded["Key"].Text) != "a newer agent" {
		t.Errorf("got %+v", upgraded)
	}
}

func same(t *testing.T, got, want ByName) {
	t.Helper()
	for name := range want {
		if !cmp.Equal(got[name], want[name]) {
			t.Errorf("%s: got %+v, want %+v", name, got[name], want[name])
		}
	}
}

// A stack that changes to another architecture, and knows only the old one's key, gets everything anew: the buckets might
// not be the same.
func TestAgentOfAnotherArchitecture(t *testing.T) {
	a := newAWSEnv(t)
	was := deployed(map[string]string{"Bucket": "an-older-bucket", "KeyArm64": "k", "DigestArm64": "d"})
	values := a.resolve(map[string]assembly.ValueFrom{"Bucket": binary("agent", "amd64", "bucket"),
		"KeyAmd64": binary("agent", "amd64", "key")}, was)
	same(t, values, ByName{"Bucket": {Text: a.bucket}, "KeyAmd64": {Text: "spacel/assets/" + digestOf("agent for amd64")}})
}

func TestKeptAgentThatIsGone(t *testing.T) {
	a := newAWSEnv(t)
	key := "spacel/assets/" + digestOf("agent for arm64")
	values := a.resolve(agent, deployed(map[string]string{"Bucket": a.bucket, "Key": key, "Digest": digestOf("agent for arm64")}))
	if !values["Key"].Keep || a.object(a.bucket, key) != "agent for arm64" {
		t.Errorf("this release's own was not put back: %+v", values)
	}
	_, err := a.resolver().Resolve(t.Context(), app(agent),
		deployed(map[string]string{"Bucket": a.bucket, "Key": "spacel/assets/older", "Digest": "d"}))
	refused(t, err, "the deployed agent, s3://"+a.bucket+"/spacel/assets/older, is gone", "--upgrade agent")
	_, err = a.resolver().Resolve(t.Context(), app(agent),
		deployed(map[string]string{"Bucket": "no-such-bucket", "Key": "k", "Digest": "d"}))
	refused(t, err, "bucket no-such-bucket, which the deployed stack reads: there is no such bucket", "--upgrade agent")
}

func TestReleaseWithoutPrograms(t *testing.T) {
	a := newAWSEnv(t)
	clear(a.binaries)
	_, err := a.resolver().Resolve(t.Context(), app(agent), nil)
	refused(t, err, "this spacel carries no agent for arm64: build it with make build")
}

func TestDryRunUploadsNothing(t *testing.T) {
	a := newAWSEnv(t)
	a.settings.DryRun = true
	a.settings.Asset = func(string) ([]byte, error) { return []byte("asset"), nil }
	digest := digestOf("asset")
	parameters := map[string]assembly.ValueFrom{"AssetBucket": asset(digest, "bucket"), "AssetKey": asset(digest, "key")}
	for name, s := range agent {
		parameters[name] = s
	}
	values := a.resolve(parameters, nil)
	same(t, values, ByName{
		"Bucket": {Text: a.bucket}, "Key": {Text: "spacel/assets/" + digestOf("agent for arm64")},
		"AssetBucket": {Text: a.bucket}, "AssetKey": {Text: "spacel/assets/" + digest},
	})
	out, err := a.cloud.Region(here).S3().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &a.bucket})
	if err != nil || len(out.Contents) != 0 {
		t.Errorf("S3 has %v, %v", out.Contents, err)
	}
}

func asset(digest, part string) assembly.ValueFrom {
	return assembly.ValueFrom{Asset: &assembly.AssetPart{Digest: digest, Part: part}}
}

func TestAsset(t *testing.T) {
	a := newAWSEnv(t)
	digest := digestOf("asset")
	a.wantError(asset(digest, "key"), "no artifact directory")
	a.settings.Asset = func(string) ([]byte, error) { return []byte("asset"), nil }
	a.wantValue(asset(digest, "bucket"), nil, Value{Text: a.bucket})
	a.wantValue(asset(digest, "key"), deployed(map[string]string{"P": "older"}), Value{Text: "spacel/assets/" + digest})
	if got := a.object(a.bucket, "spacel/assets/"+digest); got != "asset" {
		t.Errorf("S3 has %q", got)
	}
	a.settings.Asset = func(string) ([]byte, error) { return nil, errors.New("a torn page") }
	a.wantError(asset(digest, "key"), "a torn page")
}

// Lambda reads code from its own region only.
func TestSlackNeedsABucketOfItsRegion(t *testing.T) {
	a := newAWSEnv(t)
	slack := map[string]assembly.ValueFrom{"B": binary("slack", "arm64", "bucket"), "K": binary("slack", "arm64", "key")}
	same(t, a.resolve(slack, nil), ByName{"B": {Text: a.bucket}, "K": {Text: "spacel/assets/" + digestOf("a zip")}})
	elsewhere := app(slack)
	elsewhere.Region = there
	_, err := a.resolver().Resolve(t.Context(), elsewhere, nil)
	if err == nil || !strings.Contains(err.Error(), "bucket "+a.bucket+" is in us-east-1, and the function that posts to Slack is in "+
		"eu-west-1, where Lambda must find its code") {
		t.Errorf("got %v", err)
	}
}
