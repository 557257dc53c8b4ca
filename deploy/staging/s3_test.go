package staging

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/pebble/spacel/deploy/cloud"
)

// fakeS3 does what moto's S3 does not: redirects to a bucket's region, and refusals.
type fakeS3 struct {
	mu      sync.Mutex
	home    string // region of its one bucket
	owner   string
	listed  bool // absent keys may be seen
	objects map[string]string
	race    string // what another run puts there before the first upload
	calls   []string
}

func (f *fakeS3) cloud(t *testing.T) *cloud.Cloud {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return cloud.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("KEY", "s", ""),
	}, cloud.Access{})

}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Path == "/" { // STS
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult>`+
			`<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/ada</Arn>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	expected := r.Header.Get("X-Amz-Expected-Bucket-Owner")
	f.calls = append(f.calls, r.Method+" "+region)
	w.Header().Set("X-Amz-Bucket-Region", f.home)
	switch {
	case region != f.home:
		w.WriteHeader(http.StatusMovedPermanently)
	case expected != "" && expected != f.owner:
		w.WriteHeader(http.StatusForbidden)
	case key == "":
	case r.Method == http.MethodPut:
		f.putObject(w, r, key)
	default:
		f.get(w, key)
	}
}

func (f *fakeS3) putObject(w http.ResponseWriter, r *http.Request, key string) {
	if f.race != "" {
		f.objects[key], f.race = f.race, ""
	}
	if _, ok := f.objects[key]; ok && r.Header.Get("If-None-Match") == "*" {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	body, _ := io.ReadAll(r.Body)
	f.objects[key] = string(body)
}

func (f *fakeS3) get(w http.ResponseWriter, key string) {
	body, ok := f.objects[key]
	switch {
	case ok:
		fmt.Fprint(w, body)
	case f.listed:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusForbidden)
	}
}

func TestBucketInAnotherRegion(t *testing.T) {
	f := &fakeS3{home: "eu-west-1", owner: "123456789012", listed: true, objects: map[string]string{}}
	s := New(f.cloud(t), Buckets{Asset: "bucket"})
	asset(t, s, "us-east-1", "content")
	asset(t, s, "us-east-1", "more")
	want := "HEAD us-east-1, HEAD eu-west-1, HEAD eu-west-1, PUT eu-west-1, HEAD eu-west-1, PUT eu-west-1"
	if got := strings.Join(f.calls, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBucketOfAnotherAccount(t *testing.T) {
	f := &fakeS3{home: "us-east-1", owner: "999999999999"}
	problems(t, New(f.cloud(t), Buckets{Template: "bucket"}).Check(t.Context(), []string{"eu-west-1"}), "it belongs to another account")
}

func TestBucketThatMayNotBeRead(t *testing.T) {
	f := &fakeS3{home: "us-east-1", owner: "123456789012"}
	refused := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		f.ServeHTTP(w, r)
	})
	server := httptest.NewServer(refused)
	t.Cleanup(server.Close)
	c := cloud.New(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("KEY", "s", "")}, cloud.Access{})

	problems(t, New(c, Buckets{Template: "bucket"}).Check(t.Context(), []string{"eu-west-1"}),
		"it is another account's, or it may not be read: s3:ListBucket is not allowed (Forbidden)")
}

// Who may not list a bucket is told 403 of a key that is not there.
func TestUploadWithoutTheRightToList(t *testing.T) {
	f := &fakeS3{home: "us-east-1", owner: "123456789012", objects: map[string]string{}}
	s := New(f.cloud(t), Buckets{Asset: "bucket"})
	if o := asset(t, s, "us-east-1", "content"); !o.New || f.objects[o.Key] != "content" {
		t.Errorf("got %+v", f.objects)
	}
	if held, err := s.Exists(t.Context(), "bucket", "unknown"); !held || err != nil {
		t.Errorf("what may not be looked at: %v, %v", held, err)
	}
}

func TestTwoRunsUploadAtOnce(t *testing.T) {
	f := &fakeS3{home: "us-east-1", owner: "123456789012", listed: true, objects: map[string]string{}, race: "content"}
	c := f.cloud(t)
	if o := asset(t, New(c, Buckets{Asset: "bucket"}), "us-east-1", "content"); o.New {
		t.Error("it takes the other run's upload for its own")
	}
	f.race = "an intruder's"
	_, err := New(c, Buckets{Asset: "bucket"}).Asset(t.Context(), "us-east-1", digest("other"), []byte("other"))
	if err == nil || !strings.Contains(err.Error(), "something else is there") {
		t.Errorf("got %v", err)
	}
}
