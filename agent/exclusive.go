package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pebble/spacel/agent/calendar"
	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
)

const (
	// jobLease is the time after which another instance repeats the firing of a job whose instance died.
	jobLease = time.Minute
	// jobKeep is how long the lock of a firing is kept. It is longer than any delay of a timer.
	jobKeep = 90 * 24 * time.Hour
)

// Job is a unit of which each firing of its timer runs on one instance of a region.
type Job struct {
	Unit     string
	Schedule string   // a calendar expression
	Command  []string // the program and its arguments
}

// Stream runs a program with the process's own output, and variables beside its environment. It asks the program to end when ctx
// is over. Code is the exit status; an error means: the program could not be run.
type Stream func(ctx context.Context, env []string, name string, args ...string) (code int, err error)

// Exclusive runs one firing of a job, or waits until another instance has run it. It returns the exit code of the command, or 0
// when the command ran elsewhere. systemd starts it as the unit's own command.
func Exclusive(ctx context.Context, m Machine, at Endpoints, console io.Writer, run Stream, job Job) (code int, err error) {
	b, err := open(ctx, m, at, NewLog(console))
	if err != nil {
		return 0, err
	}
	name, err := job.firing(b.Document.App, triggered())
	if err != nil {
		return 0, err
	}
	table := lock.Table{
		Client: b.AWS.DynamoDB,
		Name:   document.TableName(b.Document.Orbit, document.LocksTable),
		Owner:  b.Instance.ID + "/" + rand.Text()[:8], // a second process on this instance is another owner
		Lease:  jobLease,
		Keep:   jobKeep,
	}
	return firing{b.Log, m, run, table}.run(ctx, name, job)
}

// triggered returns when the timer fired. systemd tells it since version 252, which is Debian 12's (systemd.exec(5)).
func triggered() time.Time {
	micro, err := strconv.ParseInt(os.Getenv("TRIGGER_TIMER_REALTIME_USEC"), 10, 64)
	if err != nil || micro <= 0 {
		return time.Now()
	}
	return time.UnixMicro(micro)
}

// firing returns the name of the lock for a timer that fired at a given time. Timers of several instances fire some time after the
// planned time, each at another. The lock has the planned time, as the clocks of the schedule's zone show it.
func (j Job) firing(app string, fired time.Time) (string, error) {
	spec, err := calendar.Parse(j.Schedule)
	if err != nil {
		return "", fmt.Errorf("the schedule %q: %w", j.Schedule, err)
	}
	zone, err := spec.Location()
	if err != nil {
		return "", fmt.Errorf("the schedule %q: %w", j.Schedule, err)
	}
	planned, ok := spec.Last(fired.In(zone))
	if !ok {
		return "", fmt.Errorf("%s has not been due yet: its schedule is %q, and this machine's clock says %s", j.Unit, j.Schedule,
			fired.UTC().Format(time.DateTime))
	}
	return document.LockKey(app, strings.TrimSpace(j.Unit+"/"+planned.Format("2006-01-02T15:04:05.999999")+" "+spec.Zone)), nil
}

// firing is what runs the firings of a job.
type firing struct {
	log     *slog.Logger
	machine Machine
	stream  Stream
	table   lock.Table
}

// run runs the command once this instance holds the lock.
func (f firing) run(ctx context.Context, name string, job Job) (code int, err error) {
	held, record, err := f.table.Acquire(ctx, name, lock.MayRepeat, func(r lock.Record) {
		f.log.Info("waiting: " + r.String())
	})
	if err != nil {
		return 0, err
	}
	if held == nil {
		f.log.Info("not run here: " + record.String())
		return 0, nil
	}
	f.log.Info(fmt.Sprintf("%s runs here", name), "fence", held.Fence())
	err = held.Run(ctx, func(kept context.Context) lock.Result {
		env := []string{fmt.Sprintf("%s=%d", document.FenceVariable, held.Fence())}
		var ranErr error
		code, ranErr = f.stream(kept, env, job.Command[0], job.Command[1:]...)
		unkept := kept.Err() != nil && ctx.Err() == nil
		return f.result(ctx, code, ranErr, unkept)
	})
	return code, err
}

// result says how the command ended. The firing is given back, for another instance to run it, if the command was stopped because
// the lock could not be kept, or because this machine shuts down.
func (f firing) result(ctx context.Context, code int, err error, unkept bool) lock.Result {
	switch {
	case err == nil && code == 0:
		return lock.Result{State: lock.Done}
	case unkept || f.machine.stopping(ctx):
		f.log.Warn("stopped before the end: another instance may run it")
		return lock.Result{State: lock.Pending}
	case err != nil:
		f.log.Error(err.Error())
		return lock.Result{State: lock.Failed, Note: err.Error()}
	}
	return lock.Result{State: lock.Failed, Note: fmt.Sprintf("exit status %d", code)}
}

// stopping reports whether the machine shuts down. systemctl's exit status is not 0 then.
func (m Machine) stopping(ctx context.Context) bool {
	out, _ := m.Run(context.WithoutCancel(ctx), "systemctl", "is-system-running")
	return strings.TrimSpace(out) == "stopping"
}
