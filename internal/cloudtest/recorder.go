package cloudtest

import (
	"bytes"
	"encoding/json"
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
)

// Access is a call as IAM judges it.
type Access struct {
	Action   string // as in policies, such as cloudformation:DescribeStacks
	Resource string // an ARN; * for a call that names none
	Region   string // of the signature
	Leading  string // the partition keys of a BatchGetItem, with spaces between them
}

// Recorder stands between the SDK and a server, and notes what IAM would be asked for each call.
type Recorder struct {
	URL string

	account string
	forward *httputil.ReverseProxy
	mu      sync.Mutex
	seen    []Access
}

// NewRecorder starts a recorder for a test's account. It ends with the test.
func NewRecorder(t testing.TB, target string) *Recorder {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{account: Account(t), forward: httputil.NewSingleHostReverseProxy(to)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// ServeHTTP notes the call and passes it on. Calls without a signature are about public addresses.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	in.Body = io.NopCloser(bytes.NewReader(body))
	if m := scopePattern.FindStringSubmatch(in.Header.Get("Authorization")); m != nil {
		call := r.access(in, body, m[2], m[3])
		r.mu.Lock()
		if !slices.Contains(r.seen, call) {
			r.seen = append(r.seen, call)
		}
		r.mu.Unlock()
	}
	r.forward.ServeHTTP(w, in)
}

// Seen returns the different calls so far.
func (r *Recorder) Seen() []Access {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// iamPrefixes are the services whose actions have another prefix than the signature (Service Authorization Reference).
var iamPrefixes = map[string]string{"monitoring": "cloudwatch"}

// access returns the action and the resource of a call.
func (r *Recorder) access(in *http.Request, body []byte, region, service string) Access {
	if service == "s3" {
		return Access{s3Action(in), s3ARN(in), region, ""}
	}
	if service == "route53" {
		return route53Access(in, region)
	}
	_, operation := about(in, body)
	if i := strings.LastIndex(operation, "/operation/"); i >= 0 {
		operation = operation[i+len("/operation/"):] // Smithy RPC v2: POST /service/NAME/operation/NAME
	}
	if prefix, other := iamPrefixes[service]; other {
		service = prefix
	}
	fields := map[string]any{}
	if json.Unmarshal(body, &fields) != nil {
		form, _ := url.ParseQuery(string(body))
		for name := range form {
			fields[name] = form.Get(name)
		}
	}
	return Access{service + ":" + operation, r.arn(service, operation, region, fields), region, leadingKeys(body)}
}

// leadingKeys returns the partition keys of a BatchGetItem of the table of releases, with spaces between them.
func leadingKeys(body []byte) string {
	var asked struct {
		RequestItems map[string]struct {
			Keys []struct{ Kind struct{ S string } }
		}
	}
	if json.Unmarshal(body, &asked) != nil {
		return "" // another call
	}
	var keys []string
	for _, of := range asked.RequestItems {
		for _, key := range of.Keys {
			keys = append(keys, key.Kind.S)
		}
	}
	return strings.Join(keys, " ")
}

// named are the fields that name the resource of a call, with the form of its ARN after the account: %s is the name.
var named = map[string]struct{ field, form string }{
	"cloudformation": {"StackName", "stack/%s/id"},
	"dynamodb":       {"TableName", "table/%s"},
	"ssm":            {"Name", "parameter/%s"},
	"secretsmanager": {"SecretId", "secret:%s-AbCdEf"},
	"logs":           {"logGroupName", "log-group:%s:log-stream:stream"},
	"kms":            {"KeyId", "key/%s"},
	"ecr":            {"repositoryName", "repository/%s"},
	"iam":            {"RoleName", "role/%s"},
	"acm":            {"CertificateArn", "%s"},
}

// describing matches the operations of Auto Scaling that IAM knows no resource for.
var describing = regexp.MustCompile(`^(Describe|List|Get)`)

// arn returns the ARN of the call's resource.
func (r *Recorder) arn(service, operation, region string, fields map[string]any) string {
	how, known := named[service]
	if service == "autoscaling" && !describing.MatchString(operation) {
		how, known = struct{ field, form string }{"AutoScalingGroupName", "autoScalingGroup:id:autoScalingGroupName/%s"}, true
	}
	if service == "ec2" && strings.HasPrefix(operation, "RevokeSecurityGroup") {
		how, known = struct{ field, form string }{"GroupId", "security-group/%s"}, true
	}
	name, _ := fields[how.field].(string)
	if batch, _ := fields["RequestItems"].(map[string]any); len(batch) == 1 {
		name = slices.Sorted(maps.Keys(batch))[0] // DynamoDB's calls about several items name the table as a key
	}
	if set, _ := fields["ChangeSetName"].(string); name == "" && strings.HasPrefix(set, "arn:") {
		return set
	}
	switch {
	case !known || name == "":
		return "*"
	case strings.HasPrefix(name, "arn:"):
		return name
	case service == "iam" && strings.HasPrefix(name, "AWSServiceRole"):
		return "arn:aws:iam::" + r.account + ":role/aws-service-role/autoscaling.amazonaws.com/" + name
	case service == "iam":
		return "arn:aws:iam::" + r.account + ":" + strings.Replace(how.form, "%s", name, 1)
	case service == "ssm" && strings.HasPrefix(name, "/aws/"):
		return "arn:aws:ssm:" + region + "::parameter" + name // AWS's public parameters have no account
	}
	name = strings.Replace(how.form, "%s", strings.TrimPrefix(name, "/"), 1)
	return "arn:aws:" + service + ":" + region + ":" + r.account + ":" + name
}

// s3Queries are the calls on a bucket, by their query, as IAM's actions without their verb
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
var s3Queries = map[string]string{"policy": "BucketPolicy", "tagging": "BucketTagging", "versioning": "BucketVersioning",
	"encryption": "EncryptionConfiguration", "ownershipControls": "BucketOwnershipControls", "publicAccessBlock": "BucketPublicAccessBlock"}

// s3Action returns the IAM action of a call on a bucket or an object.
func s3Action(in *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(in.URL.Path, "/"), "/")
	query := in.URL.Query()
	verb := map[string]string{http.MethodGet: "Get", http.MethodHead: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete",
		http.MethodPost: "Put"}[in.Method]
	if key != "" {
		if query.Has("versionId") {
			return "s3:" + verb + "ObjectVersion"
		}
		return "s3:" + verb + "Object"
	}
	for name, action := range s3Queries {
		if query.Has(name) {
			return "s3:" + verb + action
		}
	}
	switch {
	case query.Has("versions"):
		return "s3:ListBucketVersions"
	case in.Method == http.MethodPut:
		return "s3:CreateBucket"
	}
	return "s3:ListBucket"
}

// s3ARN returns the ARN of the bucket or the object in a path.
func s3ARN(in *http.Request) string { return "arn:aws:s3:::" + strings.Trim(in.URL.Path, "/") }

// route53Access returns the action of a call on hosted zones.
func route53Access(in *http.Request, region string) Access {
	parts := strings.Split(strings.Trim(in.URL.Path, "/"), "/") // 2013-04-01/hostedzone/ID/rrset
	if len(parts) > 3 && parts[3] == "rrset" && in.Method == http.MethodGet {
		return Access{"route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/" + parts[2], region, ""}
	}
	return Access{"route53:ListHostedZones", "*", region, ""}
}
