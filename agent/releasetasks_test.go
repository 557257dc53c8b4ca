package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
)

const taskUnit = "spacel-task-migrate.service"

// taskMachine is an instance of a release with the task migrate.
type taskMachine struct {
	*bootEnv
	systemd *fakeSystemd
	stops   atomic.Int32 // of the unit
	state   string       // of the machine, as systemctl says it
	refuses error        // of systemctl stop
	lease   time.Duration
}

// oneshot plays a unit that runs for some seconds and ends with a status.
func oneshot(seconds, status int) func(int) UnitState {
	return func(second int) UnitState {
		switch {
		case second < seconds:
			return UnitState{Load: "loaded", Active: "activating", Sub: "start", Type: "oneshot", Result: "success", Queued: true}
		case status != 0:
			return UnitState{Load: "loaded", Active: "failed", Sub: "failed", Type: "oneshot", Result: "exit-code", Status: status}
		}
		return UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Type: "oneshot", Result: "success"}
	}
}

func newTaskMachine(e jobEnv, instance, version string, play func(int) UnitState) *taskMachine {
	e.Helper()
	d := document.Document[string]{
		Format: document.Format, Orbit: "test", App: "web", Region: envRegion, Version: version,
		Signal: document.Signal[string]{Stack: "arn:stack/one", Timeout: 900},
		Tasks:  []document.Task{{Name: "migrate", Definition: "d1", Timeout: 60}},
	}
	m := &taskMachine{bootEnv: newBootEnv(e.T, d), state: "running", lease: 2 * time.Second}
	m.Instance.ID = instance
	m.AWS = &Clients{DynamoDB: e.client}
	m.systemd = &fakeSystemd{started: map[string]time.Time{}, play: map[string]func(int) UnitState{taskUnit: play}}
	m.Machine.Systemd = func(context.Context) (Systemd, error) { return m.systemd, nil }
	m.Machine.Run = func(_ context.Context, name string, args ...string) (string, error) {
		switch {
		case name == "journalctl":
			return "relation users does not exist\nrolled back\n", nil
		case args[0] == "stop":
			m.stops.Add(1)
			return "", m.refuses
		}
		return m.state + "\n", nil
	}
	return m
}

// run runs the tasks with a short lease.
func (m *taskMachine) run(ctx context.Context) error {
	for _, task := range m.Document.Tasks {
		r := taskRun{m.Boot, m.systemd, lock.Table{Client: m.AWS.DynamoDB, Name: document.TableName("test", document.LocksTable),
			Owner: m.Instance.ID + "/x", Lease: m.lease}}
		if err := r.task(ctx, releaseTask{task}); err != nil {
			return fmt.Errorf("%s: %w", task.Name, err)
		}
	}
	return nil
}

// ran reports how often the unit was started.
func (m *taskMachine) ran() (n int) {
	for _, call := range m.systemd.calls {
		if call == "start "+taskUnit {
			n++
		}
	}
	return n
}

// Of all instances of a release one runs the task, and all go on after its end. A later instance does not run it, and neither does one
// of an older version whose task has run. Another version, another definition or a new stack is another release.
func TestOneInstanceRunsATask(t *testing.T) {
	e := newJobEnv(t)
	var wait sync.WaitGroup
	machines := make([]*taskMachine, 4)
	began := time.Now()
	for i := range machines {
		machines[i] = newTaskMachine(e, fmt.Sprint("i-", i), "v1", oneshot(2, 0))
		wait.Go(func() {
			if err := machines[i].run(e.Context()); err != nil {
				t.Errorf("i-%d: %v\n%s", i, err, machines[i].log)
			}
			if took := time.Since(began); took < 2*time.Second {
				t.Errorf("i-%d went on after %s, before the task had ended", i, took)
			}
		})
	}
	wait.Wait()
	total := 0
	for _, m := range machines {
		total += m.ran()
	}
	if total != 1 {
		t.Errorf("the task ran %d times", total)
	}
	for _, c := range []struct {
		version, definition, stack string
		runs                       int
	}{
		{"v2", "d1", "arn:stack/one", 1},
		{"v1", "d1", "arn:stack/one", 0}, // a rollback
		{"v2", "d1", "arn:stack/one", 0}, // a scale-out
		{"v2", "d2", "arn:stack/one", 1},
		{"v2", "d1", "arn:stack/two", 1},
	} {
		m := newTaskMachine(e, "i-later", c.version, oneshot(0, 0))
		m.Document.Tasks[0].Definition, m.Document.Signal.Stack = c.definition, c.stack
		if err := m.run(e.Context()); err != nil || m.ran() != c.runs {
			t.Errorf("%v: ran %d times: %v", c, m.ran(), err)
		}
	}
}

// A failed task fails the boot with its last lines, on the instance that ran it and on the others. It runs again only when its lock was
// given back.
func TestFailedTask(t *testing.T) {
	e := newJobEnv(t)
	m := newTaskMachine(e, "i-1", "v1", oneshot(0, 3))
	wantError(t, m.run(e.Context()), "migrate: the task failed with exit status 3; it wrote: relation users does not exist | rolled back")
	if log := m.log.String(); !strings.Contains(log, "migrate: relation users does not exist") {
		t.Error(log)
	}
	other := newTaskMachine(e, "i-2", "v1", oneshot(0, 0))
	wantError(t, other.run(e.Context()), "migrate: failed on i-1: the task failed with exit status 3; it wrote: relation users",
		"the next spacel deploy runs it again")
	if other.ran() != 0 {
		t.Error("the failed task ran again by itself")
	}
	table := lock.Table{Client: e.client, Name: e.table}
	record, err := table.Read(e.Context(), document.TaskLock("web", "migrate", "v1", "d1", "arn:stack/one"))
	if err != nil || record.State != lock.Failed || record.Instance() != "i-1" {
		t.Fatalf("%s %v", record, err)
	}
	if ok, err := table.Mark(e.Context(), record, lock.Pending, ""); !ok || err != nil {
		t.Fatal(ok, err)
	}
	again := newTaskMachine(e, "i-3", "v1", oneshot(0, 0))
	if err := again.run(e.Context()); err != nil || again.ran() != 1 {
		t.Errorf("%v, ran %d times", err, again.ran())
	}
}

