package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
)

const (
	// taskLease is the time after which the end of a task is unknown when its instance no longer renews the lock.
	taskLease = time.Minute
	taskLines = 10 // of a failed task's output in the log of the boot, of which an explanation of deploy shows the last 12 lines
	noteLines = 3  // of it in the lock, for the other instances
	noteBytes = 500
	stopLimit = time.Minute // for a task to stop; the unit kills it before
)

// taskEnvironments writes the variables of tasks with a service. The service's own file has the variables of databases and
// caches, which the task's file must not repeat: the service may have replaced them.
func taskEnvironments(ctx context.Context, b *Boot) error {
	for _, task := range b.Document.Tasks {
		if len(task.Environment) == 0 {
			continue
		}
		var lines []envLine
		for _, v := range task.Environment {
			value, err := b.variable(ctx, v)
			if err != nil {
				return fmt.Errorf("environment of the task %s: %w", task.Name, err)
			}
			lines = append(lines, envLine{name: v.Name, value: value})
		}
		file := strings.TrimSuffix(document.TaskUnit(task.Name), ".service") + ".env"
		if err := b.Machine.writeNamed(filesDirectory, file, dockerForm(lines), document.Content{}, environmentMode); err != nil {
			return fmt.Errorf("environment of the task %s: %w", task.Name, err)
		}
	}
	return nil
}

// tasksLimit returns the time that all release tasks may take.
func tasksLimit(b *Boot) time.Duration {
	var limit time.Duration
	for _, task := range b.Document.Tasks {
		limit += releaseTask{task}.limit()
	}
	return limit
}

// The order of the steps makes a task run once. The lock says "running" before the unit starts, and "done" only after systemd has said
// "success" of the unit. Whatever happens between the two, nobody takes the task for done. A second run needs a person or a deploy,
// because a migration that stopped in the middle may do harm when it is repeated.
//
// The task is a unit of systemd, and no child of this process, for three reasons. Its output is in the journal under its own name. Its
// container ends with the unit, whatever becomes of the agent. And it is written into the template, where a reviewer sees it.

// releaseTasks runs the release tasks, in order, unless an instance of this release has run them. It comes before the agent is ready,
// so no unit of the app serves before. Of several instances one holds the lock of a task and runs it. The others wait.
func releaseTasks(ctx context.Context, b *Boot) error {
	// A boot after the first success is a restart of the machine. Its tasks have ended well.
	if len(b.Document.Tasks) == 0 || b.earlier().Signal == string(types.ResourceSignalStatusSuccess) {
		return nil
	}
	systemd, err := b.systemd(ctx)
	if err != nil {
		return err
	}
	defer systemd.Close()
	run := taskRun{b, systemd, lock.Table{
		Client: b.AWS.DynamoDB,
		Name:   document.TableName(b.Document.Orbit, document.LocksTable),
		Owner:  b.Instance.ID + "/" + rand.Text()[:8], // a restarted agent is another owner: it does not know how the task went
		Lease:  taskLease,
	}}
	for _, task := range b.Document.Tasks {
		if err := run.task(ctx, releaseTask{task}); err != nil {
			return fmt.Errorf("%s: %w", task.Name, err)
		}
	}
	return nil
}

// taskRun is what runs the tasks of one boot.
type taskRun struct {
	*Boot
	systemd Systemd
	table   lock.Table
}

// task runs a task if nobody has, or waits until another instance has run it.
func (r taskRun) task(ctx context.Context, t releaseTask) error {
	d := r.Document
	name := document.TaskLock(d.App, t.Name, d.Version, t.Definition, d.Signal.Stack)
	held, record, err := r.table.Acquire(ctx, name, lock.MustNotAgain, func(other lock.Record) {
		r.Log.Info(fmt.Sprintf("waiting: %s is %s on %s", t.Name, other.State, other.Instance()))
	})
	if err != nil {
		return err
	}
	if held == nil {
		return r.elsewhere(t, record)
	}
	r.Log.Info(fmt.Sprintf("%s of version %s runs here", t.Name, d.Version))
	var failure error
	err = held.Run(ctx, func(kept context.Context) lock.Result {
		failure = r.run(kept, t)
		if failure == nil {
			return lock.Result{State: lock.Done}
		}
		if errors.Is(failure, errStillRuns) {
			return lock.Result{State: lock.Unknown, Note: note(failure)}
		}
		return lock.Result{State: lock.Failed, Note: note(failure)}
	})
	return errors.Join(failure, err)
}

