package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/compared"
	"github.com/pebble/spacel/deploy/live"
)

// stackPlan is the plan for one stack with the state and inputs behind it. The steps of a deployment hand it on: planning returns
// it, and executing takes it.
type stackPlan struct {
	StackPlan
	deployed  *live.Stack // the state of the stack that was planned for, nil for none
	inputs    inputs      // nil: they were not found yet
	changeSet *changeSet  // the plan as a change set, nil when none is needed or possible yet
	began     time.Time   // when the change set was executed, by this machine's clock
}

// planner makes the plans for one stack.
type planner struct{ *stack }

// maxOvertaken is how often other people's operations may come first before deploy gives a stack up.
const maxOvertaken = 10

// plan finds out what deploying would do to the stack. When somebody else changes it meanwhile, it starts again. A plan
// returned with an error may have a change set, which is to be discarded.
func (p planner) plan(ctx context.Context, deployed *live.Stack, in inputs) (stackPlan, error) {
	plan, err := p.planOnce(ctx, deployed, in)
	for range maxOvertaken {
		if !errors.Is(err, errOvertaken) {
			return plan, err
		}
		if err := p.pauseOvertaken(ctx, err); err != nil {
			return plan, err
		}
		plan, err = p.replan(ctx)
	}
	return plan, p.alwaysOvertaken(err)
}

// replan reads the stack and its inputs again, and plans with these.
func (p planner) replan(ctx context.Context) (stackPlan, error) {
	deployed, err := p.refreshIdle(ctx)
	if err != nil {
		return stackPlan{}, err
	}
	in, err := p.resolve(ctx, deployed)
	if err != nil {
		return stackPlan{deployed: deployed}, err
	}
	return p.planOnce(ctx, deployed, in)
}

// planOnce makes the plan by the state of the stack, and checks what AWS would refuse late. The error is errOvertaken if the state has
// changed since.
func (p planner) planOnce(ctx context.Context, deployed *live.Stack, in inputs) (stackPlan, error) {
	plan, err := p.planByState(ctx, deployed, in)
	if err == nil {
		err = errors.Join(recordGuard{p}.check(ctx, plan), guardRootVolume(ctx, p, plan))
	}
	return plan, err
}

// planByState makes the plan that the state of the stack asks for.
func (p planner) planByState(ctx context.Context, deployed *live.Stack, in inputs) (stackPlan, error) {
	plan := stackPlan{StackPlan: StackPlan{StackRef: p.ref()}, deployed: deployed, inputs: in}
	if p.options.Redeploy && !isDeployed(deployed) {
		return plan, p.refuseRedeploy(deployed)
	}
	step := stepFor(deployed)
	// A change set needs a value for every parameter. While one is missing, only the templates can be compared.
	if pending := in.pending(); len(pending) > 0 && step != toWait {
		return p.planLater(ctx, plan, "waits for "+listRefs(pending))
	}
	switch step {
	case toCreate:
		return p.planChangeSet(ctx, plan, types.ChangeSetTypeCreate)
	case toUpdate:
		return p.planUpdate(ctx, plan)
	case toRemove:
		return p.planRemoval(ctx, plan)
	case toResume:
		return p.planRepair(ctx, plan)
	case toWait:
		return p.planLater(ctx, plan, fmt.Sprintf("waits for its %s", deployed.Status))
	}
	return plan, refuse("%s: the stack is %s, which deploy does not know how to repair: roll it back or delete it in the console",
		p.ref(), deployed.Status)
}

// refuseRedeploy is the error for a stack with nothing to deploy again.
func (p planner) refuseRedeploy(deployed *live.Stack) error {
	if deployed == nil {
		return refuse("%s: it is not deployed any more: spacel deploy DIR deploys it", p.ref())
	}
	return refuse("%s: the stack is %s, so there is nothing to deploy again: spacel deploy DIR repairs it", p.ref(), deployed.Status)
}

// planUpdate makes a change set only if something may have changed.
func (p planner) planUpdate(ctx context.Context, plan stackPlan) (stackPlan, error) {
	same, err := false, error(nil)
	if !p.options.RevertDrift { // the deployed template is equal to itself, and only CloudFormation can compare it with AWS
		same, err = p.isUnchanged(ctx, plan)
	}
	if err != nil {
		return plan, err
	}
	if !same {
		return p.planChangeSet(ctx, plan, types.ChangeSetTypeUpdate)
	}
	return p.planNoChange(plan), nil
}

// planNoChange is the plan for a stack whose template and inputs are deployed already. Termination protection is not a part of
// a template, and may still differ.
func (p planner) planNoChange(plan stackPlan) stackPlan {
	plan.Action = None
	if want := p.spec.TerminationProtection; plan.deployed.TerminationProtection != want {
		plan.Action = Update
		plan.Why = "termination protection is turned " + live.OnOff(want)
	}
	return plan
}

// planEmptyChangeSet is the plan after CloudFormation found nothing to change. For a stack to be created, and for one whose last
// update was left half done, this is an error.
func (p planner) planEmptyChangeSet(plan stackPlan) (stackPlan, error) {
	if stepFor(plan.deployed) == toCreate {
		return plan, refuse("%s: CloudFormation finds nothing to create: every resource of the template has a condition that is not met",
			p.ref())
	}
	if plan.deployed.Status == types.StackStatusUpdateFailed {
		return plan, refuse("%s: the stack is UPDATE_FAILED, and CloudFormation finds nothing to change: "+
			"roll it back with aws cloudformation rollback-stack --region %s --stack-name %s, then deploy again",
			p.ref(), p.spec.Region, p.spec.Name)
	}
	return p.planNoChange(plan), nil
}

