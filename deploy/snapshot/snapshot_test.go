package snapshot

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/diff"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/release"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/deploy/values"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/hexdigest"
)

const (
	region   = "us-east-1"
	template = `{"Parameters": {"Image": {"Type": "String"}, "Bucket": {"Type": "String"}, "Key": {"Type": "String"}, "Hook": ` +
		`{"Type": "String", "NoEcho": true}},
  "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Key"}}}}}`
)

// snapshotEnv has one stack, test-web, built and deployed.
type snapshotEnv struct {
	*testing.T
	cf       *cloudtest.CloudFormation
	cloud    *cloud.Cloud
	artifact *assembly.Assembly
	built    assembly.Stack
}

func newSnapshotEnv(t *testing.T, asset string) *snapshotEnv {
	t.Parallel()
	cf := cloudtest.NewCloudFormation(t)
	b := &snapshotEnv{T: t, cf: cf, cloud: cloud.New(cf.Config(t, region), cloud.Access{})}
	m := assembly.NewInMemory(nil, "test")
	kept, err := m.Asset([]byte(asset))
	if err != nil {
		t.Fatal(err)
	}
	b.built = assembly.Stack{
		Name: "test-web", Region: region, App: "web", Template: region + "/test-web.template.json",
		Digest: hexdigest.SHA256([]byte(template)),
		Tags:   map[string]string{document.TagOrbit: "test", document.TagApp: "web"}, Capabilities: []string{"CAPABILITY_IAM"},
		Parameters: map[string]assembly.ValueFrom{
			"Image":  {Image: &assembly.Image{Debian: "13", Architecture: "arm64"}},
			"Bucket": {Asset: &assembly.AssetPart{Digest: kept.Digest, Part: "bucket"}},
			"Key":    {Asset: &assembly.AssetPart{Digest: kept.Digest, Part: "key"}},
			"Hook":   {Secret: &assembly.Secret{Environment: "SPACEL_WEBHOOK_HOOK"}},
		},
	}
	if err := m.Stack(b.built, []byte(template), nil); err != nil {
		t.Fatal(err)
	}
	if b.artifact, err = m.Assembly(); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *snapshotEnv) putStack(bucket, key, image string) {
	b.cf.Put(b, cloudtest.Stack{
		Region: region, Name: "test-web", Status: "CREATE_COMPLETE", Tags: b.built.Tags,
		// In another layout, as a stack policy or a console leaves it.
		Template:   strings.ReplaceAll(template, "\n", "\n\n"),
		Parameters: map[string]string{"Image": image, "Bucket": bucket, "Key": key, "Hook": "https://secret"},
	})
}

func (b *snapshotEnv) diff() *diff.Diff {
	b.Helper()
	old, err := Take(b.Context(), b.cloud, live.New(b.cloud), b.artifact, false)
	if err != nil {
		b.Fatal(err)
	}
	d, err := diff.Compare(old, b.artifact)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// Capabilities that nobody granted are the one difference: kept values, secrets and layout are none.
func TestSame(t *testing.T) {
	b := newSnapshotEnv(t, "one")
	b.putStack("b", "spacel/assets/"+hexdigest.SHA256([]byte("one")), "ami-0aaaaaaaaaaaaaaaa")
	d := b.diff()
	if len(d.Stacks) != 1 || len(d.Stacks[0].Settings) != 1 || len(d.Stacks[0].Parameters) != 0 || len(d.Stacks[0].Template) != 0 ||
		len(d.Assets.Added) != 0 {
		text, _ := json.MarshalIndent(d, "", " ")
		t.Errorf("%s", text)
	}
}

// A deployed document is fetched, and compared line by line.
func TestAssetText(t *testing.T) {
	b := newSnapshotEnv(t, `{"units": ["new"]}`)
	bucket := b.cf.Bucket(t, region)
	key, body := "spacel/assets/"+hexdigest.SHA256([]byte(`{"units": ["old"]}`)), `{"units": ["old"]}`
	if _, err := b.cloud.Region(region).S3().PutObject(t.Context(),
		&s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	b.putStack(bucket, key, "ami-0aaaaaaaaaaaaaaaa")
	text, err := json.Marshal(b.diff().Stacks[0].Parameters)
	if err != nil || !strings.Contains(string(text), `-    \"old\"`) || !strings.Contains(string(text), `+    \"new\"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// What is gone from S3 is still another.
func TestAssetGone(t *testing.T) {
	b := newSnapshotEnv(t, "one")
	b.putStack(b.cf.Bucket(t, region), "spacel/assets/gone", "ami-0aaaaaaaaaaaaaaaa")
	text, err := json.Marshal(b.diff().Stacks[0].Parameters)
	if err != nil || !strings.Contains(string(text), "spacel/assets/gone") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAnothersStack(t *testing.T) {
	b := newSnapshotEnv(t, "one")
	b.cf.Put(t, cloudtest.Stack{Region: region, Name: "test-web", Status: "CREATE_COMPLETE", Template: template,
		Parameters: map[string]string{"Image": "a", "Bucket": "b", "Key": "k", "Hook": "h"}})
	_, err := Take(t.Context(), b.cloud, live.New(b.cloud), b.artifact, false)
	if err == nil || !strings.Contains(err.Error(), "does not belong to this orbit and app") {
		t.Errorf("%v", err)
	}
}

func TestUpgrades(t *testing.T) {
	b := newSnapshotEnv(t, "one")
	b.cf.Debian(region)
	b.putStack("b", "k", "ami-0aaaaaaaaaaaaaaaa")
	found := b.upgrades()
	if len(found) != 1 || found[0].What != "image" || found[0].Deployed != "ami-0aaaaaaaaaaaaaaaa" ||
		!strings.HasPrefix(found[0].Newest, "ami-0") {
		t.Fatalf("%v", found)
	}
	if text := found[0].String(); !strings.HasPrefix(text,
		"us-east-1/test-web: there is a newer image (deployed ami-0aaaaaaaaaaaaaaaa, newest ami-0") {
		t.Error(text)
	}
	b.cf.Parameter(region, "/aws/service/debian/release/13/latest/arm64", "ami-0aaaaaaaaaaaaaaaa")
	if found := b.upgrades(); len(found) != 0 {
		t.Errorf("%v", found)
	}
}

func (b *snapshotEnv) upgrades() []Upgrade {
	b.Helper()
	stacks := live.New(b.cloud)
	r := values.New(b.cloud, stacks, staging.New(b.cloud, staging.Buckets{}), release.Binaries{FS: fstest.MapFS{}},
		values.Settings{UpgradeAgent: true, UpgradeImage: true, DryRun: true})
	found, err := Upgrades(b.Context(), r, stacks, b.artifact)
	if err != nil {
		b.Fatal(err)
	}
	return found
}
