package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/internal/cloudtest"
)

// A failure stops what depends on it, and nothing else.
func TestFailureStopsItsDependentsOnly(t *testing.T) {
	b := newEnv(t)
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-vpc", Logical: "Vpc", When: cloudtest.Create, Reason: "no more VPCs"})
	stacks := []built{
		testStack(west, "test-vpc", topics("Vpc")),
		testStack(west, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc")),
		testStack(east, "test-client", reader("Web"), output("Web", "test-web", "Topic", false), after("test-web")),
		testStack(east, "test-tables", topics("Users")),
		testStack(east, "test-vpc", topics("Vpc")),
		testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc")),
	}
	r := b.deploy(stacks...)
	b.expect(r, "test-vpc created, test-web created, test-client skipped, test-tables created, test-vpc failed, test-web skipped")
	if r.OK() {
		t.Error("the result is OK")
	}
	if got, want := r.Stacks[2].Why, "needs us-east-1/test-web, which was skipped"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if b.cf.Seen(east, "test-vpc") != nil {
		t.Error("the failed creation left a stack behind")
	}
	b.expect(b.deploy(stacks...),
		"test-vpc unchanged, test-web unchanged, test-client created, test-tables unchanged, test-vpc created, test-web created")
}

// Two apps that name each other: neither can be first.
func TestSecondPass(t *testing.T) {
	b := newEnv(t)
	one := testStack(east, "test-one", reader("Other"), output("Other", "test-two", "Topic", true))
	two := testStack(east, "test-two", reader("Other"), output("Other", "test-one", "Topic", true))
	r := b.deploy(one, two)
	b.expect(r, "test-one created, test-two created")
	if len(r.Warnings) > 0 {
		t.Errorf("warnings: %v", r.Warnings)
	}
	for _, name := range []string{"test-one", "test-two"} {
		if got := b.cf.Seen(east, name).Parameters["Other"]; got == "" {
			t.Errorf("%s does not know the other", name)
		}
	}
	b.expect(b.deploy(one, two), "test-one unchanged, test-two unchanged")
}

func TestOptionalOutputThatIsNotThereIsAWarning(t *testing.T) {
	b := newEnv(t)
	one := testStack(east, "test-one", reader("Other"), output("Other", "test-two", "Topic", true))
	d := b.prepared(one)
	if len(d.Plan.Warnings) != 1 {
		t.Fatalf("got %v", d.Plan.Warnings)
	}
	b.says(d.Plan.Warnings[0], "us-east-1/test-one", "test-two")
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil || !slices.Equal(r.Warnings, d.Plan.Warnings) {
		t.Errorf("got %v %v", r, err)
	}
	b.expect(b.deploy(testStack(east, "test-two", topics("Topic"))), "test-two created")
	b.expect(b.deploy(one), "test-one updated")
}

// A change of an output reaches who takes it in the same run, also one that had nothing to change itself.
func TestChangedOutputReachesDependents(t *testing.T) {
	b := newEnv(t)
	named := func(name string) string {
		return `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "` + name +
			`"}}}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}`
	}
	web := testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Topic", false), after("test-vpc"))
	b.deploy(testStack(east, "test-vpc", named("one")), web)
	d := b.prepared(testStack(east, "test-vpc", named("two")), web)
	if got := d.Plan.Stacks[1].Action; got != None {
		t.Errorf("planned %s", got)
	}
	r, err := d.Execute(t.Context(), b.user, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(r, "test-vpc updated, test-web updated")
	if got := b.cf.Seen(east, "test-web").Parameters["VpcId"]; got != "two" {
		t.Errorf("got %s, want two", got)
	}
}

// A dependency that is not in the run must be deployed. It is not deployed silently.
func TestDependencyOutsideOfTheRun(t *testing.T) {
	b := newEnv(t)
	b.options.Stacks = []string{"test-web"}
	vpc := testStack(east, "test-vpc", topics("Vpc"))
	web := testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc"))
	_, err := b.prepare(vpc, web)
	if err == nil {
		t.Fatal("it was not refused")
	}
	b.says(err.Error(), "us-east-1/test-web needs us-east-1/test-vpc, which is not deployed")
	if got := b.cf.Seen(east, "test-web"); got != nil {
		t.Errorf("it left %+v", got)
	}
	b.options.Stacks = []string{"us-east-1/test-vpc"}
	b.expect(b.deploy(vpc, web), "test-vpc created")
	b.options.Stacks, b.options.Apps = nil, []string{"web"}
	b.expect(b.deploy(vpc, web), "test-web created")
}

func TestSelectionThatNamesNothing(t *testing.T) {
	b := newEnv(t)
	b.options.Stacks, b.options.Apps, b.options.Regions = []string{"test-wbe"}, []string{"wbe"}, []string{"us-west-2"}
	_, err := b.prepare(testStack(east, "test-web", topics("Topic")))
	if err == nil {
		t.Fatal("it was taken")
	}
	b.says(err.Error(), "--stack test-wbe", "choose from test-web", "--app wbe", "--region us-west-2", "choose from us-east-1")
}

// All that stands in the way is said at once, before anything changes.
func TestPreflightSaysAll(t *testing.T) {
	b := newEnv(t)
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-web", Status: "CREATE_COMPLETE", Template: topics("Topic"),
		Tags: map[string]string{document.TagOrbit: "other", document.TagApp: "web"}})
	b.cf.Put(t, cloudtest.Stack{Region: east, Name: "test-job", Status: "ROLLBACK_COMPLETE", Template: topics("Topic")})
	before := b.cf.Everything()
	_, err := b.prepare(
		testStack(west, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false)),
		testStack(east, "test-fine", topics("Topic")),
		testStack(east, "test-job", topics("Topic")),
		testStack(east, "test-long", reader("Text"), literal("Text", strings.Repeat("x", 5000))),
		testStack(east, "test-web", topics("Topic")),
	)
	problems, ok := err.(*Problems)
	if !ok {
		t.Fatalf("got %v", err)
	}
	b.says(err.Error(),
		`us-east-1/test-web: a stack with this name already exists and does not belong to orbit test and app web: its tags are `+
			`spacel:orbit="other", spacel:app="web"`, "us-east-1/test-job: a stack with this name",
		"eu-west-1/test-web needs eu-west-1/test-vpc, which is not deployed",
		"us-east-1/test-long: parameter Text: its value is 5000 bytes")
	if len(problems.List) != 5 { // the missing stack is said of the stack, and of the value
		t.Errorf("got %d problems: %v", len(problems.List), err)
	}
	if got := b.cf.Everything(); got != before {
		t.Error("something changed")
	}
}

