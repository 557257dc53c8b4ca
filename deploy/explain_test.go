package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

// The first resource that failed by itself is named, with its place in the manifests, not what was cancelled because of it.
func TestRootCauseIsExplained(t *testing.T) {
	b := newEnv(t)
	b.options.Directory = "build"
	web := testStack(east, "test-web", topics("A", "Broken", "Z"))
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Broken", When: cloudtest.Create,
		Reason: "The topic's name\n is taken"})
	r := b.deploy(web)
	b.expect(r, "test-web failed")
	f := r.Failures[0]
	if want := "us-east-1/test-web: test-web.cue:3:6: AWS::SNS::Topic Broken: CREATE_FAILED: The topic's name is taken"; f.What != want {
		t.Errorf("got %q, want %q", f.What, want)
	}
	if f.Resource != "Broken" || f.Origin != "test-web.cue:3:6" || len(f.Others) > 0 {
		t.Errorf("got %+v", f)
	}
	b.says(f.State, "nothing is in the way")
	b.says(f.Next, "fix test-web.cue:3:6", "spacel deploy build --stack us-east-1/test-web")
	if got := b.told(activity.Failed); len(got) != 1 || !strings.Contains(got[0], "Broken") {
		t.Errorf("told %v", got)
	}
	if b.cf.Seen(east, "test-web") != nil {
		t.Error("the failed creation left a stack")
	}
}

func TestFailedUpdateIsRolledBack(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", topics("A")))
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "B", When: cloudtest.Create, Reason: "no"})
	now := testStack(east, "test-web", topics("A", "B"))
	r := b.deploy(now)
	b.expect(r, "test-web failed")
	b.says(r.Failures[0].State, "UPDATE_ROLLBACK_COMPLETE", "as it was before")
	if got := r.Stacks[0].Status; got != "UPDATE_ROLLBACK_COMPLETE" {
		t.Errorf("got %s", got)
	}
	b.expect(b.deploy(now), "test-web updated")
}

func TestRootCauses(t *testing.T) {
	event := func(id, status, reason string) live.Event {
		return live.Event{Resource: id, Type: "AWS::SNS::Topic", Status: status, Reason: reason}
	}
	whole := func(status string) live.Event {
		return live.Event{Resource: "test-web", OfStack: true, Type: "AWS::CloudFormation::Stack", Status: status}
	}
	cases := map[string]struct {
		events []live.Event
		want   string
	}{
		"the first, and what else failed by itself": {[]live.Event{
			whole("CREATE_IN_PROGRESS"), event("A", "CREATE_FAILED", "Resource creation cancelled"), event("B", "CREATE_FAILED", "no"),
			event("C", "CREATE_FAILED", "neither"),
			whole("ROLLBACK_IN_PROGRESS"), event("D", "DELETE_FAILED", "in use")}, "B C"},
		"only the rollback failed": {[]live.Event{whole("UPDATE_ROLLBACK_IN_PROGRESS"), event("A", "UPDATE_FAILED", "gone"),
			whole("UPDATE_ROLLBACK_FAILED")}, "A"},
		"cancelled by the user": {[]live.Event{event("A", "UPDATE_FAILED", "Resource update cancelled"),
			whole("UPDATE_ROLLBACK_IN_PROGRESS")}, ""},
	}
	for name, c := range cases {
		var got []string
		for _, e := range rootCauses(c.events) {
			got = append(got, e.Resource)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
	}
}

const group = `{"Resources": {"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "MaxSize": "1"}}}}`

// When instances do not start, what they say themselves is what counts.
func TestBootLogIsRead(t *testing.T) {
	b := newEnv(t)
	b.cf.Forward(cloudtest.Moto(t))
	logs := cloudwatchlogs.NewFromConfig(b.cf.Config(t, east))
	name := "test-boot"
	if _, err := logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name}); err != nil {
		t.Fatal(err)
	}
	write := func(stream string, lines ...string) {
		if _, err := logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &name,
			LogStreamName: &stream}); err != nil {
			t.Fatal(err)
		}
		var events []logtypes.InputLogEvent
		for i, l := range lines {
			at := time.Now().UnixMilli() + int64(i)
			events = append(events, logtypes.InputLogEvent{Message: &l, Timestamp: &at})
		}
		if _, err := logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &name, LogStreamName: &stream,
			LogEvents: events}); err != nil {
			t.Fatal(err)
		}
	}
	write("web/i-0old", "an instance of an earlier deployment")
	time.Sleep(5 * time.Millisecond)
	fail := cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Asg", When: cloudtest.Create,
		Reason: "Failed to receive 1 resource signal(s) within the specified duration"}
	b.cf.Fail(fail)
	b.cf.Hold(east, "test-web")
	go func() {
		b.until(func() bool { return len(b.told(activity.Started)) > 0 })
		write("web/i-0new", "fetched the agent", "error: unit web.service: exit status 203\x1b[2J")
		write("other/i-0other", "of another app")
		b.cf.Release(east, "test-web")
	}()
	f := b.deploy(testStack(east, "test-web", group)).Failures[0]
	if len(f.Boot) != 1 || f.Boot[0].Instance != "i-0new" || strings.Join(f.Boot[0].Lines,
		"|") != "fetched the agent|error: unit web.service: exit status 203\ufffd[2J" {
		t.Errorf("got %+v", f.Boot)
	}
	b.says(f.Next, "aws logs tail test-boot --region us-east-1 --log-stream-name-prefix web/")

	// An instance that said FAILURE is read, and no other.
	fail.Reason = "Received FAILURE signal with UniqueId i-01d"
	b.cf.Fail(fail)
	write("web/i-01d", "error: no such image")
	f = b.deploy(testStack(east, "test-web", group)).Failures[0]
	if len(f.Boot) != 1 || f.Boot[0].Instance != "i-01d" {
		t.Errorf("got %+v", f.Boot)
	}
}

// An instance that wrote nothing never came so far.
func TestNoBootLog(t *testing.T) {
	b := newEnv(t)
	b.cf.Forward(cloudtest.Moto(t))
	b.cf.Fail(cloudtest.Failure{Region: west, Stack: "test-web", Logical: "Asg", When: cloudtest.Create,
		Reason: "Received 0 SUCCESS signal(s) out of 1."})
	f := b.deploy(testStack(west, "test-web", group)).Failures[0]
	if len(f.Boot) > 0 {
		t.Errorf("got %+v", f.Boot)
	}
	b.says(f.Next, "no instance wrote to the log group test-boot", "aws ec2 get-console-output --region eu-west-1")
}
