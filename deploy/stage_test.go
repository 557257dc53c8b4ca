package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// large is a template that is too long to be sent with a call.
func large() string {
	return `{"Description": "` + strings.Repeat("x", 1000) + `", "Metadata": {"Pad": "` + strings.Repeat("y", maxInline) + `"}, ` +
		topics("Topic")[1:]
}

// A template that is too large to be sent is staged, under its digest; by a dry run only for its time.
func TestLargeTemplateIsStaged(t *testing.T) {
	b := newEnv(t)
	web := testStack(east, "test-web", large())
	if _, err := b.prepare(web); err == nil {
		t.Error("there is no bucket, and it was taken")
	} else {
		b.says(err.Error(), "us-east-1/test-web", "there is no bucket")
	}
	name := b.cf.Bucket(t, east)
	before := b.cf.Everything()
	b.options.Buckets.Template = name
	b.options.DryRun = true
	d := b.prepared(web)
	if got := b.cf.Calls()["s3:PutObject"]; got != 1 {
		t.Errorf("staged %d times", got)
	}
	if err := d.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.cf.Everything(); got != before {
		t.Errorf("it left %s", got)
	}
	b.events = nil
	b.options.DryRun = false
	b.expect(b.deploy(web), "test-web created")
	told := b.told(activity.Uploaded)
	if len(told) != 1 {
		t.Fatalf("told %v", told)
	}
	_, key, _ := strings.Cut(told[0], ".amazonaws.com/")
	if !strings.Contains(key, web.Digest) || string(b.cf.Object(name, key)) != web.template {
		t.Errorf("staged %s", told[0])
	}
}

// Somebody who may write to the bucket exchanges the template between its upload and CloudFormation's fetch. Nothing is created, and a
// bucket with versions gives CloudFormation the right one all the same.
func TestExchangedTemplateIsRefused(t *testing.T) {
	b := newEnv(t)
	name := b.cf.Bucket(t, east)
	b.options.Buckets.Template = name
	cloudtest.Intrude(b.cf, name, func(string, []byte) []byte {
		return []byte(`{"Resources": {"Backdoor": {"Type": "AWS::SNS::Topic"}}}`)
	})
	before := b.cf.Everything()
	_, err := b.prepare(testStack(east, "test-web", large()))
	if err == nil {
		t.Fatal("it was taken")
	}
	b.says(err.Error(), "us-east-1/test-web: the change set's template is not the artifact's", "fetched from https://"+name,
		"somebody else may write to the bucket; nothing was changed")
	if got := b.cf.Seen(east, "test-web"); got != nil {
		t.Errorf("left %+v", got)
	}
	if got := b.cf.Calls()["ExecuteChangeSet"]; got != 0 {
		t.Errorf("executed %d times; %s", got, before)
	}

	v := newEnvNow(t)
	name = v.cf.Bucket(t, east)
	v.options.Buckets.Template = name
	cloudtest.Versions(v.cf, name)
	cloudtest.Intrude(v.cf, name, func(string, []byte) []byte { return []byte(`{"Resources": {"Backdoor": {"Type": "AWS::SNS::Topic"}}}`) })
	v.expect(v.deploy(testStack(east, "test-web", large())), "test-web created")
	if seen := v.cf.Seen(east, "test-web"); seen == nil || seen.Template != large() {
		t.Errorf("created %+v", seen)
	}
}

// A template that fits goes with the call, though there is a bucket, so nobody can exchange it.
func TestTemplateThatFitsIsSent(t *testing.T) {
	b := newEnv(t)
	b.options.Buckets.Template = b.cf.Bucket(t, east)
	d := b.prepared(testStack(east, "test-web", topics("Topic")))
	if got := b.cf.Calls()["s3:PutObject"]; got != 0 || d.Plan.Stacks[0].Action != Create {
		t.Errorf("uploaded %d times", got)
	}
}

const tables = `{"Resources": {"Users": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", ` +
	`"Properties": {"TableName": "test-users"}}, "Topic": {"Type": "AWS::SNS::Topic"}}}`

// What a failed creation retains is not in the way of the next one.
func TestRetainedTablesAreAdopted(t *testing.T) {
	b := newEnv(t)
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-tables", Logical: "Topic", When: cloudtest.Create, Reason: "no"})
	cloudtest.RetainTable(b.cf, east, "test-users", map[string]string{"spacel:orbit": "test"}, "")
	r := b.deploy(testStack(east, "test-tables", tables))
	b.expect(r, "test-tables failed")
	b.says(r.Failures[0].State, "resources with a Retain policy are kept")
	d := b.prepared(testStack(east, "test-tables", tables))
	if i := slices.IndexFunc(d.Plan.Stacks[0].Changes, func(c Change) bool { return c.Action == "Import" }); i < 0 {
		t.Errorf("got %+v", d.Plan.Stacks[0].Changes)
	}
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-tables created")
}

// What CloudFormation finds wrong with a change set is said before anything starts, with its place.
func TestRefusedChangeSetIsExplained(t *testing.T) {
	b := newEnv(t)
	b.cf.Retain(east, "AWS::SNS::Topic", "taken")
	_, err := b.prepare(testStack(east, "test-web",
		`{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "taken"}}}}`))
	if err == nil {
		t.Fatal("it was taken")
	}
	b.says(err.Error(), "us-east-1/test-web", "test-web.cue:3:5", "Topic")
	if got := b.cf.Seen(east, "test-web"); got != nil {
		t.Errorf("it left %+v", got)
	}
}

// Sixty stacks in three regions without items cost a call each, and some for each region: two listings, and attempts to find the key.
func TestManyUnchangedStacks(t *testing.T) {
	b := newEnv(t)
	var stacks []built
	for _, region := range []string{"eu-west-1", "us-east-1", "us-west-2"} {
		for i := range 20 {
			name := fmt.Sprintf("test-app%02d", i)
			s := testStack(region, name, topics("Topic"))
			b.cf.Put(t, cloudtest.Stack{Region: region, Name: name, Status: types.StackStatusCreateComplete, Template: s.template,
				Tags: map[string]string{document.TagOrbit: "test", document.TagApp: s.App}})
			stacks = append(stacks, s)
		}
	}
	b.cf.ResetCalls()
	r := b.deploy(stacks...)
	for _, s := range r.Stacks {
		if s.Outcome != activity.WasUnchanged {
			t.Fatalf("got %+v", s)
		}
	}
	calls := b.cf.Calls()
	if calls["cloudformation:DescribeStacks"] != 6 || calls["cloudformation:GetTemplate"] != 60 || calls["kms:GenerateMac"] > 6 ||
		len(calls) != 4 {
		t.Errorf("got %v", calls)
	}
}
