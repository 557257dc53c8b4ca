package cloudtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const region = "eu-west-1"

// web has a security group in a network, a table with a name of its own and a role.
const web = `{
  "Parameters": {"Image": {"Type": "String", "Default": "ami-1"},
      "Hook": {"Type": "String", "NoEcho": true, "Default": "s3cret"},
      "Open": {"Type": "String", "Default": ""}},
  "Conditions": {"IsOpen": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Open"}, ""]}]}},
  "Resources": {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "Sg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web", "VpcId": {"Ref": "Vpc"}}},
    "Template": {"Type": "AWS::EC2::LaunchTemplate",
      "Properties": {"LaunchTemplateData": {"ImageId": {"Ref": "Image"}, "UserData": {"Fn::Base64": {"Fn::Sub": "${Hook}"}}}}},
    "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup",
      "Properties": {"MaxSize": "1", "MinSize": "1", "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": ` +
	`{"Fn::GetAtt": ["Template", "LatestVersionNumber"]}}}},
    "Users": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain",
      "Properties": {"TableName": "test-users"}},
    "Extra": {"Type": "AWS::EC2::EIP", "Condition": "IsOpen", "Properties": {"Domain": "vpc"}}
  },
  "Outputs": {"VpcId": {"Value": {"Ref": "Vpc"}}, "Both": {"Value": {"Fn::Join": ["/", [{"Ref": "Sg"}, {"Fn::Sub": "${AWS::Region}"}]]}}}
}`

// cloudFormationEnv is an account and what reaches it.
type cloudFormationEnv struct {
	*testing.T
	cf  *CloudFormation
	api *cloudformation.Client
}

func newCloudFormationEnv(t *testing.T) *cloudFormationEnv {
	t.Parallel()
	cf := NewCloudFormation(t)
	return &cloudFormationEnv{t, cf, cloudformation.NewFromConfig(cf.Config(t, region))}
}

func (b *cloudFormationEnv) change(name, template string,
	with ...func(*cloudformation.CreateChangeSetInput)) *cloudformation.DescribeChangeSetOutput {
	b.Helper()
	in := &cloudformation.CreateChangeSetInput{
		StackName: aws.String("test-web"), ChangeSetName: &name, TemplateBody: &template, ChangeSetType: types.ChangeSetTypeUpdate,
		Tags: []types.Tag{{Key: aws.String("spacel:orbit"), Value: aws.String("test")}},
	}
	for _, each := range with {
		each(in)
	}
	out, err := b.api.CreateChangeSet(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	described, err := b.api.DescribeChangeSet(b.Context(),
		&cloudformation.DescribeChangeSetInput{ChangeSetName: out.Id, IncludePropertyValues: aws.Bool(true)})
	if err != nil {
		b.Fatal(err)
	}
	return described
}

func creating(in *cloudformation.CreateChangeSetInput) {
	in.ChangeSetType = types.ChangeSetTypeCreate
	in.OnStackFailure = types.OnStackFailureDelete
}

func with(key, value string) func(*cloudformation.CreateChangeSetInput) {
	return func(in *cloudformation.CreateChangeSetInput) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
}

func (b *cloudFormationEnv) execute(set *cloudformation.DescribeChangeSetOutput) {
	b.Helper()
	if _, err := b.api.ExecuteChangeSet(b.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId}); err != nil {
		b.Fatal(err)
	}
	b.cf.Settle()
}

func (b *cloudFormationEnv) created() *cloudFormationEnv {
	b.Helper()
	b.execute(b.change("one", web, creating))
	b.is(types.StackStatusCreateComplete)
	return b
}

func (b *cloudFormationEnv) is(want types.StackStatus) *Seen {
	b.Helper()
	seen := b.cf.Seen(region, "test-web")
	if seen == nil {
		b.Fatalf("the stack is gone, want %s", want)
	}
	if seen.Status != want {
		b.Fatalf("the stack is in %s, want %s; it was %v", seen.Status, want, seen.History)
	}
	return seen
}

