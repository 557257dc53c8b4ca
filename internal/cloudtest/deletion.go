package cloudtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// removal returns the steps that delete resources which a stack no longer needs. A resource that cannot be deleted
// does not fail the stack. replaced says that new resources took their places: then UpdateReplacePolicy decides and
// not DeletionPolicy.
func (e *engine) removal(s *stack, gone []*resource, replaced bool) []step {
	var all []step
	for _, r := range gone {
		all = append(all, func(at time.Time) []step {
			policy := r.Definition.DeletionPolicy
			if replaced {
				policy = r.Definition.UpdateReplacePolicy
			}
			return e.remove(s, r, policyOf(policy, r.Definition), at, func(string) {})
		})
	}
	return all
}

// remove deletes one resource in two steps, or keeps it in one if its policy says so.
func (e *engine) remove(s *stack, r *resource, policy string, at time.Time, failed func(logical string)) []step {
	if !r.exists() {
		if r.Physical == "" { // it was never created
			s.mark(at, r, types.ResourceStatusDeleteComplete, "")
		}
		return nil
	}
	if strings.HasPrefix(policy, "Retain") {
		e.retain(s, r, at)
		return nil
	}
	s.mark(at, r, types.ResourceStatusDeleteInProgress, "")
	return []step{func(at time.Time) []step {
		reason := e.failure(s, r.Logical, Delete)
		if reason == "" {
			reason = r.protection()
		}
		if reason != "" {
			s.mark(at, r, types.ResourceStatusDeleteFailed, reason)
			failed(r.Logical)
			return nil
		}
		if policy == "Snapshot" {
			e.snapshots = append(e.snapshots, asset{s.region, r.Type, r.Physical})
		}
		if r.group != nil && r.Type == groupType {
			// CloudFormation sets the sizes to 0 and waits until the instances are gone (User Guide, "Delete stack fails" speaks of groups
			// that still have instances).
			r.group.Min, r.group.Max, r.group.Desired = 0, 0, 0
			r.group.Settle()
		}
		if r.Type == alarmType {
			delete(e.alarms, s.region+"/"+r.Physical)
		}
		s.mark(at, r, types.ResourceStatusDeleteComplete, "")
		return nil
	}}
}

// protection returns the reason for which AWS refuses to delete a protected database, "" if it does not. The words are RDS's
// (github.com/hashicorp/terraform-provider-aws/issues/7041).
func (r *resource) protection() string {
	if strings.HasPrefix(r.Type, "AWS::RDS::DB") && fmt.Sprint(r.Properties["DeletionProtection"]) == "true" {
		return "Cannot delete protected DB Instance, please disable deletion protection and try again. (Service: Rds, Status Code: 400)"
	}
	return ""
}

// retain takes a resource out of its stack and leaves it in the account (DELETE_SKIPPED). A later stack can import it, and a
// resource of the same name cannot be created.
func (e *engine) retain(s *stack, r *resource, at time.Time) {
	e.retained = append(e.retained, asset{s.region, r.Type, r.Physical})
	if r.Type == "AWS::DynamoDB::Table" {
		e.keepTable(s.region, r.Physical, tableOf(r))
	}
	s.mark(at, r, types.ResourceStatusDeleteSkipped, "")
}

// deletion returns the steps that delete all of a stack's resources, the last created first, and end in the state
// good or bad. creating says a failed creation is undone: RetainExceptOnCreate then deletes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func (e *engine) deletion(s *stack, creating bool, good, bad types.StackStatus, keep ...string) []step {
	var all []step
	var stuck []string
	for _, r := range s.newestFirst() {
		all = append(all, func(at time.Time) []step {
			policy := policyOf(r.Definition.DeletionPolicy, r.Definition)
			switch {
			// The caller's RetainResources counts more than the template's policy.
			case slices.Contains(keep, r.Logical):
				policy = "Retain"
			case creating && policy == "RetainExceptOnCreate" && !r.Imported:
				policy = "Delete"
			}
			return e.remove(s, r, policy, at, func(logical string) { stuck = append(stuck, logical) })
		})
	}
	return append(all, func(at time.Time) []step {
		if len(stuck) > 0 {
			s.set(at, bad, fmt.Sprintf("The following resource(s) failed to delete: %s. ", bracketed(stuck)))
			return nil
		}
		s.set(at, good, "")
		if good == types.StackStatusDeleteComplete {
			// From now on the stack is found by its id only, and its name is free.
			s.deleted = at
		}
		return nil
	})
}

