package deploy

import (
	"context"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/cloudtest"
)

// A dry run shows what would happen, and leaves the account byte for byte as it was.
func TestDryRunLeavesNoTrace(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-vpc", topics("Vpc")), testStack(east, "test-old", topics("One")))
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-failed", Status: "ROLLBACK_COMPLETE", Template: topics("One"),
		Tags: map[string]string{document.TagOrbit: "test", document.TagApp: "failed"}})
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-review", Status: "REVIEW_IN_PROGRESS"})
	before := b.cf.Everything()
	b.options.DryRun = true
	d := b.prepared(
		testStack(east, "test-client", reader("Web"), output("Web", "test-web", "Topic", false), after("test-web")),
		testStack(east, "test-failed", topics("One")),
		testStack(east, "test-old", topics("One", "Two"), protected),
		testStack(east, "test-review", topics("One")),
		testStack(east, "test-vpc", topics("Vpc")),
		testStack(east, "test-web", topics("Topic")),
	)
	want := []Action{Later, Repair, Update, Create, None, Create}
	for i, p := range d.Plan.Stacks {
		if p.Action != want[i] {
			t.Errorf("%s: got %s, want %s", p.Name, p.Action, want[i])
		}
		if p.Action != None && len(p.Changes) == 0 {
			t.Errorf("%s: no changes", p.Name)
		}
	}
	b.says(d.Plan.Stacks[0].Why, "waits for us-east-1/test-web")
	if err := d.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.cf.Everything(); got != before {
		t.Errorf("before %s\nafter %s", before, got)
	}
}

// What waits for another stack is compared offline with what is deployed.
func TestLaterIsComparedOffline(t *testing.T) {
	b := newEnv(t)
	b.deploy(testStack(east, "test-web", topics("One", "Two")))
	d := b.prepared(testStack(east, "test-vpc", topics("Vpc")),
		testStack(east, "test-web",
			`{"Parameters": {"Vpc": {"Type": "String"}}, "Resources": {"Two": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": `+
				`"x"}}, "Three": {"Type": "AWS::SNS::Topic"}}}`, output("Vpc", "test-vpc", "Vpc", false)))
	var got []string
	for _, c := range d.Plan.Stacks[1].Changes {
		got = append(got, c.Action+" "+c.LogicalID+" "+c.Replacement)
	}
	if want := "[Remove One  Add Three  Modify Two True]"; sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Nothing is done that is not confirmed, and nothing is left of it.
func TestDeclined(t *testing.T) {
	b := newEnv(t)
	b.user.confirm = false
	_, err := b.prepared(testStack(east, "test-web", topics("One"))).Execute(t.Context(), b.user, nil)
	if err != ErrDeclined {
		t.Errorf("got %v", err)
	}
	if got := b.cf.Seen(east, "test-web"); got != nil {
		t.Errorf("it left %+v", got)
	}
}

// Each of CloudFormation's wordings for no changes means unchanged. A secret cannot be compared, so there a change set tells.
func TestNoChangesInEveryWording(t *testing.T) {
	for _, wording := range []string{cloudtest.NoChangesSubmitted, cloudtest.NoChangesUpdates,
		"No changes to deploy. Stack test-web is up to date"} {
		b := newEnvNow(t)
		b.cf.NoChanges = wording
		b.options.Values.Environment = func(name string) (string, bool) { return "https://hooks.example.com/" + name, true }
		web := testStack(east, "test-web",
			`{"Parameters": {"Hook": {"Type": "String", "NoEcho": true}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic", `+
				`"Properties": {"DisplayName": {"Ref": "Hook"}}}}}`,
			func(s *assembly.Stack) {
				s.Parameters["Hook"] = assembly.ValueFrom{Secret: &assembly.Secret{Environment: "SPACEL_WEBHOOK_HOOK"}}
			})
		b.expect(b.deploy(web), "test-web created")
		b.cf.ResetCalls()
		before := b.cf.State()
		b.expect(b.deploy(web), "test-web unchanged")
		if got := b.cf.State(); got != before {
			t.Errorf("%s: before %s\nafter %s", wording, before, got)
		}
		calls := b.cf.Calls()
		delete(calls, "sts:GetCallerIdentity")
		total := 0
		for _, n := range calls {
			total += n
		}
		if total > 4 {
			t.Errorf("%d calls: %v", total, calls)
		}
	}
}

// Secrets stand in no plan.
func TestSecretsAreMasked(t *testing.T) {
	b := newEnv(t)
	secret := "https://hooks.example.com/first"
	b.options.Values.Environment = func(string) (string, bool) { return secret, true }
	template := func(display string) string {
		return `{"Parameters": {"Hook": {"Type": "String", "NoEcho": true}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic", ` +
			`"Properties": {"DisplayName": {"Fn::Sub": "` + display + `${Hook}"}}}}}`
	}
	hook := func(s *assembly.Stack) {
		s.Parameters["Hook"] = assembly.ValueFrom{Secret: &assembly.Secret{Environment: "SPACEL_WEBHOOK_HOOK"}}
	}
	b.deploy(testStack(east, "test-web", template(""), hook))
	secret = "https://hooks.example.com/second"
	d := b.prepared(testStack(east, "test-web", template("new "), hook))
	for _, text := range []string{sprint(d.Plan), sprint(b.events)} {
		if strings.Contains(text, "hooks.example.com") {
			t.Errorf("a secret in %s", text)
		}
	}
	if len(d.Plan.Stacks[0].Changes) != 1 {
		t.Errorf("got %+v", d.Plan.Stacks[0])
	}
}

// Nor do they stand in what is told of a failure, though CloudFormation repeats them.
func TestSecretsAreMaskedInFailures(t *testing.T) {
	b := newEnv(t)
	b.options.Values.Environment = func(string) (string, bool) { return "https://hooks.example.com/secret", true }
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-web", Logical: "Topic", When: cloudtest.Create,
		Reason: "https://hooks.example.com/secret is no address"})
	r := b.deploy(testStack(east, "test-web",
		`{"Parameters": {"Hook": {"Type": "String", "NoEcho": true}}, "Resources": {"Topic": {"Type": "AWS::SNS::Topic", `+
			`"Properties": {"DisplayName": {"Ref": "Hook"}}}}}`,
		func(s *assembly.Stack) {
			s.Parameters["Hook"] = assembly.ValueFrom{Secret: &assembly.Secret{Environment: "SPACEL_WEBHOOK_HOOK"}}
		}))
	b.expect(r, "test-web failed")
	b.says(r.Failures[0].Reason, "**** is no address")
	for _, text := range []string{sprint(r), sprint(r.Failures), sprint(b.events)} {
		if strings.Contains(text, "hooks.example.com") {
			t.Errorf("a secret in %s", text)
		}
	}
}

// The context's end leaves nothing behind either.
func TestInterruptedPreparation(t *testing.T) {
	b := newEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := b.prepareIn(ctx, testStack(east, "test-web", topics("One")))
	if err == nil || d != nil {
		t.Errorf("got %v %v", d, err)
	}
	if got := b.cf.Seen(east, "test-web"); got != nil {
		t.Errorf("it left %+v", got)
	}
}
