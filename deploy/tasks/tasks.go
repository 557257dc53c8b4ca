// Package tasks reads how release tasks ended, and says so for a task whose end is unknown. The instances write it into the orbit's
// table of locks (agent/lock).
package tasks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
)

// Task is a release task for one version of an app, in the region where it runs.
type Task struct {
	Region   string     `json:"region"`
	Name     string     `json:"task"`
	Version  string     `json:"version"`
	State    lock.State `json:"state"` // "" when no instance has begun it
	Instance string     `json:"instance,omitempty"`
	Note     string     `json:"note,omitempty"` // how it ended
	Until    time.Time  `json:"until,omitzero"` // the end of the last lease, by the instance's clock

	record lock.Record
}

// slack is the time by which the clocks of an instance and of this machine may differ.
const slack = time.Minute

// A task in the state running may have lost its instance: the state changes to unknown only when another instance waits for the lock.
// After a rollback nobody waits. So a lease that ended is a sign, too, by the clock of this machine. The two clocks may differ, so the
// sign decides nothing by itself: a person does, and the lock changes only if it is still as that person saw it.

// IsOpen reports whether the end of the task is unknown: it was found to be, or the instance that ran it no longer renews its lock.
func (t Task) IsOpen() bool {
	return t.State == lock.Unknown || t.State == lock.Running && time.Since(t.Until) > slack
}

// IsRunning reports whether an instance runs the task now.
func (t Task) IsRunning() bool { return t.State == lock.Running && !t.IsOpen() }

// Problem says how a task failed, or why its end is unknown.
func (t Task) Problem() string {
	if t.State == lock.Running {
		return fmt.Sprintf("%s no longer renews the lock since %s", t.Instance, t.Until.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s on %s: %s", t.State, t.Instance, cmp.Or(t.Note, "it left no note"))
}

// table returns the orbit's locks in a region.
func table(region *cloud.Region, orbit string) lock.Table {
	return lock.Table{Client: region.DynamoDB(), Name: document.TableName(orbit, document.LocksTable)}
}

// newTask returns the task of a lock.
func newTask(region string, name, version string, r lock.Record) Task {
	t := Task{Region: region, Name: name, Version: version, State: r.State, Note: r.Note, record: r}
	if r.Owner != "" {
		t.Instance, t.Until = r.Instance(), r.Until.UTC()
	}
	return t
}

// Read returns a task for a version and a stack.
func Read(ctx context.Context, region *cloud.Region, orbit, app string, task assembly.ReleaseTask, version, stackID string) (Task, error) {
	record, err := table(region, orbit).Read(ctx, document.TaskLock(app, task.Name, version, task.Definition, stackID))
	if err != nil {
		return Task{}, fmt.Errorf("read how the task %s of version %s ended in %s: %w", task.Name, version, region.Name, cloud.Explain(err))
	}
	return newTask(region.Name, task.Name, version, record), nil
}

// List returns all tasks of an app in a region, sorted by task and version. Tasks of deleted stacks are among them.
func List(ctx context.Context, region *cloud.Region, orbit, app string) ([]Task, error) {
	records, err := table(region, orbit).List(ctx, document.TaskLocks(app))
	if err != nil {
		return nil, fmt.Errorf("read the release tasks of %s in %s: %w", app, region.Name, cloud.Explain(err))
	}
	var all []Task
	for _, r := range records {
		if name, version, ok := document.CutTaskLock(app, r.Name); ok {
			all = append(all, newTask(region.Name, name, version, r))
		}
	}
	slices.SortStableFunc(all, func(a, b Task) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Until.Compare(b.Until), cmp.Compare(a.Version, b.Version))
	})
	return all, nil
}

// Mark writes how a task ended. It is an error when something has happened to the task since it was read.
func Mark(ctx context.Context, region *cloud.Region, orbit string, t Task, state lock.State, note string) error {
	ok, err := table(region, orbit).Mark(ctx, t.record, state, note)
	switch {
	case err != nil:
		return fmt.Errorf("write how the task %s of version %s ended in %s: %w", t.Name, t.Version, t.Region, cloud.Explain(err))
	case !ok:
		return fmt.Errorf("the task %s of version %s in %s changed meanwhile: look at it again", t.Name, t.Version, t.Region)
	}
	return nil
}

// Skip has a task count as done for a version and a stack if it has not ended well, so that no instance runs it. A rollback does so for
// the version that it deploys, before it begins.
func Skip(ctx context.Context, region *cloud.Region, orbit, app string, task assembly.ReleaseTask, version, stackID, note string) error {
	t, err := Read(ctx, region, orbit, app, task, version, stackID)
	if err != nil || t.State == lock.Done {
		return err
	}
	if t.IsRunning() {
		return fmt.Errorf("the task %s of version %s runs on %s in %s: wait until it ends", t.Name, t.Version, t.Instance, t.Region)
	}
	return Mark(ctx, region, orbit, t, lock.Done, note)
}
