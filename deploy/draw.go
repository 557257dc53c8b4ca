package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// draw finds out what would happen to the stack, however often someone else changes it meanwhile.
func (j *job) draw(ctx context.Context) error {
	err := j.drawOnce(ctx)
	for range maxOvertaken {
		if err != errOvertaken {
			return err
		}
		err = j.drawAnew(ctx)
	}
	return j.alwaysOvertaken()
}

func (j *job) alwaysOvertaken() error {
	return refuse("%s: other operations came first %d times: wait until nobody else deploys this stack, and run spacel %s again", j.ref(), maxOvertaken, j.verb())
}

func (j *job) drawAnew(ctx context.Context) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	if err := j.settle(ctx); err != nil {
		return err
	}
	if err := j.resolve(ctx); err != nil {
		return err
	}
	return j.drawOnce(ctx)
}

// drawOnce makes the plan. When that takes a change set, it stands afterwards.
func (j *job) drawOnce(ctx context.Context) error {
	j.plan = StackPlan{StackRef: j.ref()}
	if j.options.Redeploy && !deployed(j.deployed) {
		return j.refuseRedeploy()
	}
	if pending := j.pending(); len(pending) > 0 && stepFor(j.deployed) != toWait {
		return j.later(ctx, "waits for "+listRefs(pending))
	}
	switch stepFor(j.deployed) {
	case toCreate:
		return j.propose(ctx, types.ChangeSetTypeCreate)
	case toUpdate:
		return j.drawUpdate(ctx)
	case toRemove:
		return j.drawRemoval(ctx)
	case toResume:
		return j.repair(ctx)
	case toWait:
		return j.later(ctx, fmt.Sprintf("waits for its %s", j.deployed.Status))
	}
	return refuse("%s: the stack is %s, which deploy does not know how to mend: roll it back or delete it in the console", j.ref(), j.deployed.Status)
}

// refuseRedeploy is for a stack that has nothing which could be deployed again.
func (j *job) refuseRedeploy() error {
	if j.deployed == nil {
		return refuse("%s: it is not deployed any more: spacel deploy DIR deploys it", j.ref())
	}
	return refuse("%s: the stack is %s, so there is nothing to deploy again: spacel deploy DIR mends it", j.ref(), j.deployed.Status)
}

func listRefs(refs []assembly.StackRef) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.String()
	}
	return strings.Join(names, ", ")
}

func (j *job) drawUpdate(ctx context.Context) error {
	same, err := j.unchanged(ctx)
	if err != nil {
		return err
	}
	if !same {
		return j.propose(ctx, types.ChangeSetTypeUpdate)
	}
	j.nothing()
	return nil
}

// nothing is the plan for a stack whose template and inputs are as deployed. Protection is not part of either.
func (j *job) nothing() {
	j.plan.Action = None
	if want := j.stack.TerminationProtection; j.deployed.TerminationProtection != want {
		j.plan.Action = Update
		j.plan.Why = "termination protection is turned " + onOff(want)
	}
}

// foundUnchanged is what a change set without changes means. A stack that is to be created, or whose last update was left half
// done, is not in order.
func (j *job) foundUnchanged() error {
	if stepFor(j.deployed) == toCreate {
		return refuse("%s: CloudFormation finds nothing to create: every resource of the template has a condition that is not met", j.ref())
	}
	if j.deployed.Status == types.StackStatusUpdateFailed {
		return refuse("%s: the stack is UPDATE_FAILED, and CloudFormation finds nothing to change: roll it back with aws cloudformation rollback-stack --region %s --stack-name %s, then deploy again",
			j.ref(), j.stack.Region, j.stack.Name)
	}
	j.nothing()
	return nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// unchanged compares without a change set, which costs more calls and takes seconds. It is sure when it says yes.
func (j *job) unchanged(ctx context.Context) (bool, error) {
	if j.unknowable() || len(j.parameterChanges()) > 0 || !maps.Equal(j.stack.Tags, j.deployed.OwnTags()) {
		return false, nil
	}
	if j.deployed.Status == types.StackStatusUpdateFailed {
		return false, nil // the template was half applied
	}
	body, err := j.deployedTemplate(ctx)
	return live.SameTemplate(body, j.template.Body), err
}

// deployedTemplate is the template as it was sent last.
func (j *job) deployedTemplate(ctx context.Context) ([]byte, error) {
	body, err := j.live.TemplateText(ctx, j.deployed)
	return body, j.asFailure(err)
}

// propose makes a change set and reads what it would do.
func (j *job) propose(ctx context.Context, kind types.ChangeSetType) error {
	made, description, err := j.makeChangeSet(ctx, kind)
	if err == errUnchanged {
		return j.foundUnchanged()
	}
	if err != nil {
		return err
	}
	j.proposal = made
	j.plan.Action = map[types.ChangeSetType]Action{types.ChangeSetTypeCreate: Create, types.ChangeSetTypeUpdate: Update}[kind]
	j.plan.Parameters = j.parameterChanges()
	j.plan.Changes = j.changes(description)
	j.plan.Dangers = j.dangers(j.plan.Changes)
	return j.guard(ctx)
}

// drawRemoval is the plan for a stack that is deleted first. Only then can there be a change set.
func (j *job) drawRemoval(ctx context.Context) error {
	if err := j.repair(ctx); err != nil {
		return err
	}
	left, err := j.leftovers(ctx)
	if err != nil {
		return err
	}
	j.plan.Changes = j.additions()
	j.plan.Dangers, err = j.lossDangers(ctx, left)
	return err
}

// repair is the plan for a stack that must be mended before there can be a change set.
func (j *job) repair(ctx context.Context) error {
	if err := j.offline(ctx); err != nil {
		return err
	}
	j.plan.Action, j.plan.Why = Repair, fmt.Sprintf("%s: %s", j.deployed.Status, describeState(j.deployed))
	j.plan.Dangers = j.dangers(certain(j.plan.Changes))
	return nil
}

// later is the plan for a stack whose inputs are not there yet.
func (j *job) later(ctx context.Context, why string) error {
	if err := j.offline(ctx); err != nil {
		return err
	}
	j.plan.Action, j.plan.Why = Later, why
	j.plan.Dangers = j.dangers(certain(j.plan.Changes))
	return nil
}

// additions are the template's resources, all new.
func (j *job) additions() []Change {
	var out []Change
	for _, id := range slices.Sorted(maps.Keys(j.template.Resources)) {
		out = append(out, Change{LogicalID: id, Type: j.template.Resources[id].Type, Action: string(types.ChangeActionAdd), Origin: j.origin(id)})
	}
	return out
}