// elsewhere reports the end of a task on another instance.
func (r taskRun) elsewhere(t releaseTask, record lock.Record) error {
	again := fmt.Sprintf("spacel tasks %s --orbit %s", r.Document.App, r.Document.Orbit)
	switch record.State {
	case lock.Done:
		r.Log.Info(fmt.Sprintf("%s of version %s has run already (%s)", t.Name, r.Document.Version, record.Instance()))
		return nil
	case lock.Failed:
		return fmt.Errorf("failed on %s: %s: the next spacel deploy runs it again", record.Instance(), record.Note)
	}
	return fmt.Errorf("%s: find out whether it ended well, then run %s --mark %s=done or %s=failed and deploy again",
		record.Note, again, t.Name, t.Name)
}

// errStillRuns is the failure to stop a task.
var errStillRuns = errors.New("it could not be stopped")

// run runs the task's unit and waits until it ends. The error has the last lines of the task's output.
func (r taskRun) run(ctx context.Context, t releaseTask) error {
	unit := document.TaskUnit(t.Name)
	ctx, cancel := context.WithTimeoutCause(ctx, t.limit(), fmt.Errorf("took longer than its timeout of %s", t.limit()))
	defer cancel()
	// The result is not needed: systemd keeps the state of the unit for this connection, and it has the result, too.
	if _, err := r.systemd.Start(ctx, unit, []string{unit}); err != nil {
		return fmt.Errorf("cannot be started: %w", err)
	}
	err := r.wait(ctx, unit)
	if ctx.Err() != nil {
		err = fmt.Errorf("was stopped before its end: %w", context.Cause(ctx))
		if stopErr := r.stop(ctx, unit); stopErr != nil {
			return fmt.Errorf("the task %w: %w: %w", err, errStillRuns, stopErr)
		}
	} else if err == nil && r.Machine.stopping(ctx) {
		err = errors.New("was stopped before its end: this machine shuts down")
	}
	if err == nil {
		return nil
	}
	within(context.WithoutCancel(ctx), journalDeadline, func(ctx context.Context) {
		for _, line := range r.journal().lines(ctx, unit, taskLines) {
			r.Log.Error(t.Name + ": " + line)
		}
	})
	return r.journal().because(ctx, "the task", err)
}

// The state is asked for again and again, and systemd's signals are not used: a lost signal would leave the boot
// waiting until its deadline, and the state of a oneshot tells the same. A queued job is looked for, because right after the call the
// unit is still inactive, as it is after its end.

// wait waits until a unit's run has ended. A oneshot has ended when it is no longer starting.
func (r taskRun) wait(ctx context.Context, unit string) error {
	for {
		state, err := r.systemd.State(ctx, unit)
		switch {
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("its state cannot be asked for: %w", err)
		case err != nil, state.Queued || state.Active == "activating" || state.Active == "deactivating":
		case state.Load != "loaded":
			return fmt.Errorf("is %s%s", state.Load, prefixed(": ", state.Problem))
		case state.Result == "success":
			return nil
		case state.Result == "exit-code" && state.Status != 0:
			return fmt.Errorf("failed with exit status %d", state.Status)
		default:
			return fmt.Errorf("failed: %s", state)
		}
		if !sleep(ctx, lookPause) {
			return nil // the caller sees that ctx is over
		}
	}
}

// A container gets its stop signal and its grace period, as Docker gives them, since a migration may roll its transaction back in that
// time. The limit is longer than the unit's own, after which systemd kills the container.

// stop stops a task's unit, which stops its container.
func (r taskRun) stop(ctx context.Context, unit string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	_, err := r.Machine.Run(ctx, "systemctl", "stop", unit)
	return err
}

// note returns a failure for the lock, in which the other instances and deploy find it.
func note(err error) string {
	text := oneLine(err.Error())
	if len(text) > noteBytes {
		text = strings.ToValidUTF8(text[:noteBytes], "") + "…"
	}
	return text
}

// releaseTask is a task of the document.
type releaseTask struct{ document.Task }

// limit returns the longest time of a task.
func (t releaseTask) limit() time.Duration { return time.Duration(t.Timeout) * time.Second }
