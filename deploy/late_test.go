package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// never is longer than a test.
const never = time.Hour

// An operation that begins after its call was acknowledged is followed from its beginning to its end.
func TestLateBeginningIsFollowed(t *testing.T) {
	b := newEnv(t)
	b.cf.BeginsLate = 40 * time.Millisecond
	for _, template := range []string{topics("A"), topics("A", "B")} {
		b.deploy(testStack(east, "test-web", template, protected))
		seen := b.cf.Seen(east, "test-web")
		if seen.Template != template || len(seen.ChangeSets) > 0 || !seen.Protected {
			t.Fatalf("the result came before the operation began: %+v", seen)
		}
	}
	b.cf.Fail(failing("C"))
	r := b.deploy(testStack(east, "test-web", topics("A", "B", "C"), protected))
	b.expect(r, "test-web failed")
	if got := b.cf.Seen(east, "test-web").Status; got != types.StackStatusUpdateRollbackComplete {
		t.Errorf("got %s", got)
	}
}

// An update that is acknowledged and never begins is a failure, and nothing is left that could begin later.
func TestOperationThatNeverBegins(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", topics("A")))
	b.options.Patience = time.Second // enough for the messages on a busy machine
	b.cf.BeginsLate = never
	before := b.cf.State()
	r := b.deploy(testStack(east, "test-web", topics("A", "B")), testStack(east, "test-new", topics("A")))
	b.expect(r, "test-new failed, test-web failed")
	for _, f := range r.Failures {
		b.says(f.What, "accepted the call to execute the change set", "did not begin within 1s")
	}
	b.says(sprint(b.told(activity.Waiting)), "the stack is still CREATE_COMPLETE", "the stack is still REVIEW_IN_PROGRESS")
	if seen := b.cf.Seen(east, "test-web"); len(seen.ChangeSets) > 0 {
		t.Errorf("a change set is left: %+v", seen.ChangeSets)
	}
	b.cf.BeginsLate = 0
	b.cf.Settle()
	if after := b.cf.Seen(east, "test-web"); after.Outputs["B"] != "" {
		t.Errorf("it began after all: before %s", before)
	}
}

// A failed stack whose deletion begins late is deleted and created again, and a rollback that begins late is continued.
func TestLateRepair(t *testing.T) {
	b := newEnv(t)
	b.cf.BeginsLate = 30 * time.Millisecond
	b.cf.Put(t, failedStack("test-gone", types.StackStatusRollbackComplete, nil))
	b.cf.Put(t, failedStack("test-back", types.StackStatusUpdateRollbackFailed, map[string]string{"A": "no"}))
	b.expect(b.deploy(testStack(east, "test-gone", topics("A", "B")), testStack(east, "test-back", topics("A", "B"))),
		"test-back updated, test-gone created")
	for _, name := range []string{"test-gone", "test-back"} {
		if b.cf.Seen(east, name).Outputs["B"] == "" {
			t.Errorf("%s does not match the artifact", name)
		}
	}
}

// A creation that is cancelled shortly before it succeeds is deleted, though the deletion begins after the success.
func TestCancelledCreationDeletedLate(t *testing.T) {
	b := newEnv(t)
	c := activity.NewControl()
	done := b.running(t.Context(), c, testStack(east, "test-web", topics("A")))
	b.cf.BeginsLate = 60 * time.Millisecond
	c.Cancel()
	b.until(func() bool { return b.cf.Calls()["cloudformation:DeleteStack"] > 0 })
	b.cf.Release(east, "test-web")
	b.expect(<-done, "test-web cancelled")
	if seen := b.cf.Seen(east, "test-web"); seen != nil {
		t.Errorf("got %+v", seen)
	}
}

// failing is a failure to create a topic of test-web.
func failing(logical string) cloudtest.Failure {
	return cloudtest.Failure{Region: east, Stack: "test-web", Logical: logical, When: cloudtest.Create, Reason: "no"}
}

// failedStack is a stack of an app with one topic, in a failed state.
func failedStack(name string, status types.StackStatus, failed map[string]string) cloudtest.Stack {
	return cloudtest.Stack{
		Region: east, Name: name, Status: status, Template: topics("A"), Failed: failed,
		Tags: map[string]string{document.TagOrbit: "test", document.TagApp: strings.TrimPrefix(name, "test-")},
	}
}