func (b *cloudFormationEnv) refused(err error, code, message string) {
	b.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		b.Fatalf("got %v, want %s: %s", err, code, message)
	}
}

func logicals(changes []types.Change, action types.ChangeAction) string {
	var all []string
	for _, c := range changes {
		if c.ResourceChange.Action == action {
			all = append(all, *c.ResourceChange.LogicalResourceId)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestCreate(t *testing.T) {
	b := newCloudFormationEnv(t)
	set := b.change("one", web, creating)
	b.is(types.StackStatusReviewInProgress)
	if got := logicals(set.Changes, types.ChangeActionAdd); got != "Group Sg Template Users Vpc" {
		t.Errorf("it would add %s", got)
	}
	b.execute(set)
	b.is(types.StackStatusCreateComplete)
	out, err := b.api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("test-web")})
	if err != nil {
		t.Fatal(err)
	}
	stack := out.Stacks[0]
	for _, p := range stack.Parameters {
		if *p.ParameterKey == "Hook" && *p.ParameterValue != "****" {
			t.Errorf("the secret is shown: %s", *p.ParameterValue)
		}
	}
	ids := b.cf.Seen(region, "test-web").IDs
	if got := *stack.Outputs[0].OutputValue; got != ids["Sg"]+"/"+region {
		t.Errorf("Both is %s", got)
	}
	if *stack.Tags[0].Value != "test" {
		t.Errorf("tags are %v", stack.Tags)
	}
}

func TestCreateFails(t *testing.T) {
	for _, c := range []struct {
		name string
		on   types.OnStackFailure
		want types.StackStatus
	}{
		{"rollback", types.OnStackFailureRollback, types.StackStatusRollbackComplete},
		{"nothing", types.OnStackFailureDoNothing, types.StackStatusCreateFailed},
		{"delete", types.OnStackFailureDelete, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newCloudFormationEnv(t)
			b.cf.Fail(Failure{Region: region, Stack: "test-web", Logical: "Sg", When: Create, Reason: "limit exceeded"})
			set := b.change("one", web, creating, func(in *cloudformation.CreateChangeSetInput) { in.OnStackFailure = c.on })
			b.execute(set)
			if c.want != "" {
				b.is(c.want)
			} else if b.cf.Seen(region, "test-web") != nil {
				t.Error("the stack is still there")
			}
			events, err := b.api.DescribeEvents(t.Context(),
				&cloudformation.DescribeEventsInput{StackName: set.StackId, Filters: &types.EventFilter{FailedEvents: aws.Bool(true)}})
			if err != nil {
				t.Fatal(err)
			}
			reasons := map[string]string{}
			for _, e := range events.OperationEvents {
				reasons[*e.LogicalResourceId] = aws.ToString(e.ResourceStatusReason)
			}
			if reasons["Sg"] != "limit exceeded" || reasons["Group"] != "Resource creation cancelled" {
				t.Errorf("reasons are %v", reasons)
			}
			if len(b.cf.Retained()) > 0 {
				t.Errorf("it left %v", b.cf.Retained())
			}
		})
	}
}

func TestNoChanges(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	b.cf.NoChanges = NoChangesUpdates
	set := b.change("two", web, with("Hook", "s3cret"))
	if set.Status != types.ChangeSetStatusFailed || *set.StatusReason != NoChangesUpdates ||
		set.ExecutionStatus != types.ExecutionStatusUnavailable {
		t.Errorf("the change set is %s: %s", set.Status, aws.ToString(set.StatusReason))
	}
	_, err := b.api.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId})
	b.refused(err, "InvalidChangeSetStatus", "[FAILED]")
}