// newestFirst returns the resources of the stack, dependents before their dependencies.
func (s *stack) newestFirst() []*resource {
	var all []*resource
	if s.inputs.template == nil {
		return nil
	}
	for _, level := range slices.Backward(s.scope(s.inputs).active()) {
		for _, logical := range level {
			if r := s.resources[logical]; r != nil {
				all = append(all, r)
			}
		}
	}
	return all
}

// deleteStack starts the deletion. It succeeds for a stack that does not exist, as on AWS.
func (c *call) deleteStack(in *cloudformation.DeleteStackInput) (*cloudformation.DeleteStackOutput, error) {
	s := c.find(in.StackName)
	out := &cloudformation.DeleteStackOutput{}
	// The SDK may repeat the call, so it also succeeds while the deletion runs and after it has ended.
	if s == nil || !s.deleted.IsZero() || s.status == types.StackStatusDeleteInProgress {
		return out, nil // it succeeds whenever there is nothing to do
	}
	if err := s.mayDelete(in); err != nil {
		return nil, err
	}
	c.accept(s, func(at time.Time) {
		if s.deleted.IsZero() && s.status != types.StackStatusDeleteInProgress && s.mayDelete(in) == nil {
			c.beginDeletion(s, in, at)
		}
	})
	return out, nil
}

// beginDeletion puts the stack into DELETE_IN_PROGRESS and plans the deletion of its resources.
func (c *call) beginDeletion(s *stack, in *cloudformation.DeleteStackInput, at time.Time) {
	bad, keep := types.StackStatusDeleteFailed, in.RetainResources
	if in.DeletionMode == types.DeletionModeForceDeleteStack {
		// FORCE_DELETE_STACK retains the resources that failed to be deleted the last time, without a list from the caller.
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
		keep = append(keep, s.stuckResources()...)
	}
	c.engine.begin(s, at, types.OperationTypeDeleteStack, aws.ToString(in.ClientRequestToken))
	s.set(at, types.StackStatusDeleteInProgress, "User Initiated")
	s.operation.queue = c.engine.deletion(s, false, types.StackStatusDeleteComplete, bad, keep...)
}

// mayDelete checks termination protection, the state, and that RetainResources names only resources that failed to be
// deleted.
func (s *stack) mayDelete(in *cloudformation.DeleteStackInput) error {
	failed := s.status == types.StackStatusDeleteFailed
	switch {
	case s.protected:
		return invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", s.name)
	case len(in.RetainResources) > 0 && !failed:
		return invalid("Invalid operation on stack [%s]. RetainResources can only be specified when the stack is in the DELETE_FAILED "+
			"state.", s.id)
	case in.DeletionMode == types.DeletionModeForceDeleteStack && !failed:
		return invalid("Invalid operation on stack [%s]. FORCE_DELETE_STACK can only be specified when the stack is in the DELETE_FAILED "+
			"state.", s.id)
	// A creation can be interrupted by a deletion. An update cannot: it has to be cancelled and rolled back first.
	case s.busy() && s.status != types.StackStatusCreateInProgress && s.status != types.StackStatusReviewInProgress:
		return invalid("Stack [%s] cannot be deleted while in status %s", s.id, s.status)
	}
	for _, logical := range in.RetainResources {
		if r := s.resources[logical]; r == nil || r.Status != types.ResourceStatusDeleteFailed {
			return invalid("Resource [%s] is not in the DELETE_FAILED state and cannot be retained", logical)
		}
	}
	return nil
}

// stuckResources returns the logical ids of the resources that the last deletion could not delete.
func (s *stack) stuckResources() []string {
	var all []string
	for _, r := range s.newestFirst() {
		if r.Status == types.ResourceStatusDeleteFailed {
			all = append(all, r.Logical)
		}
	}
	return all
}
