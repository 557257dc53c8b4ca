package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/tasks"
	"github.com/pebble/spacel/internal/cloudtest"
)

var migrate = assembly.ReleaseTask{Name: "migrate", Region: east, Definition: "d1"}

// tasked is a release of an app in a region, with the task migrate, which runs in the east.
func tasked(region, version string) built {
	release := &assembly.Release{Tasks: []assembly.ReleaseTask{migrate}}
	made := scalable("rolling", "ami-"+version, func(s *assembly.Stack) {
		s.Parameters[document.ParameterVersion] = assembly.ValueFrom{Literal: &version}
		s.Region, s.Template, s.Release = region, region+"/test-web.template.json", release
		if region != east {
			s.DependsOn = append(s.DependsOn, assembly.StackRef{Region: east, Name: "test-web"})
		}
	})
	made.template = strings.Replace(made.template, `{"Parameters": {`, `{"Parameters": {"Version": {"Type": "String"}, `, 1)
	sum := sha256.Sum256([]byte(made.template))
	made.Digest = hex.EncodeToString(sum[:])
	return made
}

// taskEnv is an account with the tables of locks of two regions.
type taskEnv struct {
	*deployEnv
	clients map[string]*dynamodb.Client
}

func newTaskEnv(t *testing.T) taskEnv {
	e := taskEnv{newEnv(t), map[string]*dynamodb.Client{}}
	e.cf.Forward(cloudtest.Moto(t))
	for _, region := range []string{east, west} {
		e.clients[region] = dynamodb.NewFromConfig(cloudtest.Config(t, e.cf.URL, region))
		cloudtest.MakeTable(t, e.clients[region], document.TableName("test", document.LocksTable), document.LockName)
	}
	return e
}

// instance runs the task of a version as an instance of the stack in the east does.
func (e taskEnv) instance(version string, end lock.Result) {
	e.Helper()
	table := lock.Table{Client: e.clients[east], Name: document.TableName("test", document.LocksTable), Owner: "i-1/x", Lease: time.Minute}
	name := document.TaskLock("web", "migrate", version, "d1", e.stackID())
	held, record, err := table.Acquire(e.Context(), name, lock.MustNotAgain, func(lock.Record) {})
	switch {
	case err != nil:
		e.Fatal(err)
	case end.State == lock.Running: // the instance dies
		if ok, err := table.Mark(e.Context(), record, lock.Running, ""); !ok || err != nil {
			e.Fatal(ok, err)
		}
	case held == nil:
		e.Fatalf("nothing to run: %s", record)
	default:
		if err := held.Run(e.Context(), func(context.Context) lock.Result { return end }); err != nil {
			e.Fatal(err)
		}
	}
}

// stackID returns the id of the stack in the east.
func (e taskEnv) stackID() string {
	e.Helper()
	s, err := live.New(e.account()).Get(e.Context(), assembly.StackRef{Region: east, Name: "test-web"})
	if err != nil || s == nil {
		e.Fatal(s, err)
	}
	return s.ID
}

// account returns the account as deploy sees it.
func (e taskEnv) account() *cloud.Cloud { return cloud.New(e.cf.Config(e.T, ""), cloud.Access{}) }

// region returns the client of a region as deploy makes it.
func (e taskEnv) region(name string) *cloud.Region { return e.account().Region(name) }

// planned returns what the plan says of the task in the first stack.
func (e taskEnv) planned(stacks ...built) string {
	e.Helper()
	d := e.prepared(stacks...)
	defer func() { _ = d.Discard(e.Context()) }()
	var all []string
	for _, s := range d.Plan.Stacks {
		for _, t := range s.Tasks {
			all = append(all, s.Region+": "+t.Text)
		}
	}
	return strings.Join(all, "\n")
}

// The plan says what happens to a task. One that ended well does not run again, and one that failed runs again with the next deploy.
func TestTasksInThePlan(t *testing.T) {
	e := newTaskEnv(t)
	e.says(e.planned(tasked(east, "v1")), "us-east-1: the task migrate runs for version v1, before new instances serve")
	e.expect(e.deploy(tasked(east, "v1")), "test-web created")
	e.instance("v1", lock.Result{State: lock.Done})
	e.says(e.planned(tasked(east, "v2")), "the task migrate runs for version v2")
	e.instance("v2", lock.Result{State: lock.Failed, Note: "exit status 3"})
	e.says(e.planned(tasked(east, "v2")), "the task migrate runs again for version v2: it failed on i-1: exit status 3")
	if _, record := e.task("v2"); record != lock.Failed {
		t.Error("a plan gives no lock back")
	}
	e.expect(e.deploy(tasked(east, "v2")), "test-web updated")
	e.instance("v2", lock.Result{State: lock.Done})
	e.says(e.planned(tasked(east, "v1")), "the task migrate has ended well for version v1, and does not run again")
}

