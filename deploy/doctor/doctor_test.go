package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/staging"
	"github.com/pebble/spacel/internal/cloudtest"
)

const region = "us-east-1"

// healthy is a machine with an ssh client and a right clock.
func healthy() Machine {
	return Machine{LookPath: func(string) (string, error) { return "/usr/bin/ssh", nil }, Now: time.Now}
}

// quotasOf answers for Service Quotas, which moto knows in part only, and passes all other calls on to moto. Refused are
// operations that are not allowed.
type quotasOf struct {
	limit   float64
	refused string
	proxy   *httputil.ReverseProxy
}

func (q *quotasOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	operation := r.Header.Get("X-Amz-Target")
	if operation == "" {
		form, _ := url.ParseQuery(string(body))
		operation = form.Get("Action")
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case q.refused != "" && strings.HasSuffix(operation, q.refused):
		w.WriteHeader(http.StatusBadRequest)
		if r.Header.Get("X-Amz-Target") == "" {
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprint(w, `{"__type": "AccessDeniedException", "message": "not allowed"}`)
	case strings.HasSuffix(operation, ".GetServiceQuota"):
		fmt.Fprintf(w, `{"Quota": {"Value": %g}}`, q.limit)
	default:
		w.Header().Del("Content-Type")
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		q.proxy.ServeHTTP(w, r)
	}
}

// account returns clients for the test's account in moto, with the service-linked roles.
func account(t *testing.T, q quotasOf) *cloud.Cloud {
	t.Helper()
	moto := cloudtest.Moto(t)
	to, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	q.proxy = httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(&q)
	t.Cleanup(server.Close)
	return cloud.New(cloudtest.Config(t, server.URL, region), cloud.Access{})
}

func makeRoles(t *testing.T, c *cloud.Cloud) {
	t.Helper()
	for _, l := range linked {
		if _, err := c.Default().IAM().CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String(l.role),
			AssumeRolePolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": []}`)}); err != nil {
			t.Fatal(err)
		}
	}
}

// text is the findings, a line each.
func text(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s|%s|%s|%s|%s\n", f.State, f.Check, f.Region, f.Found, f.Fix)
	}
	return b.String()
}

func examine(t *testing.T, c *cloud.Cloud, b staging.Buckets, m Machine) string {
	t.Helper()
	return text(Examine(t.Context(), c, Scope{Regions: []string{region}, Buckets: b}, m))
}

func expect(t *testing.T, got string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
}

func TestHealthyAccount(t *testing.T) {
	c := account(t, quotasOf{limit: 5})
	makeRoles(t, c)
	got := examine(t, c, staging.Buckets{Own: true}, healthy())
	expect(t, got, "ok|credentials||account "+cloudtest.Account(t)+" as arn:", "ok|clock||", "ok|ssh client||/usr/bin/ssh|",
		"ok|service-linked role||AWSServiceRoleForAutoScaling|",
		"ok|bucket|us-east-1|spacel-"+cloudtest.Account(t)+"-us-east-1 does not exist yet: deploy makes it|",
		"ok|image|us-east-1|Debian 13 on arm64 is ami-", "ok|elastic addresses|us-east-1|0 of 5 in use|",
		"ok|VPCs|us-east-1|1 of 5 in use|",
		"ok|vCPUs of standard instances|us-east-1|0 of 5 in use|")
	if strings.Count(got, "\n") != strings.Count(got, "ok|") {
		t.Error(got)
	}
}

func TestNoRoles(t *testing.T) {
	expect(t, examine(t, account(t, quotasOf{limit: 5}), staging.Buckets{Own: true}, healthy()),
		"warning|service-linked role||AWSServiceRoleForElasticLoadBalancing does not exist yet|AWS makes it at the first use")
}

func TestNoSSH(t *testing.T) {
	m := healthy()
	m.LookPath = func(string) (string, error) { return "", errors.New("absent") }
	expect(t, examine(t, account(t, quotasOf{limit: 5}), staging.Buckets{Own: true}, m),
		"warning|ssh client||there is no program ssh on the PATH|install OpenSSH's client")
}