func TestUpdate(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	before := b.is(types.StackStatusCreateComplete)
	next := strings.Replace(web, "10.0.0.0/16", "10.1.0.0/16", 1)
	set := b.change("two", next, with("Image", "ami-2"), with("Open", "yes"))
	if got := logicals(set.Changes, types.ChangeActionModify); got != "Group Sg Template Vpc" {
		t.Errorf("it would modify %s", got)
	}
	if got := logicals(set.Changes, types.ChangeActionAdd); got != "Extra" {
		t.Errorf("it would add %s", got)
	}
	for _, c := range set.Changes {
		rc := c.ResourceChange
		switch *rc.LogicalResourceId {
		case "Vpc":
			target := rc.Details[0].Target
			if rc.Replacement != types.ReplacementTrue || rc.PolicyAction != types.PolicyActionReplaceAndDelete ||
				*target.BeforeValue != "10.0.0.0/16" || *target.AfterValue != "10.1.0.0/16" {
				t.Errorf("the network's change is %s %s %s→%s", rc.Replacement, rc.PolicyAction, *target.BeforeValue, *target.AfterValue)
			}
		case "Template":
			if rc.Replacement != types.ReplacementFalse || strings.Contains(*rc.AfterContext, "s3cret") {
				t.Errorf("the launch template's change is %s, %s", rc.Replacement, *rc.AfterContext)
			}
		}
	}
	b.execute(set)
	after := b.is(types.StackStatusUpdateComplete)
	if before.IDs["Vpc"] == after.IDs["Vpc"] || before.IDs["Group"] != after.IDs["Group"] ||
		after.Outputs["VpcId"] != "{eu-west-1/test-web/Vpc}" {
		t.Errorf("ids were %v, are %v; outputs %v", before.IDs, after.IDs, after.Outputs)
	}
	if again := b.change("three", next, with("Image", "ami-2"), with("Open", "yes")); again.Status != types.ChangeSetStatusFailed {
		t.Errorf("a third time changes %v", again.Changes)
	}
}

func TestUpdateFails(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	want := b.cf.State()
	b.cf.Fail(Failure{Region: region, Stack: "test-web", Logical: "Group", When: Update, Reason: "no signal"})
	next := strings.Replace(web, "10.0.0.0/16", "10.1.0.0/16", 1)
	b.execute(b.change("two", next, with("Image", "ami-2")))
	b.is(types.StackStatusUpdateRollbackComplete)
	if got := strings.ReplaceAll(b.cf.State(), "UPDATE_ROLLBACK_COMPLETE", "CREATE_COMPLETE"); strings.ReplaceAll(got, `\"3\"`,
		`\"1\"`) != want {
		t.Errorf("after the rollback the account is\n%s\nwas\n%s", got, want)
	}
}

func TestContinueRollback(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	b.cf.Fail(Failure{Region: region, Stack: "test-web", Logical: "Group", When: Update, Reason: "no signal"})
	b.cf.Fail(Failure{Region: region, Stack: "test-web", Logical: "Template", When: Undo, Reason: "gone", Always: true})
	b.execute(b.change("two", web, with("Image", "ami-2")))
	b.is(types.StackStatusUpdateRollbackFailed)
	proceed := func(skip ...string) error {
		_, err := b.api.ContinueUpdateRollback(t.Context(),
			&cloudformation.ContinueUpdateRollbackInput{StackName: aws.String("test-web"), ResourcesToSkip: skip})
		b.cf.Settle()
		return err
	}
	b.refused(proceed("Vpc"), "ValidationError", "UPDATE_FAILED")
	if err := proceed(); err != nil {
		t.Fatal(err)
	}
	b.is(types.StackStatusUpdateRollbackFailed)
	if err := proceed("Template"); err != nil {
		t.Fatal(err)
	}
	b.is(types.StackStatusUpdateRollbackComplete)
}