// task reads the task of a version.
func (e taskEnv) task(version string) (tasks.Task, lock.State) {
	e.Helper()
	found, err := tasks.Read(e.Context(), e.region(east), "test", "web", migrate, version, e.stackID())
	if err != nil {
		e.Fatal(err)
	}
	return found, found.State
}

// An update with a task whose end is unknown is refused, until somebody says how it ended.
func TestTaskOfUnknownEnd(t *testing.T) {
	e := newTaskEnv(t)
	e.deploy(tasked(east, "v1"))
	e.instance("v2", lock.Result{State: lock.Unknown, Note: "i-1 died"})
	_, err := e.prepare(tasked(east, "v2"))
	if err == nil {
		t.Fatal("it is not refused")
	}
	e.says(err.Error(), "us-east-1/test-web: nobody knows how the task migrate of version v2 ended (unknown on i-1: i-1 died)",
		"spacel tasks web --orbit test --region us-east-1 --mark migrate=done, or migrate=failed")
	found, _ := e.task("v2")
	if err := tasks.Mark(t.Context(), e.region(east), "test", found, lock.Failed, "marked"); err != nil {
		t.Fatal(err)
	}
	if err := tasks.Mark(t.Context(), e.region(east), "test", found, lock.Done, ""); err == nil {
		t.Error("a second answer to the same question is accepted")
	}
	e.expect(e.deploy(tasked(east, "v2")), "test-web updated")
	if _, state := e.task("v2"); state != lock.Pending {
		t.Errorf("the lock is %s, not given back", state)
	}
	e.deploy(tasked(east, "v3"))
	e.instance("v4", lock.Result{State: lock.Running})
	found, _ = e.task("v4")
	if !found.IsRunning() || found.IsOpen() {
		t.Errorf("%+v", found)
	}
	if found.Until = found.Until.Add(-time.Hour); found.IsRunning() || !found.IsOpen() {
		t.Errorf("%+v", found)
	}
}

// A region in which the task does not run comes after the region in which it does. Alone it is deployed when the task has ended well
// there.
func TestTaskOfAnotherRegion(t *testing.T) {
	e := newTaskEnv(t)
	e.expect(e.deploy(tasked(east, "v1"), tasked(west, "v1")), "test-web created, test-web created")
	e.says(e.planned(tasked(east, "v2"), tasked(west, "v2")), "eu-west-1: the task migrate of version v2 runs in us-east-1 only")
	e.options.Regions = []string{west}
	_, err := e.prepare(tasked(east, "v2"), tasked(west, "v2"))
	if err == nil {
		t.Fatal("it is not refused")
	}
	e.says(err.Error(), "eu-west-1/test-web: the task migrate runs in us-east-1 only, and has not ended well there for version v2: "+
		"deploy us-east-1/test-web first, or together with this")
	if err := tasks.Skip(t.Context(), e.region(east), "test", "web", migrate, "v2", e.stackID(), "rollback"); err != nil {
		t.Fatal(err)
	}
	e.says(e.planned(tasked(east, "v2"), tasked(west, "v2")), "runs in us-east-1 only, where it has ended well")
}

// A rollback to a version whose task never ran in this stack runs it nowhere. The end of a deployment says which tasks ran, and how.
func TestTasksOfARollback(t *testing.T) {
	e := newTaskEnv(t)
	e.deploy(tasked(east, "v1"))
	e.instance("v1", lock.Result{State: lock.Done})
	ran := false
	e.listeners = append(e.listeners, func(ev activity.Event) {
		if ev.Kind == activity.Started && !ran {
			ran = true
			e.instance("v2", lock.Result{State: lock.Done})
		}
	})
	r := e.deploy(tasked(east, "v2"))
	e.listeners = nil
	if got := r.Stacks[0].Tasks; len(got) != 1 || got[0].State != lock.Done || got[0].Version != "v2" || got[0].Instance != "i-1" {
		t.Errorf("got %+v", got)
	}
	e.options.Rollback = &Rollback{}
	e.says(e.planned(tasked(east, "v0")), "the task migrate does not run: it is not undone either")
	r = e.deploy(tasked(east, "v0"))
	e.expect(r, "test-web updated")
	if found, state := e.task("v0"); state != lock.Done || found.Note != "not run: a rollback" || len(r.Stacks[0].Tasks) != 0 {
		t.Errorf("%+v, %+v", found, r.Stacks[0].Tasks)
	}
}

// The record of a release says which tasks ran, and how they ended.
func TestTasksInTheRecord(t *testing.T) {
	p := &part{result: StackResult{Tasks: []tasks.Task{
		{Name: "migrate", State: lock.Done}, {Name: "warm", State: lock.Failed}, {Name: "cut", State: lock.Running},
	}}}
	want := []history.Task{{Name: "migrate", Outcome: "done"}, {Name: "warm", Outcome: "failed"}, {Name: "cut", Outcome: "unknown"}}
	if got := p.ranTasks(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
