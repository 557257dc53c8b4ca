package destroy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

const (
	east = "us-east-1"
	west = "eu-west-1"
)

// The templates are the orbit's and two apps' in small: both have a group, and a rule for the other's if it is there.
const (
	vpcTemplate = `{"Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}, "Address": {"Type": "AWS::EC2::EIP"}},
  "Outputs": {"VpcId": {"Value": {"Ref": "Vpc"}}, "Port": {"Value": "5432"}}}`
	tablesTemplate = `{"Resources": {"Users": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": ` +
		`{"TableName": "test-users"}}}}`
	appTemplate = `{
  "Parameters": {"VpcId": {"Type": "String"}, "Other": {"Type": "String", "Default": ""}, "Port": {"Type": "String", "Default": "5432"}},
  "Conditions": {"HasOther": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Other"}, ""]}]}},
  "Resources": {
    "Sg": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "VpcId"}}},
    "Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Condition": "HasOther", "Properties": {"SourceSecurityGroupId": {"Ref": "Other"}}},
    "Main": {"Type": "AWS::RDS::DBInstance"}
  },
  "Outputs": {"SecurityGroup": {"Value": {"Fn::GetAtt": ["Sg", "GroupId"]}}}}`
)

// destroyEnv is an account with stacks to destroy.
type destroyEnv struct {
	*testing.T
	cf     *cloudtest.CloudFormation
	cloud  *cloud.Cloud
	mu     sync.Mutex
	events []activity.Event
	leave  bool // the answer
	asked  int
}

func newEnv(t *testing.T) *destroyEnv {
	t.Parallel()
	cf := cloudtest.NewCloudFormation(t)
	return &destroyEnv{T: t, cf: cf, cloud: cloud.New(cf.Config(t, east), cloud.Access{})}
}

func (b *destroyEnv) LeaveBehind(context.Context, assembly.StackRef, []live.FailedResource) (bool, error) {
	b.asked++
	return b.leave, nil
}