func TestCancel(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	set := b.change("two", web, with("Image", "ami-2"))
	b.cf.Hold(region, "test-web")
	b.execute(set)
	b.is(types.StackStatusUpdateInProgress)
	_, err := b.api.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{StackName: aws.String("test-web"),
		ChangeSetName: aws.String("no"), TemplateBody: aws.String(web)})
	b.refused(err, "ValidationError", "is in UPDATE_IN_PROGRESS state and can not be updated")
	cancel := &cloudformation.CancelUpdateStackInput{StackName: aws.String("test-web")}
	if _, err := b.api.CancelUpdateStack(t.Context(), cancel); err != nil {
		t.Fatal(err)
	}
	b.cf.Release(region, "test-web")
	b.cf.Settle()
	b.is(types.StackStatusUpdateRollbackComplete)
	_, err = b.api.CancelUpdateStack(t.Context(), &cloudformation.CancelUpdateStackInput{StackName: aws.String("test-web")})
	b.refused(err, "ValidationError", "CancelUpdateStack cannot be called")
}

func (b *cloudFormationEnv) delete(in cloudformation.DeleteStackInput) error {
	in.StackName = aws.String("test-web")
	_, err := b.api.DeleteStack(b.Context(), &in)
	b.cf.Settle()
	return err
}

func TestDelete(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	if _, err := b.api.UpdateTerminationProtection(t.Context(),
		&cloudformation.UpdateTerminationProtectionInput{StackName: aws.String("test-web"),
			EnableTerminationProtection: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	b.refused(b.delete(cloudformation.DeleteStackInput{}), "ValidationError", "TerminationProtection is enabled")
	if _, err := b.api.UpdateTerminationProtection(t.Context(),
		&cloudformation.UpdateTerminationProtectionInput{StackName: aws.String("test-web"),
			EnableTerminationProtection: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	b.refused(b.delete(cloudformation.DeleteStackInput{RetainResources: []string{"Sg"}}), "ValidationError", "DELETE_FAILED")
	b.cf.Fail(Failure{Region: region, Stack: "test-web", Logical: "Sg", When: Delete, Reason: "in use", Always: true})
	if err := b.delete(cloudformation.DeleteStackInput{}); err != nil {
		t.Fatal(err)
	}
	b.is(types.StackStatusDeleteFailed)
	if err := b.delete(cloudformation.DeleteStackInput{RetainResources: []string{"Sg"}}); err != nil {
		t.Fatal(err)
	}
	if seen := b.cf.Seen(region, "test-web"); seen != nil {
		t.Fatalf("the stack is in %s", seen.Status)
	}
	if got := strings.Join(b.cf.Retained(), "; "); !strings.Contains(got, "AWS::DynamoDB::Table test-users") ||
		!strings.Contains(got, "AWS::EC2::SecurityGroup sg-") {
		t.Errorf("it left %s", got)
	}
}

// A table that a deleted stack retained comes back into a new one, if that is asked for.
func TestImportExisting(t *testing.T) {
	b := newCloudFormationEnv(t)
	b.cf.Retain(region, "AWS::DynamoDB::Table", "test-users")
	set := b.change("one", web, creating)
	if set.Status != types.ChangeSetStatusFailed || !strings.Contains(*set.StatusReason, "ResourceExistenceCheck") {
		t.Fatalf("the change set is %s: %s", set.Status, aws.ToString(set.StatusReason))
	}
	events, err := b.api.DescribeEvents(t.Context(), &cloudformation.DescribeEventsInput{ChangeSetName: set.ChangeSetId})
	if err != nil || len(events.OperationEvents) != 1 ||
		!strings.Contains(*events.OperationEvents[0].ValidationStatusReason, "'test-users' already exists") {
		t.Fatalf("the events are %v, %v", events, err)
	}
	set = b.change("two", web, creating, func(in *cloudformation.CreateChangeSetInput) { in.ImportExistingResources = aws.Bool(true) })
	if got := logicals(set.Changes, types.ChangeActionImport); got != "Users" {
		t.Fatalf("it would import %q", got)
	}
	b.execute(set)
	if b.is(types.StackStatusCreateComplete).IDs["Users"] != "test-users" || len(b.cf.Retained()) > 0 {
		t.Errorf("left over: %v", b.cf.Retained())
	}
}

func TestChangeSetsAge(t *testing.T) {
	b := newCloudFormationEnv(t).created()
	b.cf.ChangeSetDelay = time.Hour
	slow := b.change("slow", web, with("Image", "ami-3"))
	_, err := b.api.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: slow.ChangeSetId})
	b.refused(err, "InvalidChangeSetStatus", "current status of [CREATE_IN_PROGRESS]")
	b.cf.ChangeSetDelay = 0
	old := b.change("old", web, with("Image", "ami-2"))
	b.execute(b.change("new", web, with("Image", "ami-4")))
	_, err = b.api.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: old.ChangeSetId})
	b.refused(err, "InvalidChangeSetStatus", "current execution status of [OBSOLETE]")
}