func TestClock(t *testing.T) {
	// AWS's answer gives its time in whole seconds, so the difference is a second more or less.
	offsets := map[time.Duration]string{time.Minute: "warning|clock||", -10*time.Minute - 30*time.Second: "problem|clock||10m"}
	for off, want := range offsets {
		m := healthy()
		m.Now = func() time.Time { return time.Now().Add(off) }
		expect(t, examine(t, account(t, quotasOf{limit: 5}), staging.Buckets{Own: true}, m), want)
	}
	// AWS's clock is ahead, and it refuses the first signature.
	proxy := cloudtest.NewProxy(t, cloudtest.Moto(t), cloudtest.Faults{Clock: 20 * time.Minute})
	found, _ := caller(t.Context(), cloud.New(cloudtest.Config(t, proxy.URL, region), cloud.Access{}), healthy())
	expect(t, text(found), "problem|clock||", "apart from AWS's|set the clock, by NTP")
}

func TestNoCredentials(t *testing.T) {
	proxy := cloudtest.NewProxy(t, cloudtest.Moto(t), cloudtest.Faults{ExpireAfter: 1})
	c := cloud.New(cloudtest.Config(t, proxy.URL, region), cloud.Access{})
	if _, err := c.Identity(t.Context(), region); err != nil { // the first call passes
		t.Fatal(err)
	}
	got := examine(t, c, staging.Buckets{Own: true}, healthy())
	expect(t, got, "problem|credentials||", "|run aws configure or aws sso login, or name a profile with --profile", "ok|ssh client||")
	if strings.Contains(got, "bucket") {
		t.Errorf("asks without credentials:\n%s", got)
	}
}

func TestQuotasUsedUp(t *testing.T) {
	expect(t, examine(t, account(t, quotasOf{limit: 0}), staging.Buckets{Own: true}, healthy()),
		"warning|elastic addresses|us-east-1|0 of 0 in use|release some, or ask for more: aws service-quotas request-service-quota-",
		"warning|VPCs|us-east-1|1 of 0 in use|")
}

// An answer that may not be read is no problem.
func TestWithoutRights(t *testing.T) {
	for refused, want := range map[string]string{
		"GetServiceQuota": "unknown|elastic addresses|us-east-1|",
		"DescribeVpcs":    "unknown|VPCs|us-east-1|",
		"GetRole":         "unknown|service-linked role||",
		"GetParameter":    "unknown|image|us-east-1|",
	} {
		expect(t, examine(t, account(t, quotasOf{limit: 5, refused: refused}), staging.Buckets{Own: true}, healthy()), want)
	}
}

func TestBuckets(t *testing.T) {
	c := account(t, quotasOf{limit: 5})
	expect(t, examine(t, c, staging.Buckets{Asset: "nowhere", Own: true}, healthy()),
		"problem|bucket|us-east-1|bucket nowhere for assets (--lambda-bucket or LAMBDA_BUCKET): there is no such bucket in any account")
	name := staging.OwnName(cloudtest.Account(t), region)
	if _, err := c.Default().S3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, c, staging.Buckets{Own: true}, healthy()), "ok|bucket|us-east-1|"+name+" was begun by an interrupted run")
	expect(t, examine(t, c, staging.Buckets{Asset: name, Own: true}, healthy()), "ok|bucket|us-east-1|"+name+"|")
	if _, err := c.Default().S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, c, staging.Buckets{Own: true}, healthy()), "problem|bucket|us-east-1|the bucket "+name+" was not made by spacel")
}

func TestNoImage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "ParameterNotFound", "message": "absent"}`)
	}))
	t.Cleanup(server.Close)
	got := text(images(context.Background(), cloud.New(cloudtest.Config(t, server.URL, region), cloud.Access{}), "me-central-1"))
	expect(t, got,
		"problem|image|me-central-1|there is no SSM parameter /aws/service/debian/release/13/latest/amd64|name an image with ami")
}
