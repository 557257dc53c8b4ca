package deploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

// Every state that CloudFormation knows has an answer, and none that lasts is waited for.
func TestEveryStateHasAnAnswer(t *testing.T) {
	want := map[types.StackStatus]step{
		"CREATE_COMPLETE": toUpdate, "UPDATE_COMPLETE": toUpdate, "UPDATE_ROLLBACK_COMPLETE": toUpdate, "UPDATE_FAILED": toUpdate,
		"IMPORT_COMPLETE": toUpdate, "IMPORT_ROLLBACK_COMPLETE": toUpdate,
		"REVIEW_IN_PROGRESS": toCreate, "DELETE_COMPLETE": toCreate,
		"CREATE_FAILED": toRemove, "ROLLBACK_COMPLETE": toRemove, "ROLLBACK_FAILED": toRemove, "DELETE_FAILED": toRemove,
		"UPDATE_ROLLBACK_FAILED": toResume, "IMPORT_ROLLBACK_FAILED": toRefuse,
	}
	for _, status := range types.StackStatus("").Values() {
		answer, ok := want[status]
		if !ok && strings.HasSuffix(string(status), "_IN_PROGRESS") {
			answer, ok = toWait, true
		}
		if !ok {
			t.Errorf("%s: CloudFormation has a state that this test does not know", status)
		}
		if got := stepFor(&live.Stack{Status: status}); got != answer {
			t.Errorf("%s: got %s, want %s", status, got, answer)
		}
	}
}

// A stack in any state is as the artifact says in the end.
func TestStackStates(t *testing.T) {
	old, now := topics("Old"), topics("New")
	cases := map[string]struct {
		put     cloudtest.Stack
		outcome activity.Outcome
		passed  []types.StackStatus // states it must have been through, in this order
	}{
		"REVIEW_IN_PROGRESS":       {outcome: activity.WasCreated, put: cloudtest.Stack{Status: "REVIEW_IN_PROGRESS"}},
		"CREATE_COMPLETE":          {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "CREATE_COMPLETE", Template: old}},
		"UPDATE_COMPLETE":          {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "UPDATE_COMPLETE", Template: old}},
		"UPDATE_FAILED":            {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "UPDATE_FAILED", Template: old}},
		"UPDATE_ROLLBACK_COMPLETE": {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "UPDATE_ROLLBACK_COMPLETE", Template: old}},
		"IMPORT_COMPLETE":          {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "IMPORT_COMPLETE", Template: old}},
		"IMPORT_ROLLBACK_COMPLETE": {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "IMPORT_ROLLBACK_COMPLETE", Template: old}},
		"CREATE_FAILED":            {outcome: activity.WasCreated, put: cloudtest.Stack{Status: "CREATE_FAILED", Template: old}},
		"ROLLBACK_COMPLETE":        {outcome: activity.WasCreated, put: cloudtest.Stack{Status: "ROLLBACK_COMPLETE", Template: old}},
		"ROLLBACK_FAILED": {outcome: activity.WasCreated,
			put: cloudtest.Stack{Status: "ROLLBACK_FAILED", Template: old, Failed: map[string]string{"Old": "in use"}}},
		"DELETE_FAILED": {outcome: activity.WasCreated,
			put: cloudtest.Stack{Status: "DELETE_FAILED", Template: old, Failed: map[string]string{"Old": "in use"}}},
		"UPDATE_ROLLBACK_FAILED": {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "UPDATE_ROLLBACK_FAILED", Template: old,
			Failed: map[string]string{"Old": "gone"}},
			passed: []types.StackStatus{"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS",
				"UPDATE_COMPLETE"}},
		"CREATE_IN_PROGRESS": {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "CREATE_IN_PROGRESS", Template: old,
			Then: "CREATE_COMPLETE"}},
		"UPDATE_IN_PROGRESS": {outcome: activity.WasUpdated, put: cloudtest.Stack{Status: "UPDATE_IN_PROGRESS", Template: old,
			Then: "UPDATE_COMPLETE"}},
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": {outcome: activity.WasUpdated,
			put: cloudtest.Stack{Status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Template: old, Then: "UPDATE_COMPLETE"}},
		"UPDATE_ROLLBACK_IN_PROGRESS": {outcome: activity.WasUpdated,
			put: cloudtest.Stack{Status: "UPDATE_ROLLBACK_IN_PROGRESS", Template: old, Then: "UPDATE_ROLLBACK_COMPLETE"}},
		"ROLLBACK_IN_PROGRESS": {outcome: activity.WasCreated,
			put: cloudtest.Stack{Status: "ROLLBACK_IN_PROGRESS", Template: old, Then: "ROLLBACK_COMPLETE"}},
		"DELETE_IN_PROGRESS": {outcome: activity.WasCreated,
			put: cloudtest.Stack{Status: "DELETE_IN_PROGRESS", Template: old, Then: "DELETE_COMPLETE"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newEnv(t)
			put := c.put
			put.Region, put.Name, put.Tags = east, "test-web", map[string]string{document.TagOrbit: "test", document.TagApp: "web"}
			if put.Then != "" {
				b.cf.Hold(east, "test-web")
			}
			b.cf.Put(t, put)
			if put.Then != "" {
				go func() {
					b.until(func() bool { return len(b.told(activity.Waiting)) > 0 })
					b.cf.Release(east, "test-web")
				}()
			}
			r := b.deploy(testStack(east, "test-web", now, protected))
			if got := r.Stacks[0].Outcome; got != c.outcome {
				t.Errorf("got %s, want %s; %+v", got, c.outcome, r.Failures)
			}
			seen := b.cf.Seen(east, "test-web")
			if seen == nil || seen.Outputs["New"] == "" || seen.Outputs["Old"] != "" || !seen.Protected || len(seen.ChangeSets) > 0 {
				t.Fatalf("got %+v", seen)
			}
			if len(b.user.asked) > 0 {
				t.Errorf("asked %v", b.user.asked)
			}
			if len(c.passed) > 0 && !endsIn(seen.History, c.passed) {
				t.Errorf("it was %v, want the end %v", seen.History, c.passed)
			}
			if waited := b.told(activity.Waiting); (&live.Stack{Status: c.put.Status}).Busy() != (len(waited) > 0) {
				t.Errorf("told %v", waited)
			}
		})
	}
}