// isUnchanged compares the stack with the artifact without a change set, which would cost more calls and take seconds. True is
// certain. False may be a stack without changes, too.
func (p planner) isUnchanged(ctx context.Context, plan stackPlan) (bool, error) {
	if len(plan.inputs.changes(plan.deployed)) > 0 || !maps.Equal(p.spec.Tags, plan.deployed.OwnTags()) {
		return false, nil
	}
	if plan.deployed.Status == types.StackStatusUpdateFailed {
		return false, nil // GetTemplate returns the template, though it was applied in part only
	}
	if !compared.Sampled(p.ref(), p.day()) && p.isKnown(plan) {
		return true, nil
	}
	if plan.inputs.setsSecret() {
		return false, nil
	}
	same, err := p.isTemplateSame(ctx, plan)
	if err == nil && same {
		p.compared.Checked(plan.deployed, p.spec.Digest, nil)
	}
	return same, err
}

// planChangeSet makes a change set, and takes the plan from it.
func (p planner) planChangeSet(ctx context.Context, plan stackPlan, kind types.ChangeSetType) (stackPlan, error) {
	var err error
	if plan.Guard, err = guardian(p).guard(ctx, plan.deployed, kind == types.ChangeSetTypeCreate); err != nil {
		return plan, err
	}
	made, description, err := changeSets(p).create(ctx, kind, plan)
	if errors.Is(err, errUnchanged) {
		if plan, err = p.planEmptyChangeSet(plan); err == nil {
			err = p.noteEmptyChangeSet(ctx, plan)
		}
		return plan, err
	}
	if err != nil {
		return plan, err
	}
	plan.changeSet = made
	sized, instances, err := withLiveSizes(ctx, p.stack, plan, description)
	if err != nil {
		return plan, err
	}
	if plan.Instances = instances; !sameSizes(p.spec, plan.inputs, sized) {
		return p.planWithSizes(ctx, plan, sized, kind)
	}
	return p.planFrom(ctx, plan, kind, description)
}

// planWithSizes makes another change set in place of one with outdated sizes of the group.
func (p planner) planWithSizes(ctx context.Context, plan stackPlan, in inputs, kind types.ChangeSetType) (stackPlan, error) {
	outdated := plan.changeSet
	plan.changeSet, plan.inputs = nil, in
	if err := changeSets(p).discard(ctx, outdated); err != nil {
		return plan, err
	}
	made, description, err := changeSets(p).create(ctx, kind, plan)
	if err != nil {
		return plan, err
	}
	plan.changeSet = made
	return p.planFrom(ctx, plan, kind, description)
}

// planFrom takes the plan from a change set's description.
func (p planner) planFrom(ctx context.Context, plan stackPlan, kind types.ChangeSetType,
	description *cloudformation.DescribeChangeSetOutput) (stackPlan, error) {
	plan.Action = map[types.ChangeSetType]Action{types.ChangeSetTypeCreate: Create, types.ChangeSetTypeUpdate: Update}[kind]
	plan.Parameters = plan.inputs.changes(plan.deployed)
	plan.Changes = p.changes(description)
	adopted, err := adopter{p}.dangersOf(ctx, plan.Changes)
	if err != nil {
		return plan, err
	}
	plan.Dangers = append(p.dangers(plan.Changes), adopted...)
	plan.Guard.noteChanges(plan.Changes, p.spec.Guard)
	if err := p.forecastPlan(ctx, &plan); err != nil {
		return plan, err
	}
	plan.Moves = plan.inputs.moves()
	if kind == types.ChangeSetTypeCreate || replacesInstances(description, plan.deployed) {
		if plan.Tasks, err = taskPlanner(p).plan(ctx, plan); err != nil {
			return plan, err
		}
	}
	return plan, p.guard(ctx, plan)
}

// planRemoval is the plan for a stack that must be deleted before it can be created. CloudFormation makes no change set for it,
// so all resources of the template are listed as new.
func (p planner) planRemoval(ctx context.Context, plan stackPlan) (stackPlan, error) {
	plan, err := p.planRepair(ctx, plan)
	if err != nil {
		return plan, err
	}
	if plan.Changes, err = p.additions(); err != nil {
		return plan, err
	}
	plan.Dangers, err = p.removalDangers(ctx, plan.deployed)
	return plan, err
}

// planRepair is the plan for a stack whose rollback must be continued, or that must be deleted, before there can be a change
// set.
func (p planner) planRepair(ctx context.Context, plan stackPlan) (stackPlan, error) {
	plan.Action, plan.Why = Repair, fmt.Sprintf("%s: %s", plan.deployed.Status, describeState(plan.deployed))
	return p.planOffline(ctx, plan)
}

// planLater is the plan for a stack whose inputs are not there yet.
func (p planner) planLater(ctx context.Context, plan stackPlan, why string) (stackPlan, error) {
	plan.Action, plan.Why = Later, why
	return p.planOffline(ctx, plan)
}

// additions lists the template's resources, all as new.
func (p planner) additions() ([]Change, error) {
	whole, err := p.template.whole()
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, id := range slices.Sorted(maps.Keys(whole.Resources)) {
		kind := whole.Resources[id].Type
		out = append(out, Change{LogicalID: id, Type: kind, Action: string(types.ChangeActionAdd), Origin: p.origin(id)})
	}
	return out, nil
}