// A task that takes too long, and one of a machine that shuts down, is stopped and has failed. If it cannot be stopped, its end is
// unknown.
func TestStoppedTask(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*taskMachine)
		cancel time.Duration
		want   string
		state  lock.State
		stops  int32
	}{
		"timeout":   {func(m *taskMachine) { m.Document.Tasks[0].Timeout = 1 }, 0, "took longer than its timeout of 1s", lock.Failed, 1},
		"cancelled": {func(*taskMachine) {}, time.Second, "was stopped before its end: the agent ends", lock.Failed, 1},
		"shutdown": {func(m *taskMachine) {
			m.state = "stopping"
			m.systemd.play[taskUnit] = oneshot(1, 0)
		}, 0, "this machine shuts down", lock.Failed, 0},
		"cannot be stopped": {func(m *taskMachine) {
			m.Document.Tasks[0].Timeout, m.refuses = 1, errors.New("no such bus")
		}, 0, "it could not be stopped: no such bus", lock.Unknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := newJobEnv(t)
			m := newTaskMachine(e, "i-1", "v1", oneshot(1000, 0))
			c.change(m)
			ctx, cancel := context.WithCancelCause(e.Context())
			defer cancel(nil)
			if c.cancel > 0 {
				time.AfterFunc(c.cancel, func() { cancel(errors.New("the agent ends")) })
			}
			wantError(t, m.run(ctx), "migrate: the task", c.want)
			record, err := lock.Table{Client: e.client, Name: e.table}.Read(e.Context(),
				document.TaskLock("web", "migrate", "v1", "d1", "arn:stack/one"))
			if err != nil || record.State != c.state || m.stops.Load() != c.stops {
				t.Errorf("%s, stopped %d times: %v", record, m.stops.Load(), err)
			}
		})
	}
}

// A task whose instance died while it ran is repeated by no other instance. Each says what to do.
func TestTaskOfADeadInstance(t *testing.T) {
	e := newJobEnv(t)
	dead := lock.Table{Client: e.client, Name: e.table, Owner: "i-dead/x", Lease: 2 * time.Second}
	_, record, err := dead.Acquire(e.Context(), document.TaskLock("web", "migrate", "v1", "d1", "arn:stack/one"), lock.MustNotAgain,
		func(lock.Record) {})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := dead.Mark(e.Context(), record, lock.Running, ""); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, instance := range []string{"i-1", "i-2"} {
		m := newTaskMachine(e, instance, "v1", oneshot(0, 0))
		wantError(t, m.run(e.Context()), "i-dead/x stopped renewing the lock while the work ran",
			"spacel tasks web --orbit test --mark migrate=done or migrate=failed")
		if m.ran() != 0 {
			t.Errorf("%s ran it again", instance)
		}
	}
}

// A machine that has booted well before asks nobody about its tasks.
func TestTasksAfterARestart(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.Document.Tasks = []document.Task{{Name: "migrate", Timeout: 60}}
	h.Machine.Systemd = func(context.Context) (Systemd, error) { return nil, errors.New("not needed") }
	wantError(t, releaseTasks(t.Context(), h.Boot), "not needed")
	h.saveStatus(Status{Instance: h.Instance.ID, Outcome: Booted, Signal: "SUCCESS"})
	if err := releaseTasks(t.Context(), h.Boot); err != nil {
		t.Error(err)
	}
}

// The tasks' units and variables are on the machine before the tasks run. The boot has more time by their timeouts.
func TestFilesOfTasks(t *testing.T) {
	h := newBootEnv(t, document.Document[string]{})
	h.Document.Version, h.Document.Signal.Timeout = "v7", 900+600
	h.Document.Tasks = []document.Task{
		{Name: "migrate", Timeout: 600, Unit: document.Content{Lines: []string{"ExecStart=run --env-file /files/web.env shop:__VERSION__"}},
			Environment: []document.Variable{{Name: "STEP", Value: "a b"}}},
		{Name: "warm", Unit: document.Content{Lines: []string{"ExecStart=run --env-file /files/spacel-task-warm.env warm"}}},
	}
	h.Document.Environments = map[string][]document.Variable{"spacel-task-warm.env": {{Name: "A", Value: "b c"}}}
	if err := errors.Join(files(t.Context(), h.Boot), environments(t.Context(), h.Boot)); err != nil {
		t.Fatal(err)
	}
	wantText(t, "the unit", h.text("etc/systemd/system/spacel-task-migrate.service"), "ExecStart=run --env-file /files/web.env shop:v7")
	wantText(t, "its variables", h.text("files/spacel-task-migrate.env"), "STEP=a b\n")
	wantText(t, "the other's", h.text("files/spacel-task-warm.env"), "A=b c\n")
	h.wantMode("files/spacel-task-migrate.env", 0o600)
	for _, s := range stages() {
		want := s.deadline
		if s.name == "release tasks" {
			want += 10 * time.Minute
		}
		if got := h.deadlineOf(s); got != want {
			t.Errorf("stage %s has %s, want %s", s.name, got, want)
		}
	}
}
