package cloudtest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// CloudFormation is an AWS account whose CloudFormation is real in all that deploy depends on: stacks, change sets and
// their states, as AWS documents them. Its resources exist only as names. It also answers the few calls of STS, S3, SSM and
// Route 53 that deploy makes; another service's go to where Forward says.
//
// Time passes by itself: an operation takes a step each Step.
type CloudFormation struct {
	URL string

	// Step is how long each step of an operation takes: a resource is made in two.
	Step time.Duration
	// ChangeSetDelay is how long a change set is in the making.
	ChangeSetDelay time.Duration
	// NoChanges is the reason that a change set without changes gives.
	NoChanges string
	// Page is how many events, stacks or resources come in one answer.
	Page int
	// Latency is how long each answer takes.
	Latency time.Duration
	// EarlyValidation makes a change set fail whose new resources have the names of existing ones, as AWS does since
	// November 2025. Without it the resources fail when they are made.
	EarlyValidation bool

	account string
	forward *url.URL

	mu         sync.Mutex
	stacks     []*stack // also the deleted
	failures   []*Failure
	throttles  map[string]int
	calls      map[string]int
	held       map[string]bool // region/name
	buckets    map[string]*bucket
	parameters map[string]string // of SSM, by region and name
	zones      []string
	retained   []asset // named resources of no stack
	snapshots  []asset
	serial     int
}

// The wordings with which CloudFormation has said that a change set changes nothing.
const (
	NoChangesSubmitted = "The submitted information didn't contain changes. Submit different information to create a change set."
	NoChangesUpdates   = "No updates are to be performed."
)

// NewCloudFormation starts an empty account, the test's own, until the test ends.
func NewCloudFormation(t testing.TB) *CloudFormation {
	t.Helper()
	c := &CloudFormation{
		Step:            time.Millisecond,
		NoChanges:       NoChangesSubmitted,
		Page:            100,
		EarlyValidation: true,
		account:         Account(t),
		throttles:       map[string]int{},
		calls:           map[string]int{},
		held:            map[string]bool{},
		buckets:         map[string]*bucket{},
		parameters:      map[string]string{},
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Config reaches the account in a region.
func (c *CloudFormation) Config(t testing.TB, region string) aws.Config {
	return Config(t, c.URL, region)
}

// Forward sends the calls to services that this one has none of to another server, moto for instance.
func (c *CloudFormation) Forward(target string) {
	c.forward, _ = url.Parse(target)
}

// Calls is how often each operation was asked for, by service and name, for instance cloudformation:DescribeStacks.
func (c *CloudFormation) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// ResetCalls starts counting again.
func (c *CloudFormation) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.calls)
}

// Throttle refuses the next n calls of a CloudFormation operation, or of all if it is "".
func (c *CloudFormation) Throttle(operation string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.throttles[operation] = n
}

