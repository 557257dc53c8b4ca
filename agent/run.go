package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// margin is the part of the stack's timeout kept back for reporting a failure, before CloudFormation gives up by itself. The other
// deadlines here are parts of it, as is signalDeadline: together they are shorter.
const (
	margin           = time.Minute
	giveBackDeadline = 15 * time.Second
	journalDeadline  = 8 * time.Second
	flushDeadline    = 10 * time.Second
)

// Endpoints stand in for AWS's own. Empty, they are AWS's.
type Endpoints struct {
	Services string // of every service
	Metadata string // of the instance metadata service
}

// Run boots the machine. The log goes to console, and to log groups as soon as they are known. It has the returned
// error, too, with secrets masked.
func Run(ctx context.Context, m Machine, at Endpoints, console io.Writer) error {
	log, output := newLog(console)
	b, err := open(ctx, m, at, log)
	if err != nil {
		log.Error(err.Error())
		return err
	}
	b.hidden = output.hidden
	output.send(b.streams()...)
	return b.boot(ctx, output, stages())
}

// open finds out which instance this is and reads its document.
func open(ctx context.Context, m Machine, at Endpoints, log *slog.Logger) (*Boot, error) {
	metadata := newMetadata(at.Metadata)
	instance, err := identify(ctx, metadata)
	if err != nil {
		return nil, err
	}
	d, err := load(ctx, m.Root, metadata)
	if err != nil {
		return nil, err
	}
	clients := NewClients(roleConfig(instance.Region, metadata, at.Services))
	return &Boot{Document: d, Instance: instance, AWS: clients, Machine: m, Log: log}, nil
}

// boot runs the stages within the stack's timeout and signals the outcome to CloudFormation. It signals once in an
// instance's life: by the time of a second signal, the stack may be waiting for another instance and count the signal as
// that one's.
func (b *Boot) boot(ctx context.Context, output *logOutput, all []stage) error {
	stop := output.ship(ctx)
	before := b.earlier()
	status := Status{Instance: b.Instance.ID, Outcome: Booting, Began: time.Now(), Signal: before.Signal}
	end := b.end(status)
	b.Log.Info(fmt.Sprintf("%s boots %s, until %s at the latest", b.Instance.ID, b.streamName(), end.UTC().Format(time.TimeOnly)))

	err := b.runAll(ctx, end, all, &status)
	status.Ended, status.Outcome, status.Stage = time.Now(), Booted, stageOf(err)
	if err != nil {
		status.Outcome, status.Reason = Failed, oneLine(b.hidden.mask(err.Error()))
	}
	// An interrupted boot (a shutdown) signals nothing: the next start of the machine boots again.
	interrupted := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		b.failed(ctx, err)
	}
	within(ctx, flushDeadline, stop) // the reason must be in the log before CloudFormation reports the failure
	if !interrupted && status.Signal == "" {
		err = errors.Join(err, b.tell(ctx, &status))
	}
	b.saveStatus(status)
	within(ctx, flushDeadline, output.flush)
	return err
}

// within calls f with a deadline of its own.
func within(ctx context.Context, d time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	f(ctx)
}

// margin is shorter for a stack that waits for little.
func (b *Boot) margin() time.Duration {
	return min(margin, time.Duration(b.Document.Signal.Timeout)*time.Second/5)
}

// end returns when the stages must be over. The stack's timeout counts from the launch. A later boot, for which no stack
// waits, gets as long as the first.
func (b *Boot) end(s Status) time.Time {
	window := time.Duration(b.Document.Signal.Timeout) * time.Second
	end := b.Instance.Launched.Add(window - b.margin())
	if s.Signal != "" || end.Before(s.Began) || end.After(s.Began.Add(window)) {
		return s.Began.Add(window - b.margin())
	}
	return end
}

// stageError says in which stage a boot failed.
type stageError struct {
	stage string
	error
}

// Error begins with the stage's name, which docs and logs use.
func (e *stageError) Error() string { return e.stage + ": " + e.error.Error() }
func (e *stageError) Unwrap() error { return e.error }

// stageOf returns the name of the stage in which a boot failed, "" when it did not fail in one.
func stageOf(err error) string {
	var in *stageError
	if errors.As(err, &in) {
		return in.stage
	}
	return ""
}

// runAll runs the stages in order until one fails or the time is up. It saves the status before each stage, for
// spacel-agent status on the instance.
func (b *Boot) runAll(ctx context.Context, end time.Time, all []stage, status *Status) error {
	ctx, cancel := context.WithDeadlineCause(ctx, end, errors.New("the boot ran out of the time that its stack waits"))
	defer cancel()
	for _, s := range all {
		status.Stage = s.name
		b.saveStatus(*status)
		began := time.Now()
		if err := b.runStage(ctx, s); err != nil {
			return &stageError{s.name, err}
		}
		b.Log.Info(fmt.Sprintf("stage %s: done in %s", s.name, time.Since(began).Round(10*time.Millisecond)))
	}
	return nil
}

// runStage runs a stage within its deadline. A mistake of ours in it must still reach CloudFormation.
func (b *Boot) runStage(ctx context.Context, s stage) (err error) {
	deadline := b.deadlineOf(s)
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, fmt.Errorf("it took longer than %s", deadline))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			b.Log.Error(string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	err = s.run(ctx, b)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// failed says why, and leaves behind what others can use.
func (b *Boot) failed(ctx context.Context, err error) {
	b.Log.Error("the boot failed in stage " + err.Error())
	within(ctx, giveBackDeadline, func(ctx context.Context) {
		if err := giveBack(ctx, b); err != nil {
			b.Log.Warn("the elastic address was not given back: " + err.Error())
		}
	})
	within(ctx, journalDeadline, b.reportUnits)
	b.Log.Error("the boot failed in stage " + err.Error()) // again: it is the last line that one sees
}

// tell signals the outcome, and notes that in the status.
func (b *Boot) tell(ctx context.Context, status *Status) error {
	signal := types.ResourceSignalStatusSuccess
	if status.Outcome == Failed {
		signal = types.ResourceSignalStatusFailure
	}
	if err := b.signal(ctx, signal); err != nil {
		b.Log.Error(err.Error())
		return err
	}
	status.Signal = string(signal)
	return nil
}