func (b *destroyEnv) listen(e activity.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

func (b *destroyEnv) put(region, name, app, template string, parameters map[string]string,
	with ...func(*cloudtest.Stack)) map[string]string {
	b.Helper()
	s := cloudtest.Stack{Region: region, Name: name, Status: types.StackStatusCreateComplete, Template: template, Parameters: parameters,
		Tags: tags(app)}
	for _, each := range with {
		each(&s)
	}
	b.cf.Put(b, s)
	stack, err := live.New(b.cloud).Get(b.Context(), assembly.StackRef{Region: region, Name: name})
	if err != nil {
		b.Fatal(err)
	}
	return stack.Outputs
}

func tags(app string) map[string]string {
	out := map[string]string{document.TagOrbit: "test"}
	if app != "" {
		out[document.TagApp] = app
	}
	return out
}

// orbit is an orbit in one region with two apps, where right names left.
func (b *destroyEnv) orbit(region string) {
	vpc := b.put(region, "test-vpc", "", vpcTemplate, nil)
	b.put(region, "test-tables", "", tablesTemplate, nil)
	left := b.put(region, "test-left", "left", appTemplate, map[string]string{"VpcId": vpc["VpcId"]},
		func(s *cloudtest.Stack) { s.Protected = true })
	b.put(region, "test-right", "right", appTemplate, map[string]string{"VpcId": vpc["VpcId"], "Other": left["SecurityGroup"]})
}

func (b *destroyEnv) plan(scope Scope) *Plan {
	b.Helper()
	p, err := b.tryPlan(scope)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func (b *destroyEnv) tryPlan(scope Scope) (*Plan, error) {
	scope.Orbit = "test"
	if scope.Search == nil {
		scope.Search = []string{east, west}
	}
	return Prepare(b.Context(), b.cloud, live.New(b.cloud), scope)
}

func (b *destroyEnv) execute(p *Plan, with ...func(*activity.Control)) (*Result, error) {
	control := activity.NewControl()
	for _, each := range with {
		each(control)
	}
	return p.Execute(b.Context(), b.cloud, live.New(b.cloud), Options{Poll: time.Millisecond}, b, control, b.listen)
}

func (b *destroyEnv) done(p *Plan) *Result {
	b.Helper()
	r, err := b.execute(p)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func namesOf(p *Plan) string {
	var names []string
	for _, s := range p.Stacks {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func outcomes(r *Result) string {
	var all []string
	for _, s := range r.Stacks {
		all = append(all, s.Name+" "+string(s.Outcome))
	}
	return strings.Join(all, ", ")
}

// sequence is which stacks began to be deleted, in order.
func (b *destroyEnv) sequence() []string {
	var names []string
	for _, e := range b.events {
		if e.Kind == activity.Started && e.Status == "delete" {
			names = append(names, e.Stack)
		}
	}
	return names
}

func TestWholeOrbit(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	p := b.plan(Scope{})
	if got := namesOf(p); got != "test-right test-left test-tables test-vpc" {
		t.Errorf("the order is %s", got)
	}
	if p.Name != "test" || len(p.Unbind) != 0 || !p.Stacks[1].Protected {
		t.Errorf("%+v", p)
	}
	if kept := p.Stacks[2].Kept; len(kept) != 1 || kept[0].PhysicalID != "test-users" || kept[0].Policy != "Retain" {
		t.Errorf("kept of the tables: %+v", kept)
	}
	if kept := p.Stacks[0].Kept; len(kept) != 1 || kept[0].LogicalID != "Main" || kept[0].Policy != "Snapshot" {
		t.Errorf("kept of the app: %+v", kept)
	}
	if lost := p.Stacks[3].Lost; len(lost) != 1 || lost[0].LogicalID != "Address" {
		t.Errorf("lost: %+v", lost)
	}
	r := b.done(p)
	if !r.OK() {
		t.Errorf("%+v", r)
	}
	if got := b.sequence(); slices.Index(got, "test-right") > slices.Index(got, "test-left") || got[3] == "test-right" ||
		slices.Index(got, "test-vpc") < 2 {
		t.Errorf("deleted in the order %v", got)
	}
	if retained := strings.Join(b.cf.Retained(), " "); !strings.Contains(retained, "test-users") || len(b.cf.Snapshots()) != 2 {
		t.Errorf("retained %v, snapshots %v", retained, b.cf.Snapshots())
	}
	if again := b.plan(Scope{}); len(again.Stacks) != 0 {
		t.Errorf("a second time there is %v", namesOf(again))
	}
}

// Right lives on when left goes, without its rule for it.
func TestUnbindsOthers(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	p := b.plan(Scope{Apps: []string{"left"}})
	if len(p.Stacks) != 1 || p.Name != "left" || len(p.Unbind) != 1 {
		t.Fatalf("%+v", p)
	}
	if u := p.Unbind[0]; u.Name != "test-right" || fmt.Sprint(u.Parameters, u.From) != "[Other] [us-east-1/test-left]" {
		t.Errorf("%+v", u)
	}
	if r := b.done(p); !r.OK() {
		t.Errorf("%+v", r)
	}
	right := b.cf.Seen(east, "test-right")
	if right.Parameters["Other"] != "" || right.Parameters["VpcId"] == "" || right.Resources["Rule"] != "" ||
		right.Tags[document.TagApp] != "right" {
		t.Errorf("right is %+v", right)
	}
	if b.cf.Seen(east, "test-left") != nil || b.cf.Seen(east, "test-vpc") == nil {
		t.Error("the wrong stacks are gone")
	}
}

// Two apps that name each other: neither could go first.
func TestMutual(t *testing.T) {
	b := newEnv(t)
	vpc := b.put(east, "test-vpc", "", vpcTemplate, nil)
	left := b.put(east, "test-left", "left", appTemplate, map[string]string{"VpcId": vpc["VpcId"], "Other": "sg-of-right"})
	b.put(east, "test-right", "right", appTemplate, map[string]string{"VpcId": vpc["VpcId"], "Other": left["SecurityGroup"]},
		func(s *cloudtest.Stack) { s.Outputs = map[string]string{"SecurityGroup": "sg-of-right"} })
	p := b.plan(Scope{})
	if got := namesOf(p); got != "test-left test-right test-vpc" || len(p.Unbind) != 1 || p.Unbind[0].Name != "test-right" {
		t.Errorf("order %s, unbind %+v", got, p.Unbind)
	}
	if r := b.done(p); !r.OK() {
		t.Errorf("%+v", r)
	}
}

// What cannot be without what goes is named, and nothing changes.
func TestRefusesDependents(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	vpc, err := live.New(b.cloud).Get(t.Context(), assembly.StackRef{Region: east, Name: "test-vpc"})
	if err != nil {
		t.Fatal(err)
	}
	b.put(west, "test-far", "far", appTemplate, map[string]string{"VpcId": vpc.Outputs["VpcId"]})
	before := b.cf.Everything()
	_, err = b.tryPlan(Scope{Regions: []string{east}})
	if err == nil || !strings.Contains(err.Error(), "eu-west-1/test-far takes its parameter VpcId from it") {
		t.Errorf("got %v", err)
	}
	_, err = b.tryPlan(Scope{Names: []string{"us-east-1/test-tables"}})
	if err == nil || !strings.Contains(err.Error(), "us-east-1/test-left is in it") {
		t.Errorf("got %v", err)
	}
	if b.cf.Everything() != before {
		t.Error("something changed")
	}
}

func TestAnothersStack(t *testing.T) {
	b := newEnv(t)
	b.put(east, "test-web", "", vpcTemplate, nil, func(s *cloudtest.Stack) { s.Tags = nil })
	_, err := b.tryPlan(Scope{Stacks: []assembly.Stack{{Region: east, Name: "test-web", App: "web"}}})
	if err == nil || !strings.Contains(err.Error(), "us-east-1/test-web does not belong to orbit test") {
		t.Errorf("got %v", err)
	}
}

// Every state that a stack can be in, and goes from.
func TestStates(t *testing.T) {
	for _, status := range types.StackStatus("").Values() {
		if status == types.StackStatusDeleteComplete {
			continue
		}
		t.Run(string(status), func(t *testing.T) {
			b := newEnv(t)
			b.put(east, "test-web", "web", vpcTemplate, nil, func(s *cloudtest.Stack) {
				s.Status, s.Protected = status, true
				switch {
				case status == types.StackStatusReviewInProgress:
					s.Template = ""
				case status == types.StackStatusDeleteInProgress:
					s.Then, s.After = types.StackStatusDeleteComplete, 20*time.Millisecond
				case strings.HasSuffix(string(status), "_IN_PROGRESS"):
					s.Then, s.After = types.StackStatusUpdateComplete, 20*time.Millisecond
				}
			})
			p := b.plan(Scope{})
			if r := b.done(p); !r.OK() {
				t.Errorf("%+v", r)
			}
			if seen := b.cf.Seen(east, "test-web"); seen != nil {
				t.Errorf("it is %v", seen.History)
			}
		})
	}
}

func (b *destroyEnv) stuck(always bool) {
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-vpc", Logical: "Vpc", When: cloudtest.Delete, Reason: "has dependencies",
		Always: always})
}

func TestDeletionIsTriedAgain(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	b.stuck(false)
	if r := b.done(b.plan(Scope{})); !r.OK() || b.asked != 0 {
		t.Errorf("%s, asked %d times", outcomes(r), b.asked)
	}
}

func TestDeletionFails(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	b.stuck(true)
	r := b.done(b.plan(Scope{}))
	if got := outcomes(r); got != "test-right deleted, test-left deleted, test-tables deleted, test-vpc failed" || b.asked != 1 {
		t.Errorf("%s, asked %d times", got, b.asked)
	}
	if failed := r.Stacks[3].Failed; len(failed) != 1 || failed[0].LogicalID != "Vpc" || failed[0].Reason != "has dependencies" {
		t.Errorf("%+v", r.Stacks[3])
	}
	b.leave = true // and again, with another answer
	r = b.done(b.plan(Scope{}))
	if behind := r.Stacks[0].Behind; !r.OK() || len(behind) != 1 || behind[0].PhysicalID == "" {
		t.Errorf("%+v", r)
	}
}

// What a failed stack depends on stays, the rest goes.
func TestFailureStopsWhatItDependsOn(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	b.cf.Fail(cloudtest.Failure{Region: east, Stack: "test-right", Logical: "Sg", When: cloudtest.Delete, Reason: "in use", Always: true})
	r := b.done(b.plan(Scope{}))
	if got := outcomes(r); got != "test-right failed, test-left skipped, test-tables skipped, test-vpc skipped" {
		t.Error(got)
	}
	if why := r.Stacks[3].Why; why != "us-east-1/test-left is still there" {
		t.Error(why)
	}
}

func TestDetachWhileUnbinding(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	b.cf.Hold(east, "test-right")
	p := b.plan(Scope{Apps: []string{"left"}})
	_, err := b.execute(p, func(c *activity.Control) { time.AfterFunc(50*time.Millisecond, c.Detach) })
	if err == nil {
		t.Error("it was not detached")
	}
	if b.cf.Seen(east, "test-left").Status != types.StackStatusCreateComplete {
		t.Error("left was touched")
	}
}

func TestDetach(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	b.cf.Hold(east, "test-right")
	p := b.plan(Scope{})
	r, err := b.execute(p, func(c *activity.Control) { time.AfterFunc(50*time.Millisecond, c.Detach) })
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(r); got != "test-right detached, test-left skipped, test-tables skipped, test-vpc skipped" {
		t.Error(got)
	}
	b.cf.Release(east, "test-right")
	if r := b.done(b.plan(Scope{})); !r.OK() {
		t.Errorf("the second run: %s", outcomes(r))
	}
}

// After a stop what runs is followed, and nothing begins.
func TestStop(t *testing.T) {
	b := newEnv(t)
	b.orbit(east)
	b.cf.Step = 20 * time.Millisecond
	p := b.plan(Scope{})
	r, err := b.execute(p, func(c *activity.Control) { time.AfterFunc(20*time.Millisecond, c.Stop) })
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(r); got != "test-right deleted, test-left skipped, test-tables skipped, test-vpc skipped" {
		t.Error(got)
	}
}

// A chance match of values closes no circle.
func TestChance(t *testing.T) {
	edges := []edge{
		{from: ref("a"), to: ref("b")}, {from: ref("b"), to: ref("c")}, {from: ref("c"), to: ref("a")},
		{from: ref("d"), to: ref("a"), parameter: "P", optional: true},
	}
	o, unbind, err := orderDeletions(edges, map[assembly.StackRef]bool{ref("a"): true, ref("b"): true, ref("c"): true})
	if err != nil || fmt.Sprint(o.sorted) != "[r/a r/b r/c]" || len(unbind) != 1 {
		t.Errorf("%v, %v, %v", o.sorted, unbind, err)
	}
	if !identifies("sg-0123") || !identifies("1.2.3.4") || identifies("5432") || identifies("443") || identifies("") ||
		identifies(live.Masked) {
		t.Error("identifies")
	}
}

func ref(name string) assembly.StackRef { return assembly.StackRef{Region: "r", Name: name} }

func TestNames(t *testing.T) {
	own, app := assembly.Stack{Name: "test-vpc"}, assembly.Stack{Name: "test-web", App: "web"}
	for want, scope := range map[string]Scope{
		"test":  {Orbit: "test"},
		"web":   {Orbit: "test", Stacks: []assembly.Stack{app, app}},
		"test ": {Orbit: "test ", Stacks: []assembly.Stack{own, app}},
		"a,b":   {Orbit: "test", Apps: []string{"b", "a"}},
		"r/s":   {Orbit: "test", Names: []string{"r/s"}, Apps: []string{"a"}},
		"a":     {Orbit: "test", Stacks: []assembly.Stack{own, app}, Apps: []string{"a"}},
	} {
		if got := scope.name(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
