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

// CloudFormation is an AWS account with a CloudFormation of its own. It does all that deploy depends on, as AWS
// documents it: stacks, change sets, their states, events and refusals. Its resources exist only as names. It also
// answers the few calls of STS, S3, SSM and Route 53 that deploy makes. Calls of other services go to the server that
// Forward names.
//
// Time passes by itself: an operation takes one step after each Step.
type CloudFormation struct {
	URL string

	// Step is the duration of one step. Creating a resource takes two.
	Step time.Duration
	// ChangeSetDelay is the time for which a change set stays in CREATE_IN_PROGRESS.
	ChangeSetDelay time.Duration
	// NoChanges is the status reason of a change set without changes.
	NoChanges string
	// Page is the number of events, stacks or resources in one answer.
	Page int
	// Latency is a delay before each answer.
	Latency time.Duration
	// EarlyValidation makes a change set fail whose new resources have the names of existing ones, as AWS does since
	// November 2025. Without it the resources fail when they are made.
	EarlyValidation bool

	// BeginsLate is the time between the acknowledgement of a call that begins an operation and the beginning. Until then nothing
	// shows the arrival of the call: the stack keeps its state, the change set stays AVAILABLE, and there is no event. With a
	// time longer than the test, the operation never begins.
	//
	// AWS documents that these calls only start an operation ("Once the call completes successfully, stack deletion starts",
	// API Reference, DeleteStack). Others met a stack in its old state after the call
	// (github.com/dcos/dcos-launch/pull/113, github.com/zalando-incubator/cluster-lifecycle-manager/pull/944).
	BeginsLate time.Duration

	// Unlisted is the name of a stack that DescribeStacks without a name leaves out, as a listing that lags behind does.
	Unlisted string

	// Roles are the ARNs of the roles that the caller may assume.
	Roles []string

	forward *url.URL

	mu         sync.Mutex // for all that follows
	engine     *engine
	throttles  map[string]int // calls still to be refused, by operation
	calls      map[string]int // by service:operation
	buckets    map[string]*bucket
	parameters map[string]storedParameter // of SSM, by region and name
	zones      []string
}

// AWS uses these words for a change set without changes.
const (
	NoChangesSubmitted = "The submitted information didn't contain changes. Submit different information to create a change set."
	NoChangesUpdates   = "No updates are to be performed."
)

// NewCloudFormation starts an empty account for one test. It listens until the test ends.
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
		parameters:      map[string]storedParameter{},
	}
	c.engine = &engine{account: Account(t), step: &c.Step, held: map[string]bool{}, alarms: map[string]*Alarm{}, hand: newHand()}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Config returns a configuration for the account in a region.
func (c *CloudFormation) Config(t testing.TB, region string) aws.Config {
	return Config(t, c.URL, region)
}

// Forward names a server, for example moto, for the calls of all services that this account does not have.
func (c *CloudFormation) Forward(target string) {
	c.forward, _ = url.Parse(target)
}

// Calls counts the calls by service and operation, for example cloudformation:DescribeStacks.
func (c *CloudFormation) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// ResetCalls sets all counts to zero.
func (c *CloudFormation) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.calls)
}

// Throttle makes the next n calls of a CloudFormation operation fail with Throttling, or of any operation if it is
// "".
func (c *CloudFormation) Throttle(operation string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.throttles[operation] = n
}
