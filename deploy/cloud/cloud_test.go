package cloud

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"
)

const keys = "AWS_ACCESS_KEY_ID=KEY AWS_SECRET_ACCESS_KEY=s"

// userARN is the answer of the server to calls that were signed with a key.
func userARN(key string) string { return "arn:aws:iam::123456789012:user/" + key }

func identity(t *testing.T, c *Cloud) Identity {
	t.Helper()
	id, err := c.Identity(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIdentityIsAskedOnce(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	c := connect(t, Access{Endpoint: s.URL})
	for range 3 {
		if got := identity(t, c); got != (Identity{"123456789012", userARN("KEY")}) {
			t.Errorf("got %+v", got)
		}
	}
	if seen := s.requests(); len(seen) != 1 || seen[0].region != "eu-west-1" {
		t.Errorf("asked %+v", seen)
	}
}

// The flag wins over the environment, as it does in AWS's own command line; a service's variable wins over the general one.
func TestEndpoints(t *testing.T) {
	flag, service, general := newServer(t), newServer(t), newServer(t)
	environment(t, "", append(strings.Fields(keys), "AWS_ENDPOINT_URL="+general.URL, "AWS_ENDPOINT_URL_STS="+service.URL)...)
	identity(t, connect(t, Access{Endpoint: flag.URL}))
	if len(flag.requests()) != 1 {
		t.Error("--endpoint-url was not used")
	}
	c := connect(t, Access{})
	identity(t, c)
	if len(service.requests()) != 1 {
		t.Error("AWS_ENDPOINT_URL_STS was not used")
	}
	if _, err := c.Default().S3().HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: new("bucket")}); err != nil {
		t.Fatal(err)
	}
	if len(general.requests()) != 1 {
		t.Error("AWS_ENDPOINT_URL was not used")
	}
}

func TestRole(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	if got := identity(t, connect(t, Access{Endpoint: s.URL, RoleARN: deployRole})); got.ARN != userARN("ROLE") {
		t.Errorf("called as %s", got.ARN)
	}
	if seen := s.requests(); seen[0].action != "AssumeRole" || seen[0].key != "KEY" || seen[0].region != fallbackRegion {
		t.Errorf("got %+v", seen)
	}
}

const profiles = `
[profile plain]
aws_access_key_id = PLAIN
aws_secret_access_key = s
[profile careful]
source_profile = plain
role_arn = arn:aws:iam::123456789012:role/careful
mfa_serial = arn:aws:iam::123456789012:mfa/me
`

func TestProfile(t *testing.T) {
	environment(t, profiles, strings.Fields(keys)...)
	s := newServer(t)
	if got := identity(t, connect(t, Access{Endpoint: s.URL, Profile: "plain"})); got.ARN != userARN("PLAIN") {
		t.Errorf("--profile called as %s", got.ARN)
	}
	code := func() (string, error) { return "123456", nil }
	if got := identity(t, connect(t, Access{Endpoint: s.URL, Profile: "careful", MFA: code})); got.ARN != userARN("ROLE") {
		t.Errorf("with MFA called as %s", got.ARN)
	}
	for profile, want := range map[string]string{"absent": "no AWS profile absent",
		"careful": "wants an MFA code, and there is no terminal"} {
		if _, err := Connect(t.Context(), Access{Profile: profile}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", profile, err)
		}
	}
}

// Every first attempt fails, each in another way, and no caller hears of it.
func TestRetries(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	failures := map[string]func(http.ResponseWriter){
		"throttled":        func(w http.ResponseWriter) { refuse(w, 400, "Throttling", "Rate exceeded") },
		"limited":          func(w http.ResponseWriter) { refuse(w, 503, "RequestLimitExceeded", "Request limit exceeded") },
		"internal":         func(w http.ResponseWriter) { refuse(w, 500, "InternalFailure", "") },
		"not XML":          func(w http.ResponseWriter) { http.Error(w, "Bad gateway", http.StatusBadGateway) },
		"dropped":          func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"cut off":          cutShort,
		"the clock at EC2": func(w http.ResponseWriter) { refuse(w, 400, "RequestExpired", "Request has expired.") },
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.before = func(n int, w http.ResponseWriter, _ request) bool {
				if n == 0 {
					fail(w)
				}
				return n == 0
			}
			identity(t, connect(t, Access{Endpoint: s.URL}))
			if got := len(s.requests()); got != 2 {
				t.Errorf("%d attempts", got)
			}
		})
	}
}

