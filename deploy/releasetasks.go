package deploy

import (
	"context"
	"fmt"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/lock"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/tasks"
)

// PlannedTask is a release task of an app, as an update of its instances meets it.
type PlannedTask struct {
	Name    string `json:"task"`
	Version string `json:"version"`
	Region  string `json:"region"` // the region where it runs
	Runs    bool   `json:"runs"`   // by this deployment, in this stack
	Text    string `json:"text"`   // what happens to it, in one sentence

	task assembly.ReleaseTask
}

// taskPlanner decides about the release tasks of a stack. The instances run them: one of the new instances takes the lock of a task,
// and the others wait. After a good end for a version and a stack a task is never run again, and after a failure only when deploy
// says so, by giving the lock back. So a rollback and a scale-out run nothing, and neither does a second instance of a failed update.
//
// Deploy has no other way to tell an instance about a second run. A parameter would do, but a new value of it replaces the
// instances of every later update, and CloudFormation would restore the old value in a rollback.
type taskPlanner struct{ *stack }

// plan returns the tasks of an update that replaces the instances, or of a new stack. It refuses an update that could not end well: a
// task's end is unknown, or the task runs in another region and has not ended well there.
func (p taskPlanner) plan(ctx context.Context, plan stackPlan) ([]PlannedTask, error) {
	if p.spec.Release == nil {
		return nil, nil
	}
	var planned []PlannedTask
	version := plan.inputs[document.ParameterVersion].Text
	for _, task := range p.spec.Release.Tasks {
		next := PlannedTask{Name: task.Name, Version: version, Region: task.Region, task: task}
		var err error
		if p.options.Rollback != nil {
			next.Text = fmt.Sprintf("the task %s does not run: it is not undone either", task.Name)
		} else if task.Region == p.spec.Region {
			next.Runs, next.Text, err = p.here(ctx, plan.deployed, task, version)
		} else {
			next.Text, err = p.elsewhere(ctx, task, version)
		}
		if err != nil {
			return nil, err
		}
		planned = append(planned, next)
	}
	return planned, nil
}

// here says what happens to a task of this region.
func (p taskPlanner) here(ctx context.Context, deployed *live.Stack, task assembly.ReleaseTask, version string) (runs bool, text string,
	err error) {
	runs, text = true, fmt.Sprintf("the task %s runs for version %s, before new instances serve", task.Name, version)
	if !isDeployed(deployed) {
		return runs, text, nil // a new stack has a new id, and no lock
	}
	found, err := tasks.Read(ctx, p.cloud.Region(p.spec.Region), p.orbit, p.spec.App, task, version, deployed.ID)
	switch {
	case err != nil:
		return false, "", fmt.Errorf("%s: %w", p.ref(), err)
	case found.IsOpen():
		return false, "", p.unknown(found)
	case found.State == lock.Done:
		return false, fmt.Sprintf("the task %s has ended well for version %s, and does not run again", task.Name, version), nil
	case found.State == lock.Failed:
		return true, fmt.Sprintf("the task %s runs again for version %s: it %s", task.Name, version, p.mask(found.Problem())), nil
	case found.IsRunning():
		return true, fmt.Sprintf("the task %s of version %s runs on %s", task.Name, version, found.Instance), nil
	}
	return runs, text, nil
}

// unknown is the refusal for a task whose end nobody knows. Another run of it could do harm, and so could new code without it.
func (p taskPlanner) unknown(t tasks.Task) error {
	return refuse("%s: nobody knows how the task %s of version %s ended (%s): find out, then run spacel tasks %s --orbit %s --region %s "+
		"--mark %s=done, or %s=failed to run it again with the next deploy", p.ref(), t.Name, t.Version, p.mask(t.Problem()), p.spec.App,
		p.orbit, t.Region, t.Name, t.Name)
}

// elsewhere says where a task of another region runs. When that region's stack is in this run, this stack waits for it. Otherwise the
// task must have ended well already.
func (p taskPlanner) elsewhere(ctx context.Context, task assembly.ReleaseTask, version string) (string, error) {
	text := fmt.Sprintf("the task %s of version %s runs in %s only", task.Name, version, task.Region)
	ref := assembly.StackRef{Region: task.Region, Name: p.spec.Name}
	if p.find(ref) != nil {
		return text, nil
	}
	deployed, err := p.live.Get(ctx, ref)
	if err != nil || deployed == nil {
		return text, err // checkNeeds has refused a missing stack
	}
	found, err := tasks.Read(ctx, p.cloud.Region(task.Region), p.orbit, p.spec.App, task, version, deployed.ID)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", p.ref(), err)
	case found.State != lock.Done:
		return "", refuse("%s: the task %s runs in %s only, and has not ended well there for version %s: deploy %s first, or together "+
			"with this", p.ref(), task.Name, task.Region, version, ref)
	}
	return text + ", where it has ended well", nil
}

// The lock is given back as late as possible: after all questions, and right before the change set is executed. An interrupt
// before has changed nothing, and a kill after it leaves a free lock, as the next run wants it. An instance of the
// former attempt cannot take it, because that attempt's rollback has ended by now.

// release gives the locks of failed tasks back, right before an update that runs them again.
func (p taskPlanner) release(ctx context.Context, plan stackPlan) error {
	if plan.deployed == nil {
		return nil
	}
	for _, planned := range plan.Tasks {
		var err error
		switch {
		case p.options.Rollback != nil && planned.Region == p.spec.Region:
			err = p.skip(ctx, planned, plan.deployed.ID)
		case planned.Runs:
			err = p.giveBack(ctx, planned, plan.deployed.ID)
		}
		if err != nil {
			return refuseFor(err)
		}
	}
	return nil
}

// giveBack gives the lock of a failed task back. A task whose end is unknown by now is refused.
func (p taskPlanner) giveBack(ctx context.Context, planned PlannedTask, stackID string) error {
	found, err := p.read(ctx, planned, stackID)
	switch {
	case err != nil:
		return err
	case found.IsOpen():
		return p.unknown(found)
	case found.State == lock.Failed:
		return tasks.Mark(ctx, p.cloud.Region(p.spec.Region), p.orbit, found, lock.Pending, "")
	}
	return nil
}

// skip has the task of a rollback count as done, so that no instance of the older version runs it.
func (p taskPlanner) skip(ctx context.Context, planned PlannedTask, stackID string) error {
	err := tasks.Skip(ctx, p.cloud.Region(p.spec.Region), p.orbit, p.spec.App, planned.task, planned.Version, stackID,
		"not run: a rollback")
	if err != nil {
		return fmt.Errorf("%s: %w", p.ref(), err)
	}
	return nil
}

// read reads a planned task of this region.
func (p taskPlanner) read(ctx context.Context, planned PlannedTask, stackID string) (tasks.Task, error) {
	return tasks.Read(ctx, p.cloud.Region(p.spec.Region), p.orbit, p.spec.App, planned.task, planned.Version, stackID)
}

// ends returns how the tasks ended that this deployment was to run in the stack. A failure to read them is told, and changes nothing
// about the deployment's end.
func (p taskPlanner) ends(ctx context.Context, plan stackPlan) []tasks.Task {
	var out []tasks.Task
	if plan.deployed == nil {
		return nil
	}
	for _, planned := range plan.Tasks {
		if !planned.Runs {
			continue
		}
		end, err := p.read(ctx, planned, plan.deployed.ID)
		switch {
		case err != nil:
			p.tell(activity.Event{Kind: activity.Warning, Reason: err.Error()})
		case end.State != "":
			end.Note = p.mask(end.Note)
			out = append(out, end)
		}
	}
	return out
}
