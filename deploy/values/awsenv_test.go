package values

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/release"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/internal/cloudtest"
)

const (
	here  = "us-east-1"
	there = "eu-west-1"
)

// awsEnv is an AWS account for one test: stacks of cloudtest's CloudFormation, everything else moto's, and Debian's images,
// which moto does not have.
type awsEnv struct {
	*testing.T
	cf       *cloudtest.CloudFormation
	cloud    *cloud.Cloud
	debian   map[string]string // parameter → image
	bucket   string
	binaries fstest.MapFS
	settings Settings

	mu    sync.Mutex
	calls map[string]int // by service
}

func newAWSEnv(t *testing.T) *awsEnv {
	t.Helper()
	a := &awsEnv{T: t, cf: cloudtest.NewCloudFormation(t), debian: map[string]string{}, calls: map[string]int{}}
	server := httptest.NewServer(a.dispatch(proxy(t, a.cf.URL), proxy(t, cloudtest.Moto(t))))
	t.Cleanup(server.Close)
	a.cloud = cloud.New(cloudtest.Config(t, server.URL, here), cloud.Access{})
	a.bucket = "assets-" + cloudtest.Account(t)
	if _, err := a.cloud.Region(here).S3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &a.bucket}); err != nil {
		t.Fatal(err)
	}
	a.binaries = fstest.MapFS{
		"agent-arm64.gz":  {Data: gzipped(t, "agent for arm64")},
		"agent-amd64.gz":  {Data: gzipped(t, "agent for amd64")},
		"slack-arm64.zip": {Data: []byte("a zip")},
	}
	return a
}

func proxy(t *testing.T, to string) http.Handler {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}

// dispatch sends each call where it is answered.
func (a *awsEnv) dispatch(cf, moto http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		service := strings.Split(r.Header.Get("Authorization"), "/")[3]
		a.mu.Lock()
		a.calls[service]++
		a.mu.Unlock()
		switch {
		case service == "cloudformation":
			cf.ServeHTTP(w, r)
		case r.Header.Get("X-Amz-Target") == "AmazonSSM.GetParameter":
			a.serveParameter(w, r, moto)
		default:
			moto.ServeHTTP(w, r)
		}
	}
}

// serveParameter answers for Debian's public parameters.
func (a *awsEnv) serveParameter(w http.ResponseWriter, r *http.Request, moto http.Handler) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var asked struct{ Name string }
	_ = json.Unmarshal(body, &asked)
	if !strings.HasPrefix(asked.Name, "/aws/service/debian/") {
		moto.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	image, ok := a.debian[asked.Name]
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "ParameterNotFound"})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Name": asked.Name, "Value": image}})
}

// put makes a stack of the orbit's with outputs.
func (a *awsEnv) put(region, name string, outputs map[string]string) {
	a.putOf("production", region, name, types.StackStatusCreateComplete, outputs)
}

func (a *awsEnv) putOf(orbit, region, name string, status types.StackStatus, outputs map[string]string) {
	a.cf.Put(a.T, cloudtest.Stack{Region: region, Name: name, Status: status, Outputs: outputs,
		Tags:     map[string]string{document.TagOrbit: orbit},
		Template: `{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`})
}

// resolver is a new run.
func (a *awsEnv) resolver() *Resolver {
	return New(a.cloud, live.New(a.cloud), staging.New(a.cloud, staging.Buckets{Asset: a.bucket}), release.Binaries{FS: a.binaries},
		a.settings)
}

// app is a stack with parameters.
func app(parameters map[string]assembly.ValueFrom) assembly.Stack {
	return assembly.Stack{Name: "production-laika", Region: here, App: "laika", Parameters: parameters,
		Tags: map[string]string{document.TagOrbit: "production", document.TagApp: "laika"}}
}

// deployed is the stack with values.
func deployed(parameters map[string]string) *live.Stack {
	return &live.Stack{StackRef: assembly.StackRef{Region: here, Name: "production-laika"}, Parameters: parameters,
		Status: types.StackStatusCreateComplete}
}

// one finds the value of a single parameter, P.
func (a *awsEnv) one(s assembly.ValueFrom, stack *live.Stack) (Value, error) {
	a.Helper()
	values, err := a.resolver().Resolve(a.Context(), app(map[string]assembly.ValueFrom{"P": s}), stack)
	return values["P"], err
}

func (a *awsEnv) wantValue(s assembly.ValueFrom, stack *live.Stack, want Value) {
	a.Helper()
	got, err := a.one(s, stack)
	got.Version = "" // it has ids of the account: see TestVersionsOfSecrets
	if err != nil || !cmp.Equal(got, want) {
		a.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// fatal ends the test with an error.
func (a *awsEnv) fatal(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// version is the version of a secret's source.
func (a *awsEnv) version(s assembly.Secret) string {
	a.Helper()
	got, err := a.one(secret(s), nil)
	if err != nil || got.Version == "" {
		a.Fatalf("no version: %+v, %v", got, err)
	}
	return got.Version
}

// wantError wants an error of one line with each of these texts.
func (a *awsEnv) wantError(s assembly.ValueFrom, want ...string) {
	a.Helper()
	_, err := a.one(s, nil)
	refused(a.T, err, want...)
}

func refused(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", want)
		return
	}
	for _, text := range append(want, "parameter ") {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got  %v\nwant %s", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "operation error") {
		t.Errorf("not one plain line: %v", err)
	}
}

// asking answers questions, and counts them.
func asking(n *int, answer string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) {
		*n++
		return answer, nil
	}
}