func endsIn(history, end []types.StackStatus) bool {
	var got []types.StackStatus
	for _, s := range history {
		if !strings.Contains(string(s), "CLEANUP") {
			got = append(got, s)
		}
	}
	return len(got) >= len(end) && slices.Equal(got[len(got)-len(end):], end)
}

func TestUnknownFailedStateIsRefused(t *testing.T) {
	b := newEnv(t)
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "IMPORT_ROLLBACK_FAILED", Template: topics("Old"),
		Tags: map[string]string{document.TagOrbit: "test", document.TagApp: "web"}})
	_, err := b.prepare(testStack(east, "test-web", topics("New")))
	if err == nil {
		t.Fatal("it was not refused")
	}
	b.says(err.Error(), "us-east-1/test-web", "IMPORT_ROLLBACK_FAILED")
}

// A failed stack that holds data is only deleted after consent, which says what is kept.
func TestRemovalOfDataAsks(t *testing.T) {
	old := `{"Resources": {
		"Kept": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": {"TableName": "test-kept"}},
		"Shot": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot"},
		"Lost": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "test-lost"}},
		"Topic": {"Type": "AWS::SNS::Topic"}}}`
	put := cloudtest.Stack{Region: east, Name: "test-web", Status: "ROLLBACK_FAILED", Template: old,
		Tags: map[string]string{document.TagOrbit: "test", document.TagApp: "web"}}
	now := testStack(east, "test-web", topics("New"))

	b := newEnv(t)
	b.cf.Put(t, put)
	d := b.prepared(now)
	if p := d.Plan.Stacks[0]; p.Action != Repair || len(p.Dangers) != 2 {
		t.Fatalf("got %+v", p)
	}
	b.says(d.Plan.Stacks[0].Dangers[0].What, "AWS::DynamoDB::Table Lost", "is deleted with what it holds")
	b.says(d.Plan.Stacks[0].Dangers[1].What, "AWS::RDS::DBInstance Shot", "a snapshot is kept")
	before := b.cf.State()
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-web failed")
	b.says(r.Failures[0].What, "not agreed to", "--allow-replace us-east-1/test-web/Lost")
	if got := b.cf.State(); got != before {
		t.Errorf("something changed: %s", got)
	}
	if got := strings.Join(b.user.asked, "; "); got != "dangers us-east-1/test-web/Lost us-east-1/test-web/Shot" {
		t.Errorf("asked %s", got)
	}

	b.user = &user{confirm: true, nobody: true}
	b.options.AllowReplace = []string{"us-east-1/test-web/Lost", "us-east-1/test-web/Shot"}
	b.expect(b.deploy(now), "test-web created")
	if got := strings.Join(b.cf.Retained(), " "); !strings.Contains(got, "test-kept") || strings.Contains(got, "test-lost") {
		t.Errorf("retained %s", got)
	}
	if len(b.cf.Snapshots()) != 1 {
		t.Errorf("snapshots %v", b.cf.Snapshots())
	}
}

