package logs

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

var regions = []string{"eu-west-1", "us-east-1"}

// account has the boot log of orbit test in two regions.
type account struct {
	*testing.T
	*cloud.Cloud
}

func newAccount(t *testing.T) account {
	a := account{t, cloud.New(cloudtest.Config(t, cloudtest.Moto(t), "us-east-1"), cloud.Access{})}
	for _, region := range regions {
		_, err := a.Region(region).Logs().CreateLogGroup(t.Context(),
			&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("test-boot")})
		a.fatal(err)
	}
	return a
}

func (a account) fatal(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// log writes a line some time ago.
func (a account) log(region, stream string, ago time.Duration, text string) {
	a.Helper()
	client, group := a.Region(region).Logs(), aws.String("test-boot")
	_, _ = client.CreateLogStream(a.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group,
		LogStreamName: &stream}) // it may be there
	_, err := client.PutLogEvents(a.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: &stream,
		LogEvents: []types.InputLogEvent{
			{Message: &text, Timestamp: aws.Int64(time.Now().Add(-ago).UnixMilli())},
		}})
	a.fatal(err)
}

func (a account) groups(app string) []Group {
	a.Helper()
	var groups []Group
	for _, region := range regions {
		g, ok, err := Find(a.Context(), live.New(a.Cloud), "test", app, region, Boot)
		if err != nil || !ok {
			a.Fatalf("%v, %v", ok, err)
		}
		groups = append(groups, g)
	}
	return groups
}

func (a account) next(r *Reader, want ...string) {
	a.Helper()
	lines, err := r.Next(a.Context())
	a.fatal(err)
	var got []string
	for _, line := range lines {
		got = append(got, line.Region+" "+line.Stream+" "+line.Message)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		a.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReaderGivesEachLineOnceInOrderOfTime(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.log("us-east-1", "laika/i-1", 3*time.Minute, "first\n")
	a.log("eu-west-1", "laika/i-2", 2*time.Minute, "second")
	a.log("us-east-1", "laika/i-1", time.Minute, "third")
	a.log("us-east-1", "laika/i-1", 2*time.Hour, "long ago")
	a.log("us-east-1", "belka/i-3", time.Minute, "of another app")
	a.log("us-east-1", "bastion/i-4", time.Minute, "a bastion")
	r := NewReader(a.Cloud, a.groups("laika"), time.Now().Add(-time.Hour), "")
	a.next(r, "us-east-1 laika/i-1 first", "eu-west-1 laika/i-2 second", "us-east-1 laika/i-1 third")
	a.next(r)

	// What comes late is not lost, and what was read before is not read twice.
	a.log("eu-west-1", "laika/i-2", time.Minute+10*time.Second, "late")
	a.log("us-east-1", "laika/i-1", 0, "now")
	a.next(r, "eu-west-1 laika/i-2 late", "us-east-1 laika/i-1 now")
	a.next(r)
	a.next(NewReader(a.Cloud, a.groups(""), time.Now().Add(-time.Hour), ""), "us-east-1 bastion/i-4 a bastion")
}

func TestFilter(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.log("us-east-1", "laika/i-1", time.Minute, "GET / 200")
	a.log("us-east-1", "laika/i-1", time.Minute, "ERROR no bone")
	a.next(NewReader(a.Cloud, a.groups("laika"), time.Now().Add(-time.Hour), "ERROR"), "us-east-1 laika/i-1 ERROR no bone")
}

// An orbit that is not there is told, and hides no other region's lines.
func TestALogThatIsNotThere(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.log("us-east-1", "laika/i-1", time.Minute, "a line")
	groups := append(a.groups("laika"), Group{Region: "us-west-2", Name: "test-boot", Prefix: "laika/"})
	lines, err := NewReader(a.Cloud, groups, time.Now().Add(-time.Hour), "").Next(t.Context())
	if len(lines) != 1 || err == nil || err.Error() != "there is no log group test-boot in us-west-2: deploy the orbit there first" {
		t.Errorf("got %v, %v", lines, err)
	}
}

// An app's own logs are its stack's, where the manifest asks for them.
func TestFind(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	find := func(kind Kind) (Group, bool) {
		t.Helper()
		g, ok, err := Find(t.Context(), live.New(a.Cloud), "test", "laika", "us-east-1", kind)
		a.fatal(err)
		return g, ok
	}
	if g, ok := find(Docker); ok {
		t.Errorf("before it is deployed: %+v", g)
	}
	_, err := a.Region("us-east-1").CloudFormation().CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("test-laika"),
		TemplateBody: aws.String(`{"Resources": {"DockerLogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": ` +
			`"laika-docker"}}}}`),
	})
	a.fatal(err)
	if g, ok := find(Docker); !ok || g != (Group{Region: "us-east-1", Name: "laika-docker"}) {
		t.Errorf("got %+v, %v", g, ok)
	}
	if g, ok := find(Deploy); ok {
		t.Errorf("a log that the template lacks: %+v", g)
	}
}

// withoutRight is an account with the stack of app laika, whose caller must not look at a stack's resources. With allowed
// the caller has that right.
func withoutRight(t *testing.T, allowed bool) *live.Stacks {
	t.Helper()
	cf := cloudtest.NewCloudFormation(t)
	cf.Put(t, cloudtest.Stack{Region: "us-east-1", Name: "test-laika", Status: cfntypes.StackStatusCreateComplete,
		Template: `{"Resources": {"DockerLogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "laika-docker"}}}}`})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if !allowed && bytes.Contains(body, []byte("Action=DescribeStackResources")) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User is not authorized to perform: "+
				"cloudformation:DescribeStackResources</Message></Error></ErrorResponse>")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		cf.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return live.New(cloud.New(cloudtest.Config(t, server.URL, "us-east-1"), cloud.Access{}))
}

// Permission denied must not look like an app without that log: the user would look for a mistake in the manifest.
func TestFindReportsPermissionDenied(t *testing.T) {
	t.Parallel()
	if g, ok, err := Find(t.Context(), withoutRight(t, true), "test", "laika", "us-east-1", Deploy); ok || err != nil {
		t.Errorf("a log that the template lacks: %+v, %v, %v", g, ok, err)
	}
	if g, ok, err := Find(t.Context(), withoutRight(t, true), "test", "laika", "us-east-1", Docker); !ok || err != nil ||
		g.Name != "laika-docker" {
		t.Errorf("with the right: %+v, %v, %v", g, ok, err)
	}
	_, ok, err := Find(t.Context(), withoutRight(t, false), "test", "laika", "us-east-1", Docker)
	if ok || err == nil || !strings.Contains(err.Error(), "not authorized to perform: cloudformation:DescribeStackResources") {
		t.Errorf("without the right: got %v, %v", ok, err)
	}
}