func TestRefusals(t *testing.T) {
	b := newCloudFormationEnv(t)
	try := func(with func(*cloudformation.CreateChangeSetInput)) error {
		in := &cloudformation.CreateChangeSetInput{StackName: aws.String("test-web"), ChangeSetName: aws.String("one"),
			TemplateBody: aws.String(web), ChangeSetType: types.ChangeSetTypeCreate}
		with(in)
		_, err := b.api.CreateChangeSet(t.Context(), in)
		return err
	}
	b.refused(try(func(in *cloudformation.CreateChangeSetInput) { in.ChangeSetType = types.ChangeSetTypeUpdate }), "ValidationError",
		"does not exist")
	b.refused(try(with("Nope", "x")), "ValidationError", "Parameters: [Nope] do not exist in the template")
	b.refused(try(func(in *cloudformation.CreateChangeSetInput) {
		in.TemplateBody = aws.String(web + strings.Repeat(" ", 51200))
	}), "ValidationError", "less than or equal to 51200")
	b.refused(try(func(in *cloudformation.CreateChangeSetInput) {
		in.TemplateBody = aws.String(`{"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {}}}}`)
	}), "InsufficientCapabilitiesException", "CAPABILITY_IAM")
	b.refused(try(func(in *cloudformation.CreateChangeSetInput) {
		in.TemplateBody = aws.String(`{"Resources": {"A": {"Type": "AWS::EC2::EIP", "DependsOn": "B"}}}`)
	}), "ValidationError", "Unresolved resource dependencies [B]")
	token := func(in *cloudformation.CreateChangeSetInput) { in.ClientToken = aws.String("again") }
	if err := errors.Join(try(token), try(token)); err != nil {
		t.Error(err)
	}
	b.refused(try(func(*cloudformation.CreateChangeSetInput) {}), "AlreadyExistsException", "already exists")
	_, err := b.api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("absent")})
	b.refused(err, "ValidationError", "Stack with id absent does not exist")
}

func TestThrottle(t *testing.T) {
	b := newCloudFormationEnv(t)
	b.cf.Throttle("DescribeStacks", 2)
	cfg := b.cf.Config(t, region)
	cfg.Retryer = func() aws.Retryer { return retry.AddWithMaxBackoffDelay(retry.NewStandard(), time.Millisecond) }
	b.api = cloudformation.NewFromConfig(cfg)
	if _, err := b.api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}); err != nil {
		t.Fatal(err)
	}
	if n := b.cf.Calls()["cloudformation:DescribeStacks"]; n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestEventsInPages(t *testing.T) {
	b := newCloudFormationEnv(t)
	b.cf.Page = 4
	b.created()
	pages := cloudformation.NewDescribeStackEventsPaginator(b.api,
		&cloudformation.DescribeStackEventsInput{StackName: aws.String("test-web")})
	var statuses []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.StackEvents {
			statuses = append(statuses, *e.LogicalResourceId+" "+string(e.ResourceStatus))
		}
	}
	if n := len(statuses); n != 18 || statuses[0] != "test-web CREATE_COMPLETE" || statuses[n-1] != "test-web REVIEW_IN_PROGRESS" {
		t.Errorf("%d events: %v", n, statuses)
	}
}

