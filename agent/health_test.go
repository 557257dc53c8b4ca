package agent

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

func portOf(t testing.TB, rawURL string) int {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestLocalHealth(t *testing.T) {
	asked := 0
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked++; r.URL.Path {
		case "/health":
			if asked == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case "/moved":
			http.Redirect(w, r, "/health", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	})
	plain, secure := httptest.NewServer(app), httptest.NewUnstartedServer(app)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().(*net.TCPAddr).Port
	free.Close()
	for _, test := range []struct {
		protocol string
		port     int
		path     string
		want     string
		codes    string
	}{
		{"HTTP", portOf(t, plain.URL), "/health", "", ""}, // at the second attempt
		{"HTTPS", portOf(t, secure.URL), "/health", "", ""},
		{"TCP", portOf(t, plain.URL), "", "", ""},
		{"SSL", portOf(t, secure.URL), "", "", ""},
		{"HTTP", portOf(t, plain.URL), "/moved", "", "200-399"},
		{"HTTP", portOf(t, plain.URL), "/", "", "200,300-304,404"},
		{"HTTP", portOf(t, plain.URL), "/", "the answer is 404 Not Found, not 200,300-403", "200,300-403"},
		{"HTTP", portOf(t, plain.URL), "/moved", "the answer is 302 Found, not 200", ""},
		{"HTTP", portOf(t, plain.URL), "/", "the answer is 404 Not Found, not 200", ""},
		{"HTTP", portOf(t, secure.URL), "/health", "the answer is 400 Bad Request, not 200", ""},
		{"SSL", portOf(t, plain.URL), "", "tls: first record does not look like a TLS handshake", ""},
		{"TCP", closed, "", "connection refused", ""},
		{"UDP", closed, "", "the protocol must be TCP, SSL, HTTP or HTTPS, got UDP", ""},
	} {
		h := newBootEnv(t, document.Document[string]{LocalHealth: &document.LocalHealth{Protocol: test.protocol, Port: test.port,
			Path: test.path, Codes: test.codes}})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := localHealth(ctx, h.Boot)
		cancel()
		if test.want != "" {
			wantError(t, err, fmt.Sprintf("%s:%d%s on this machine: ", test.protocol, test.port, test.path), test.want)
		} else if err != nil {
			t.Errorf("%s:%d%s: %v", test.protocol, test.port, test.path, err)
		}
	}
	if err := localHealth(t.Context(), newBootEnv(t, document.Document[string]{}).Boot); err != nil {
		t.Errorf("a document without a check: %v", err)
	}
}

// targetHealths is a load balancer that answers DescribeTargetHealth with what each target group is to say next, and from then
// on the last of that.
type targetHealths map[string][]string

func (answers targetHealths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	group := form.Get("TargetGroupArn")
	said := answers[group]
	if form.Get("Action") != "DescribeTargetHealth" || form.Get("Targets.member.1.Id") != "i-0123456789abcdef0" || len(said) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<ErrorResponse><Error><Code>TargetGroupNotFound</Code><Message>not found</Message></Error></ErrorResponse>`)
		return
	}
	if len(said) > 1 {
		answers[group] = said[1:]
	}
	members := ""
	if said[0] != "" {
		state, rest, _ := strings.Cut(said[0], " ")
		reason, text, _ := strings.Cut(rest, " ")
		members = "<member><Target><Id>i-0123456789abcdef0</Id><Port>8080</Port></Target><TargetHealth><State>" + state + "</State>"
		if reason != "" {
			members += "<Reason>" + reason + "</Reason><Description>" + text + "</Description>"
		}
		members += "</TargetHealth></member>"
	}
	fmt.Fprint(w, `<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>`+members+
		`</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>`)
}

func TestTargetHealth(t *testing.T) {
	const one, two = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/one/1",
		"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/two/2"
	for _, test := range []struct {
		name    string
		answers targetHealths
		want    []string
	}{
		{"healthy in both", targetHealths{one: {"healthy"}, two: {"", "initial Elb.RegistrationInProgress Soon", "healthy"}}, nil},
		{"healthy once in each", targetHealths{one: {"healthy", "draining"}, two: {"initial", "healthy"}}, nil},
		{"unhealthy in one", targetHealths{one: {"healthy"},
			two: {"unhealthy Target.ResponseCodeMismatch Health checks failed with these codes: [502]"}},
			[]string{"target group two: unhealthy, Target.ResponseCodeMismatch, Health checks failed with these codes: [502], port 8080"}},
		{"in none", targetHealths{one: {""}, two: {"unused"}},
			[]string{"target group one: this instance is not registered there; target group two: unused, port 8080"}},
		{"gone", targetHealths{two: {"healthy"}}, []string{"target group one: ", "TargetGroupNotFound"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.answers)
			defer server.Close()
			h := newBootEnv(t, document.Document[string]{TargetGroups: []string{one, two}})
			h.AWS = NewClients(cloudtest.Config(t, server.URL, "us-east-1"))
			ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
			defer cancel()
			err := targetHealth(ctx, h.Boot)
			if test.want != nil {
				wantError(t, err, test.want...)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