// What only the values tell is said too.
func TestPreflightSaysAllOfValues(t *testing.T) {
	b := newEnv(t)
	_, err := b.prepare(
		testStack(west, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false)),
		testStack(east, "test-long", reader("Text"), literal("Text", strings.Repeat("x", 5000))),
	)
	if err == nil {
		t.Fatal("it was taken")
	}
	b.says(err.Error(), "eu-west-1/test-web needs eu-west-1/test-vpc, which is not deployed", "parameter Text: its value is 5000 bytes")
}

// Someone else's operation is waited for, and said.
func TestWaitsForAnother(t *testing.T) {
	b := newEnv(t)
	web := testStack(east, "test-web", topics("One"))
	b.deploy(web)
	first := b.prepared(testStack(east, "test-web", topics("One", "Two")))
	second := b.prepared(testStack(east, "test-web", topics("One", "Three")))
	b.cf.Hold(east, "test-web")
	done := make(chan *Result)
	go func() {
		r, _ := first.Execute(t.Context(), b.user, nil)
		done <- r
	}()
	b.until(func() bool { return b.cf.Seen(east, "test-web").Status == types.StackStatusUpdateInProgress })
	go func() {
		r, _ := second.Execute(t.Context(), b.user, nil)
		done <- r
	}()
	b.until(func() bool { return len(b.told(activity.Waiting)) > 0 })
	b.cf.Release(east, "test-web")
	for range 2 {
		b.expect(<-done, "test-web updated")
	}
	b.says(b.told(activity.Waiting)[0], "UPDATE_IN_PROGRESS since", "begun by another spacel, of test")
	seen := b.cf.Seen(east, "test-web")
	if seen.Outputs["Three"] == "" || seen.Outputs["Two"] != "" || len(seen.ChangeSets) > 0 {
		t.Errorf("got %+v", seen)
	}
}

// Two that create the same at once.
func TestTwoCreateAtOnce(t *testing.T) {
	b := newEnv(t)
	stacks := []built{testStack(east, "test-vpc", topics("Vpc")),
		testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc"))}
	first, second := b.prepared(stacks...), b.prepared(stacks...)
	done := make(chan *Result)
	for _, d := range []*Deployment{first, second} {
		go func() {
			r, err := d.Execute(t.Context(), b.user, nil)
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
	}
	for range 2 {
		if r := <-done; !r.OK() {
			t.Errorf("got %s %+v", outcomes(r), r.Failures)
		}
	}
	b.expect(b.deploy(stacks...), "test-vpc unchanged, test-web unchanged")
	if seen := b.cf.Seen(east, "test-web"); len(seen.ChangeSets) > 0 {
		t.Errorf("left %v", seen.ChangeSets)
	}
}

func (b *deployEnv) until(done func() bool) {
	b.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			b.Error("it never came to that")
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// The queue gives the stacks their turns in their order, no more at a time than asked for.
func TestConcurrency(t *testing.T) {
	b := newEnv(t)
	b.options.Concurrency = 1
	var stacks []built
	for _, name := range []string{"test-a", "test-b", "test-c"} {
		stacks = append(stacks, testStack(east, name, topics("Topic")))
	}
	b.deploy(stacks...)
	var got []string
	for _, e := range b.events {
		if e.Kind == activity.Started || e.Kind == activity.Done {
			got = append(got, string(e.Kind)+" "+e.Stack)
		}
	}
	want := []string{"started test-a", "done test-a", "started test-b", "done test-b", "started test-c", "done test-c"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCircleOfStacksEnds(t *testing.T) {
	b := newEnv(t)
	one := testStack(east, "test-one", topics("Topic"), after("test-two"))
	two := testStack(east, "test-two", topics("Topic"), after("test-one"))
	r := b.deploy(one, two)
	b.expect(r, "test-one skipped, test-two skipped")
	b.says(r.Stacks[0].Why, "waits for us-east-1/test-two, which waits for it")
	if b.cf.Seen(east, "test-one") != nil {
		t.Error("it left a stack behind")
	}
}
