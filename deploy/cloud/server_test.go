package cloud

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// request is what the server saw.
type request struct {
	action string // of a query API
	key    string // access key it was signed with
	region string
	signed time.Time
}

// server plays STS: it answers whose credentials a request was signed with, and the request before says otherwise.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []request
	before func(n int, w http.ResponseWriter, r request) bool // answers instead; n counts from 0
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	q := request{action: r.FormValue("Action")}
	if credential := strings.Split(between(r.Header.Get("Authorization"), "Credential=", ","), "/"); len(credential) == 5 {
		q.key, q.region = credential[0], credential[2]
	}
	q.signed, _ = time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	s.mu.Lock()
	n := len(s.seen)
	s.seen = append(s.seen, q)
	s.mu.Unlock()
	if s.before != nil && s.before(n, w, q) {
		return
	}
	if q.action == "AssumeRole" {
		role := r.FormValue("RoleArn")
		fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::%s:assumed-role/%s/%s</Arn>`+
			`</AssumedRoleUser><Credentials>`+
			`<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>%s</SessionToken>`+
			`<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			strings.Split(role, ":")[4], role[strings.LastIndex(role, "/")+1:], r.FormValue("RoleSessionName"),
			r.FormValue("TokenCode")+role, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		return
	}
	fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult>`+
		`<Account>123456789012</Account><Arn>%s</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`, userARN(q.key))
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.seen...)
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

// refuse is a query API's error.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("x-amzn-RequestId", "req-1")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>req-1</RequestId></ErrorResponse>`, code, message)
}

// environment is all that the SDK finds: a configuration file, and credentials unless they are given as none.
func environment(t *testing.T, configuration string, variables ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value) // so that it comes back
			os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{"AWS_CONFIG_FILE": file, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

func connect(t *testing.T, access Access) *Cloud {
	t.Helper()
	c, err := Connect(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