// What a deletion cannot delete is left behind after consent, else the stack stays failed.
func TestLeaveBehind(t *testing.T) {
	for _, yes := range []bool{true, false} {
		b := newEnvNow(t)
		b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "DELETE_FAILED", Template: topics("Old", "Stuck"),
			Tags: map[string]string{document.TagOrbit: "test", document.TagApp: "web"}, Failed: map[string]string{"Stuck": "in use"}})
		b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Stuck", When: cloudtest.Delete,
			Reason: "still in use by sg-1", Always: true})
		b.user.leave = yes
		r := b.deploy(testStack(east, "test-web", topics("New", "Stuck")))
		want := "test-web failed"
		if yes {
			want = "test-web created"
		}
		b.expect(r, want)
		if got := strings.Join(b.user.asked, "; "); got != "leave us-east-1/test-web Stuck" {
			t.Errorf("asked %s", got)
		}
		if !yes {
			b.says(r.Failures[0].What, "test-web.cue", "Stuck", "still in use by sg-1")
		}
	}
}

// A rollback that fails again is continued without the resource in its way, after consent.
func TestSkipResources(t *testing.T) {
	for _, yes := range []bool{true, false} {
		b := newEnvNow(t)
		b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "UPDATE_ROLLBACK_FAILED", Template: topics("Old", "Stuck"),
			Tags: map[string]string{document.TagOrbit: "test", document.TagApp: "web"}, Failed: map[string]string{"Stuck": "gone"}})
		b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Stuck", When: cloudtest.Undo, Reason: "the topic is gone",
			Always: true})
		b.user.skip = yes
		r := b.deploy(testStack(east, "test-web", topics("Old", "Stuck", "New")))
		want := "test-web failed"
		if yes {
			want = "test-web updated"
		}
		b.expect(r, want)
		if got := strings.Join(b.user.asked, "; "); got != "skip us-east-1/test-web Stuck" {
			t.Errorf("asked %s", got)
		}
		if !yes {
			b.says(r.Failures[0].What, "the topic is gone")
			b.says(r.Failures[0].State, "UPDATE_ROLLBACK_FAILED")
		}
	}
}

// An update that was left half done, and that cannot be told from one that was done, is not called unchanged.
func TestHalfDoneUpdateIsNotUnchanged(t *testing.T) {
	b := newEnv(t)
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "UPDATE_FAILED", Template: topics("Old"),
		Tags: map[string]string{document.TagOrbit: "test", document.TagApp: "web"}})
	_, err := b.prepare(testStack(east, "test-web", topics("Old")))
	if err == nil {
		t.Fatal("it was taken for unchanged")
	}
	b.says(err.Error(), "UPDATE_FAILED", "aws cloudformation rollback-stack --region us-east-1 --stack-name test-web")
}
