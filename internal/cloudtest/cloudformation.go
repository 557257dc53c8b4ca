package cloudtest

import (
	"maps"
	"net/http/httptest"
	"net/url"
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

	forward *url.URL

	mu         sync.Mutex // for all that follows
	engine     *engine
	throttles  map[string]int // calls still to be refused, by operation
	calls      map[string]int // by service:operation
	buckets    map[string]*bucket
	parameters map[string]string // of SSM, by region and name
	zones      []string
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
		throttles:       map[string]int{},
		calls:           map[string]int{},
		buckets:         map[string]*bucket{},
		parameters:      map[string]string{},
	}
	c.engine = &engine{account: Account(t), step: &c.Step, held: map[string]bool{}}
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
