package cloudtest

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// scopePattern finds access key, region and service in a signature (AWS Signature Version 4).
var scopePattern = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request`)

// ServeHTTP answers a call. The signature names its region and service.
func (c *CloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.Latency > 0 {
		time.Sleep(c.Latency)
	}
	m := scopePattern.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		// A call without a signature can only be about S3, such as a plain GET of a template's address.
		m = []string{"", "", "us-east-1", "s3"} // a template's address
	}
	region, service := m[2], m[3]
	switch service {
	case "sts":
		stsCalls{c}.serve(w, r)
	case "cloudformation":
		c.serveQuery(w, r, service, region)
	case "s3":
		c.serveS3(w, r, region)
	case "ec2":
		ec2Calls{c}.serve(w, r, region)
	case "kms":
		macCalls{c}.serve(w, r, region)
	case "dynamodb":
		if (itemCalls{c}).serve(w, r, region) {
			return
		}
		if c.forward == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") {
			noTable(w) // a stack's tables are only names here
			return
		}
		tableCalls{c}.serve(w, r, region)
	case "autoscaling":
		groupCalls{c}.serve(w, r, region)
	case "monitoring":
		Alarms{c, region}.serve(w, r)
	case "iam":
		roleCalls{c}.serve(w, r)
	case "ssm":
		c.serveSSM(w, r, region)
	case "route53":
		c.serveRoute53(w, r)
	default:
		c.forwardCall(w, r, service)
	}
}

// forwardCall passes a call on to the server of Forward, and fails if there is none.
func (c *CloudFormation) forwardCall(w http.ResponseWriter, r *http.Request, service string) {
	if c.forward == nil {
		answer(w, nil, &refusal{http.StatusBadRequest, "UnknownService", "this test has no " + service})
		return
	}
	c.count(service, r.Header.Get("X-Amz-Target"))
	httputil.NewSingleHostReverseProxy(c.forward).ServeHTTP(w, r)
}

// count counts one call for Calls, whether it is answered or refused.
func (c *CloudFormation) count(service, operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[service+":"+operation]++
}

// serveQuery answers a call of the query protocol: the form's Action names the operation.
func (c *CloudFormation) serveQuery(w http.ResponseWriter, r *http.Request, service, region string) {
	form, err := readForm(r)
	if err != nil {
		answer(w, nil, refuse("MalformedQueryString", "%s", err))
		return
	}
	operation := form.Get("Action")
	c.count(service, operation)
	out, err := c.perform(service, region, operation, form)
	answer(w, out, err)
}

// answer writes the output of an operation, or its error in the form of the query protocol.
func answer(w http.ResponseWriter, out []byte, err error) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	if err == nil {
		_, _ = w.Write(out)
		return
	}
	// Any other error is a mistake of the model itself. It is shown as AWS's internal failure, with its text.
	said, ok := err.(*refusal)
	if !ok {
		said = &refusal{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	w.WriteHeader(said.status)
	_, _ = w.Write(said.xml())
}

// perform runs one operation. Operations of stacks advance first, so an answer shows all steps which are due.
func (c *CloudFormation) perform(service, region, operation string, form url.Values) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.throttled(operation) {
		return nil, refuse("Throttling", "Rate exceeded")
	}
	run, ok := operations[operation]
	if !ok {
		return nil, refuse("InvalidAction", "Could not find operation %s for version 2010-05-15", operation)
	}
	// Time only passes when somebody asks. All steps due until now are taken first, each with the time at which it was due.
	c.engine.advance(time.Now())
	return run(&call{c, region, time.Now()}, operation, form)
}

// throttled reports whether a test wants this call to be throttled, and counts it.
func (c *CloudFormation) throttled(operation string) bool {
	for _, key := range []string{operation, ""} {
		if c.throttles[key] > 0 {
			c.throttles[key]--
			return true
		}
	}
	return false
}

// call is one request to CloudFormation, with its region and time.
type call struct {
	*CloudFormation
	region string
	now    time.Time
}

// operations lists the operations that CloudFormation answers.
// An operation which is missing here is answered with InvalidAction, so a new call in deploy needs an entry first.
var operations = map[string]func(c *call, operation string, form url.Values) ([]byte, error){
	"CancelUpdateStack":           handle((*call).cancelUpdateStack),
	"ContinueUpdateRollback":      handle((*call).continueUpdateRollback),
	"CreateChangeSet":             handle((*call).createChangeSet),
	"DeleteChangeSet":             handle((*call).deleteChangeSet),
	"DeleteStack":                 handle((*call).deleteStack),
	"DescribeChangeSet":           handle((*call).describeChangeSet),
	"DescribeEvents":              handle((*call).describeEvents),
	"DescribeStackResourceDrifts": handle(describeStackResourceDrifts),
	"DetectStackDrift":            handle(detectStackDrift),
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

	"DescribeStackDriftDetectionStatus": handle(describeStackDriftDetectionStatus),
}

// handle turns a method on the SDK's own types into an operation: it decodes the form and encodes the output.
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

// find returns a stack by name or id, nil if there is none. A deleted stack is found by its id only.
func (c *call) find(name *string) *stack {
	// The newest stack comes first: a name can be used again after its stack was deleted.
	for _, s := range slices.Backward(c.engine.stacks) {
		if s.region != c.region {
			continue
		}
		if s.id == aws.ToString(name) || s.name == aws.ToString(name) && s.deleted.IsZero() {
			return s
		}
	}
	return nil
}

// must returns a stack by name or id, or CloudFormation's error for a missing one.
func (c *call) must(name *string) (*stack, error) {
	if s := c.find(name); s != nil {
		return s, nil
	}
	return nil, invalid("Stack with id %s does not exist", aws.ToString(name))
}
