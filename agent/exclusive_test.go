package agent

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/internal/cloudtest"
)

// The lock of a firing has the planned time, whenever an instance's timer fired, and as the schedule's clocks show it.
func TestNameOfAFiring(t *testing.T) {
	for _, c := range []struct{ schedule, fired, want string }{
		{"daily UTC", "2026-12-01T00:00:00.3Z", "web/report.service/2026-12-01T00:00:00 UTC"},
		{"daily UTC", "2026-12-01T00:00:42Z", "web/report.service/2026-12-01T00:00:00 UTC"},
		{"03:00 Europe/Berlin", "2026-12-01T02:00:01Z", "web/report.service/2026-12-01T03:00:00 Europe/Berlin"},
		{"*:0/15 UTC", "2026-12-01T02:29:59Z", "web/report.service/2026-12-01T02:15:00 UTC"},
		{"2050-01-01 UTC", "2026-12-01T02:29:59Z", "error: report.service has not been due yet"},
		{"never", "2026-12-01T02:29:59Z", `error: the schedule "never"`},
	} {
		fired, _ := time.Parse(time.RFC3339Nano, c.fired)
		got, err := Job{Unit: "report.service", Schedule: c.schedule}.firing("web", fired)
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s at %s: %s, want %s", c.schedule, c.fired, got, c.want)
		}
	}
}

// systemd's variable says when the timer fired. Without it, it is now.
func TestTimeOfAFiring(t *testing.T) {
	t.Setenv("TRIGGER_TIMER_REALTIME_USEC", "1798761600000001")
	if got := triggered().UTC().Format(time.RFC3339Nano); got != "2027-01-01T00:00:00.000001Z" {
		t.Error(got)
	}
	for _, odd := range []string{"", "x", "-5", "0"} {
		t.Setenv("TRIGGER_TIMER_REALTIME_USEC", odd)
		if since := time.Since(triggered()); since > time.Minute || since < 0 {
			t.Errorf("%q: %s ago", odd, since)
		}
	}
}

// jobEnv is a table of locks, and instances that fire at the same time.
type jobEnv struct {
	*testing.T
	client *dynamodb.Client
	table  string
}

func newJobEnv(t *testing.T) jobEnv {
	t.Parallel()
	e := jobEnv{t, dynamodb.NewFromConfig(cloudtest.Config(t, cloudtest.Moto(t), envRegion)),
		document.TableName("test", document.LocksTable)}
	cloudtest.MakeTable(t, e.client, e.table, document.LockName)
	return e
}

// fire runs one firing on an instance. state is what systemctl says of the machine.
func (e jobEnv) fire(instance, state string, run Stream) (code int, log string, err error) {
	console := &lines{}
	f := firing{
		log:     NewLog(console),
		machine: Machine{Run: func(context.Context, string, ...string) (string, error) { return state + "\n", nil }},
		stream:  run,
		table:   lock.Table{Client: e.client, Name: e.table, Owner: instance, Lease: 2 * time.Second, Keep: time.Hour},
	}
	code, err = f.run(e.Context(), "web/report.service/now", Job{Unit: "report.service", Command: []string{"docker", "run"}})
	return code, console.String(), err
}

// Of all instances one runs the command. The others succeed without it, and a second firing of the same time runs nothing.
func TestOneInstanceRunsAJob(t *testing.T) {
	e := newJobEnv(t)
	var ran atomic.Int32
	var wait sync.WaitGroup
	run := func(_ context.Context, env []string, name string, args ...string) (int, error) {
		if ran.Add(1); len(env) != 1 || env[0] != "SPACEL_FENCE=1" || name != "docker" || len(args) != 1 {
			t.Errorf("%v %s %v", env, name, args)
		}
		time.Sleep(500 * time.Millisecond)
		return 0, nil
	}
	for i := range 4 {
		wait.Go(func() {
			if code, log, err := e.fire(fmt.Sprint("i-", i), "running", run); code != 0 || err != nil {
				t.Errorf("%d %v %s", code, err, log)
			}
		})
	}
	wait.Wait()
	if _, log, _ := e.fire("i-9", "running", run); !strings.Contains(log, "not run here: web/report.service/now is done on i-") {
		t.Error(log)
	}
	if ran.Load() != 1 {
		t.Errorf("ran %d times", ran.Load())
	}
}

// A failed command fails the unit of its instance, and is not repeated elsewhere.
func TestFailedJob(t *testing.T) {
	e := newJobEnv(t)
	fails := func(context.Context, []string, string, ...string) (int, error) { return 3, nil }
	if code, log, err := e.fire("i-1", "running", fails); code != 3 || err != nil {
		t.Errorf("%d %v %s", code, err, log)
	}
	code, log, err := e.fire("i-2", "running", fails)
	if code != 0 || err != nil || !strings.Contains(log, "is failed on i-1: exit status 3") {
		t.Errorf("%d %v %s", code, err, log)
	}
}

// A machine that shuts down gives the firing back, and another one runs it.
func TestJobOfAStoppingMachine(t *testing.T) {
	e := newJobEnv(t)
	killed := func(context.Context, []string, string, ...string) (int, error) { return 143, nil }
	code, log, err := e.fire("i-1", "stopping", killed)
	if code != 143 || err != nil || !strings.Contains(log, "another instance may run it") {
		t.Errorf("%d %v %s", code, err, log)
	}
	ran := false
	if code, log, err := e.fire("i-2", "running", func(context.Context, []string, string, ...string) (int, error) {
		ran = true
		return 0, nil
	}); code != 0 || err != nil || !ran {
		t.Errorf("%d %v %s", code, err, log)
	}
}