func TestTemplateFromS3(t *testing.T) {
	b := newCloudFormationEnv(t)
	name := b.cf.Bucket(t, region)
	store := s3.NewFromConfig(b.cf.Config(t, region), func(o *s3.Options) { o.UsePathStyle = true })
	put := &s3.PutObjectInput{Bucket: &name, Key: aws.String("t/1"), IfNoneMatch: aws.String("*")}
	put.Body = strings.NewReader(web)
	if _, err := store.PutObject(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	put.Body = strings.NewReader("other")
	_, err := store.PutObject(t.Context(), put)
	b.refused(err, "PreconditionFailed", "")
	set := b.change("one", web, creating, func(in *cloudformation.CreateChangeSetInput) {
		in.TemplateBody, in.TemplateURL = nil, aws.String("https://"+name+".s3."+region+".amazonaws.com/t/1")
	})
	if len(set.Changes) != 5 {
		t.Errorf("the change set has %d changes", len(set.Changes))
	}
	elsewhere := s3.NewFromConfig(b.cf.Config(t, "us-east-1"), func(o *s3.Options) { o.UsePathStyle = true })
	_, err = elsewhere.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: aws.String("t/1")})
	b.refused(err, "PermanentRedirect", "")
}

func TestPut(t *testing.T) {
	for _, c := range []struct {
		put  Stack
		want types.StackStatus
		do   func(b *cloudFormationEnv) error
	}{
		{Stack{Status: types.StackStatusUpdateRollbackFailed, Failed: map[string]string{"Sg": "in use"}},
			types.StackStatusUpdateRollbackComplete, func(b *cloudFormationEnv) error {
				_, err := b.api.ContinueUpdateRollback(b.Context(),
					&cloudformation.ContinueUpdateRollbackInput{StackName: aws.String("test-web")})
				return err
			}},
		{Stack{Status: types.StackStatusUpdateInProgress, Then: types.StackStatusUpdateComplete, After: time.Minute},
			types.StackStatusUpdateComplete, nil},
		{Stack{Status: types.StackStatusDeleteFailed, Failed: map[string]string{"Sg": "in use"}}, "", func(b *cloudFormationEnv) error {
			return b.delete(cloudformation.DeleteStackInput{RetainResources: []string{"Sg"}})
		}},
		{Stack{Status: types.StackStatusRollbackComplete}, "",
			func(b *cloudFormationEnv) error { return b.delete(cloudformation.DeleteStackInput{}) }},
	} {
		t.Run(string(c.put.Status), func(t *testing.T) {
			b := newCloudFormationEnv(t)
			c.put.Region, c.put.Name, c.put.Template = region, "test-web", web
			b.cf.Put(t, c.put)
			b.is(c.put.Status)
			if c.do != nil {
				if err := c.do(b); err != nil {
					t.Fatal(err)
				}
			}
			b.cf.Settle()
			if c.want != "" {
				b.is(c.want)
			} else if b.cf.Seen(region, "test-web") != nil {
				t.Error("the stack is still there")
			}
		})
	}
}

// GetTemplate returns ? for each character outside of ASCII, and escapes as they were sent.
func TestReadBack(t *testing.T) {
	b := newCloudFormationEnv(t)
	sent := strings.Replace(web, "10.0.0.0/16", "\u00fc\U0001F680 \\u00fc", 1)
	want := strings.Replace(web, "10.0.0.0/16", "?? \\u00fc", 1)
	set := b.change("one", sent, creating)
	out, err := b.api.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{ChangeSetName: set.ChangeSetId})
	if err != nil || *out.TemplateBody != want {
		t.Errorf("got %v, %v", out, err)
	}
	b.cf.Put(t, Stack{Region: region, Name: "test-other", Status: types.StackStatusCreateComplete, Template: sent})
	out, err = b.api.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String("test-other")})
	if err != nil || *out.TemplateBody != want {
		t.Errorf("got %v, %v", out, err)
	}
}