// A third of all calls fails, at random, and none of them to its caller.
func TestManyCallsOverABadNetwork(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	random := rand.New(rand.NewPCG(1, 2))
	var turn sync.Mutex
	s.before = func(_ int, w http.ResponseWriter, _ request) bool {
		turn.Lock()
		fails, how := random.IntN(3) == 0, random.IntN(3)
		turn.Unlock()
		if !fails {
			return false
		}
		switch how {
		case 0:
			refuse(w, 400, "Throttling", "Rate exceeded")
		case 1:
			refuse(w, 500, "InternalFailure", "")
		default:
			panic(http.ErrAbortHandler)
		}
		return true
	}
	client := connect(t, Access{Endpoint: s.URL}).Default().STS()
	var calls errgroup.Group
	for range 60 {
		calls.Go(func() error {
			_, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Error(err)
	}
	if n := len(s.requests()); n < 70 {
		t.Errorf("only %d attempts", n)
	}
}

// cutShort ends the connection in the middle of an answer.
func cutShort(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("<GetCallerIdentityResponse><GetCaller"))
	panic(http.ErrAbortHandler)
}

// AWS's clock is the right one; it refuses what was signed more than five minutes before or after.
func TestClock(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	for _, off := range []time.Duration{6 * time.Minute, -6 * time.Minute, 26 * time.Hour} {
		s := newServer(t)
		s.before = func(_ int, w http.ResponseWriter, r request) bool {
			now := time.Now().Add(off)
			w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
			if now.Sub(r.signed).Abs() < 5*time.Minute {
				return false
			}
			refuse(w, 403, "SignatureDoesNotMatch", "Signature expired: it is now later")
			return true
		}
		c := connect(t, Access{Endpoint: s.URL})
		identity(t, c)
		if got := len(s.requests()); got != 2 {
			t.Errorf("%v off: %d attempts", off, got)
		}
	}
}

// Throttling slows an operation down, but never to a stop, and leaves other operations alone.
func TestPaceOfAnOperation(t *testing.T) {
	r := newRetryer(New(aws.Config{}, Access{}))
	slow, other := r.pace("DescribeStacks"), r.pace("CreateChangeSet")
	for range 100 {
		slow.throttled()
	}
	if got := slow.calls.Limit(); got != fall*firstRate {
		t.Errorf("calls that were refused together slow down to %v", got)
	}
	for range 100 {
		slow.fell = time.Time{}
		slow.throttled()
	}
	if got := slow.calls.Limit(); got != minRate {
		t.Errorf("the slowest is %v", got)
	}
	for range 300 {
		other.took()
	}
	if got := other.calls.Limit(); got != maxRate {
		t.Errorf("an operation that was never refused reaches %v", got)
	}
	for range 5000 {
		slow.took()
	}
	if got := slow.calls.Limit(); got != maxRate {
		t.Errorf("after refusals it recovers to %v", got)
	}
}

func TestDelays(t *testing.T) {
	r := newRetryer(New(aws.Config{}, Access{}))
	for attempt := 1; attempt < attempts; attempt++ {
		if got, err := r.RetryDelay(attempt, io.EOF); err != nil || got < 0 || got > 20*time.Second {
			t.Errorf("attempt %d waits %v, %v", attempt, got, err)
		}
	}
	if got, _ := r.RetryDelay(1, io.EOF); got > 500*time.Millisecond {
		t.Errorf("the first wait is %v", got)
	}
}
