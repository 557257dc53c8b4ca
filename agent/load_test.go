package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/hexdigest"
)

const identity = `{"instanceId":"i-0123456789abcdef0","region":"us-east-1","availabilityZone":"us-east-1b","instanceType":"t4g.nano",
"architecture":"ARCH","accountId":"123456789012","pendingTime":"2026-11-22T09:00:00Z"}`

// newMetadataServer is an instance metadata service of version 2: nothing is told without a token.
func newMetadataServer(t *testing.T, userData string, identity string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-aws-ec2-metadata-token-ttl-seconds", r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds"))
		fmt.Fprint(w, "the-token")
	})
	tell := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-aws-ec2-metadata-token") != "the-token" {
				w.WriteHeader(http.StatusUnauthorized)
			} else if text == "" {
				http.NotFound(w, r)
			} else {
				fmt.Fprint(w, text)
			}
		}
	}
	mux.HandleFunc("GET /latest/dynamic/instance-identity/document", tell(identity))
	mux.HandleFunc("GET /latest/user-data", tell(userData))
	mux.HandleFunc("GET /latest/meta-data/iam/security-credentials/", tell("role"))
	mux.HandleFunc("GET /latest/meta-data/iam/security-credentials/role", tell(`{"Code":"Success","Type":"AWS-HMAC",
"AccessKeyId":"`+cloudtest.AccessKey(t)+`","SecretAccessKey":"secret","Token":"token","Expiration":"2999-01-01T00:00:00Z"}`))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestIdentify(t *testing.T) {
	for ec2, want := range map[string]string{"x86_64": "amd64", "arm64": "arm64"} {
		metadata := newMetadata(newMetadataServer(t, "", strings.Replace(identity, "ARCH", ec2, 1)))
		got, err := identify(t.Context(), metadata)
		if err != nil {
			t.Fatal(err)
		}
		expected := Instance{"i-0123456789abcdef0", "us-east-1", "us-east-1b", "t4g.nano", want,
			time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
		if got != expected {
			t.Errorf("got %+v, want %+v", got, expected)
		}
	}
}

// userData is like the compiler's: text that is no YAML elsewhere must not matter.
const userData = `#cloud-config
write_files:
- path: /etc/other
  permissions: "0644"
  content: |
    #!/bin/sh
    	{tabs: [
- path: /etc/spacel/document.json
  permissions: "0600"
  content: |
    {
      "format": 1,
      "orbit": "production",
      "app": "laika",
      "region": "us-east-1",
      "signal": {"stack": "arn:stack", "resource": "Asg", "timeout": 900}
    }
runcmd:
- [/usr/local/sbin/spacel-install]
`

func TestLoad(t *testing.T) {
	for _, test := range []struct{ name, file, userData, want string }{
		{"file", `{"format":1,"orbit":"production","app":"laika","region":"us-east-1",` +
			`"signal":{"stack":"arn:stack","resource":"Asg","timeout":900}}`, "", ""},
		{"user data", "", userData, ""},
		{"no document in user data", "", "#cloud-config\nwrite_files: []\n", "user data does not write it"},
		{"no cloud-config", "", "secret: [", "user data is not a cloud-config"},
		{"no user data", "", "", "the metadata service gives no user data"},
		{"no JSON", "{", "", "unexpected end of JSON"},
		{"a later format", `{"format":2,"orbit":1}`, "", "it has format 2, and this agent knows 1: deploy with --upgrade agent"},
		{"a later field", `{"format":1,"teleport":true}`, "", `unknown field "teleport"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			if test.file != "" {
				if err := os.MkdirAll(filepath.Join(root, "etc/spacel"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, document.Path), []byte(test.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, err := load(t.Context(), root, newMetadata(newMetadataServer(t, test.userData, identity)))
			if test.want != "" {
				wantError(t, err, "read the instance document", test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d.Orbit != "production" || d.App != "laika" || d.Signal.Timeout != 900 || d.Signal.Stack != "arn:stack" {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// bucket makes one with an object in it, in a region.
func (h *bootEnv) bucket(region, key string, data []byte) string {
	h.t.Helper()
	name := "assets-" + cloudtest.Account(h.t)
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	there := func(o *s3.Options) { o.Region = region }
	if _, err := h.AWS.S3.CreateBucket(h.t.Context(), in, there); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.AWS.S3.PutObject(h.t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader(string(data))},
		there); err != nil {
		h.t.Fatal(err)
	}
	return name
}

func TestAsset(t *testing.T) {
	rest := document.Document[string]{
		Format: 1, Orbit: "production", App: "laika", Region: "us-east-1",
		Units:        map[string]document.Content{"a.service": {Lines: []string{"[Unit]"}}},
		Files:        map[string]document.Content{"b": {Lines: []string{"x"}}},
		Environments: map[string][]document.Variable{"a.env": {{Name: "A", Value: "1"}}},
		Volumes:      []document.Volume{{Label: "data", MountPoint: "/data"}},
	}
	data, err := json.Marshal(rest)
	if err != nil {
		t.Fatal(err)
	}
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"))
	bucket := h.bucket("us-east-1", "k/e/y", data)
	h.Document.Stats = "System/Linux/test/web"
	h.Document.Asset = &document.Asset[string]{Bucket: bucket, Key: "k/e/y", Digest: hexdigest.SHA256(data)}
	if err := fetchAsset(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	d := h.Document
	if len(d.Units) != 1 || len(d.Files) != 1 || len(d.Environments["a.env"]) != 1 || len(d.Volumes) != 1 || d.Stats == "" {
		t.Errorf("got %+v", d)
	}
	h.wantMode(assetCache, 0o600)

	d.Units, d.Asset.Bucket = nil, "gone" // a later boot
	if err := fetchAsset(t.Context(), h.Boot); err != nil || len(d.Units) != 1 {
		t.Errorf("a later boot: %v, %+v", err, d)
	}

	d.Asset.Bucket, d.Asset.Digest = bucket, hexdigest.SHA256([]byte("other"))
	wantError(t, fetchAsset(t.Context(), h.Boot),
		"s3://"+bucket+"/k/e/y has the sha256 "+hexdigest.SHA256(data)+", not "+hexdigest.SHA256([]byte("other"))+": refused")

	d.Asset.Digest, d.App = hexdigest.SHA256(data), "other"
	wantError(t, fetchAsset(t.Context(), h.Boot), "is of app laika in orbit production in us-east-1, not of this instance's")
}

// A bucket in another region turns the call away and says where it is (Amazon S3 User Guide, "Request redirection"). moto
// does not, so this is a server of ours.
func TestAssetInAnotherRegion(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			fmt.Fprint(w, "there")
			return
		}
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(http.StatusMovedPermanently)
		fmt.Fprint(w, `<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>`)
	}))
	t.Cleanup(server.Close)
	h := newBootEnv(t, document.Document[string]{})
	config := cloudtest.Config(t, server.URL, "us-east-1")
	h.AWS = NewClients(config)
	got, err := h.fetch(t.Context(), "bucket", "key")
	if err != nil || string(got) != "there" {
		t.Errorf("got %q, %v", got, err)
	}
}

// The role's credentials come from the metadata service, and reach the services.
func TestRoleConfig(t *testing.T) {
	metadata := newMetadata(newMetadataServer(t, "", identity))
	config := roleConfig("us-east-1", metadata, cloudtest.Moto(t))
	who, err := config.Credentials.Retrieve(t.Context())
	if err != nil || who.AccessKeyID != cloudtest.AccessKey(t) {
		t.Fatalf("got %q, %v", who.AccessKeyID, err)
	}
	h := newBootEnv(t, document.Document[string]{})
	h.AWS = NewClients(config)
	name := h.bucket("us-east-1", "key", []byte("x"))
	if _, err := h.AWS.S3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Error(err)
	}
}