var scopePattern = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request`)

// ServeHTTP answers a call. What service and region it is for stands in its signature.
func (c *CloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.Latency > 0 {
		time.Sleep(c.Latency)
	}
	m := scopePattern.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		m = []string{"", "", "us-east-1", "s3"} // a template's address
	}
	region, service := m[2], m[3]
	switch service {
	case "cloudformation", "sts":
		c.serveQuery(w, r, service, region)
	case "s3":
		c.serveS3(w, r, region)
	case "ssm":
		c.serveSSM(w, r, region)
	case "route53":
		c.serveRoute53(w)
	default:
		c.pass(w, r, service)
	}
}

func (c *CloudFormation) pass(w http.ResponseWriter, r *http.Request, service string) {
	if c.forward == nil {
		answer(w, nil, &refusal{http.StatusBadRequest, "UnknownService", "this test has no " + service})
		return
	}
	c.count(service, r.Header.Get("X-Amz-Target"))
	httputil.NewSingleHostReverseProxy(c.forward).ServeHTTP(w, r)
}

func (c *CloudFormation) count(service, operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[service+":"+operation]++
}

func (c *CloudFormation) serveQuery(w http.ResponseWriter, r *http.Request, service, region string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		answer(w, nil, refuse("MalformedQueryString", "%s", err))
		return
	}
	operation := form.Get("Action")
	c.count(service, operation)
	out, err := c.perform(service, region, operation, form)
	answer(w, out, err)
}

// answer writes what came out.
func answer(w http.ResponseWriter, out []byte, err error) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	if err == nil {
		_, _ = w.Write(out)
		return
	}
	said, ok := err.(*refusal)
	if !ok {
		said = &refusal{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	w.WriteHeader(said.status)
	_, _ = w.Write(said.xml())
}

func (c *CloudFormation) perform(service, region, operation string, form url.Values) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if service == "sts" {
		return c.identity(operation)
	}
	if c.throttled(operation) {
		return nil, refuse("Throttling", "Rate exceeded")
	}
	run, ok := operations[operation]
	if !ok {
		return nil, refuse("InvalidAction", "Could not find operation %s for version 2010-05-15", operation)
	}
	c.advance(time.Now())
	return run(&call{c, region, time.Now()}, operation, form)
}

func (c *CloudFormation) throttled(operation string) bool {
	for _, key := range []string{operation, ""} {
		if c.throttles[key] > 0 {
			c.throttles[key]--
			return true
		}
	}
	return false
}

func (c *CloudFormation) identity(operation string) ([]byte, error) {
	if operation != "GetCallerIdentity" {
		return nil, refuse("InvalidAction", "this test has no sts:%s", operation)
	}
	return fmt.Appendf(nil, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::%[1]s:user/test</Arn><UserId>AIDA%[1]s</UserId><Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, c.account), nil
}

// call is one request to CloudFormation.
type call struct {
	*CloudFormation
	region string
	now    time.Time
}

// operations are what CloudFormation answers.
var operations = map[string]func(c *call, operation string, form url.Values) ([]byte, error){
	"CancelUpdateStack":           handle((*call).cancelUpdateStack),
	"ContinueUpdateRollback":      handle((*call).continueUpdateRollback),
	"CreateChangeSet":             handle((*call).createChangeSet),
	"DeleteChangeSet":             handle((*call).deleteChangeSet),
	"DeleteStack":                 handle((*call).deleteStack),
	"DescribeChangeSet":           handle((*call).describeChangeSet),
	"DescribeEvents":              handle((*call).describeEvents),
	"DescribeStackEvents":         handle((*call).describeStackEvents),
	"DescribeStackResources":      handle((*call).describeStackResources),
	"DescribeStacks":              handle((*call).describeStacks),
	"ExecuteChangeSet":            handle((*call).executeChangeSet),
	"GetStackPolicy":              handle((*call).getStackPolicy),
	"GetTemplate":                 handle((*call).getTemplate),
	"ListChangeSets":              handle((*call).listChangeSets),
	"ListStackResources":          handle((*call).listStackResources),
	"ListStacks":                  handle((*call).listStacks),
	"SetStackPolicy":              handle((*call).setStackPolicy),
	"UpdateStack":                 handle((*call).updateStack),
	"UpdateTerminationProtection": handle((*call).updateTerminationProtection),
}

// handle makes an operation of a method on the SDK's own types.
func handle[In, Out any](method func(*call, *In) (*Out, error)) func(*call, string, url.Values) ([]byte, error) {
	return func(c *call, operation string, form url.Values) ([]byte, error) {
		var in In
		if err := decode(form, &in); err != nil {
			return nil, invalid("%s", err)
		}
		out, err := method(c, &in)
		if err != nil {
			return nil, err
		}
		return encode(operation, out), nil
	}
}

// find is a stack by name or id. A deleted one has only its id.
func (c *call) find(name *string) *stack {
	for _, s := range slices.Backward(c.stacks) {
		if s.region != c.region {
			continue
		}
		if s.id == aws.ToString(name) || s.name == aws.ToString(name) && s.deleted.IsZero() {
			return s
		}
	}
	return nil
}

func (c *call) must(name *string) (*stack, error) {
	if s := c.find(name); s != nil {
		return s, nil
	}
	return nil, invalid("Stack with id %s does not exist", aws.ToString(name))
}

// newStack makes a stack that has nothing yet.
func (c *CloudFormation) newStack(region, name string, at time.Time) *stack {
	c.serial++
	unique := digest(32, c.account, region, name, c.serial)
	uuid := strings.Join([]string{unique[:8], unique[8:12], unique[12:16], unique[16:20], unique[20:]}, "-")
	s := &stack{
		account:   c.account,
		region:    region,
		name:      name,
		id:        fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", region, c.account, name, uuid),
		resources: map[string]*resource{},
		outputs:   map[string]string{},
		tokens:    map[string]string{},
		created:   at,
	}
	c.stacks = append(c.stacks, s)
	return s
}
