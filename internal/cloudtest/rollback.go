package cloudtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// fail returns the steps after a failure: keep, delete or roll back, as the change set said.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
func (g *change) fail(at time.Time) []step {
	g.set.execution = types.ExecutionStatusExecuteFailed
	if g.set.kind == types.ChangeSetTypeUpdate {
		return g.failUpdate(at, fmt.Sprintf("The following resource(s) failed to update: %s. ", bracketed(g.failed)))
	}
	reason := fmt.Sprintf("The following resource(s) failed to create: %s. ", bracketed(g.failed))
	switch {
	// CREATE_FAILED with the resources kept (DO_NOTHING): the next change set can go on from there.
	case g.keep:
		g.s.set(at, g.status("_FAILED"), reason)
		return nil
	case g.onFailure == types.OnStackFailureDelete:
		g.s.set(at, types.StackStatusDeleteInProgress, reason+"Delete requested by user.")
		return g.engine.deletion(g.s, true, types.StackStatusDeleteComplete, types.StackStatusDeleteFailed)
	case g.set.kind == types.ChangeSetTypeImport:
		g.s.set(at, types.StackStatusImportRollbackInProgress, reason+"Rollback requested by user.")
		return g.engine.deletion(g.s, true, types.StackStatusImportRollbackComplete, types.StackStatusImportRollbackFailed)
	}
	g.s.set(at, types.StackStatusRollbackInProgress, reason+"Rollback requested by user.")
	return g.engine.deletion(g.s, true, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed)
}

// cancel returns the steps of an update which the user cancelled.
func (g *change) cancel(at time.Time) []step {
	g.cancelOngoing(at)
	g.set.execution = types.ExecutionStatusExecuteFailed
	return g.rollBack(at, "User Initiated")
}

// failUpdate keeps the changed resources if rollback is disabled (UPDATE_FAILED), else it rolls back.
func (g *change) failUpdate(at time.Time, reason string) []step {
	if g.keep {
		g.s.set(at, types.StackStatusUpdateFailed, reason)
		return nil
	}
	return g.rollBack(at, reason)
}

// rollBack undoes an update: first the updated resources, then the created ones.
func (g *change) rollBack(at time.Time, reason string) []step {
	g.s.set(at, types.StackStatusUpdateRollbackInProgress, reason)
	// From here on the stack has the template and parameters of before, although its resources are not restored yet.
	g.s.inputs = g.before
	return g.undo(g.touched())
}

// touched returns the resources that were updated, the last first.
func (g *change) touched() []string {
	var all []string
	for _, logical := range slices.Backward(g.order) {
		if g.saved[logical] != nil {
			all = append(all, logical)
		}
	}
	return all
}

// undo returns the steps that restore resources and then clean up. If a resource cannot be restored, the stack stops
// in UPDATE_ROLLBACK_FAILED.
func (g *change) undo(logicals []string) []step {
	var stuck []string
	var all []step
	for _, logical := range logicals {
		all = append(all, func(at time.Time) []step {
			g.s.mark(at, g.s.resources[logical], types.ResourceStatusUpdateInProgress, "")
			return nil
		}, func(at time.Time) []step {
			if reason := g.engine.failure(g.s, logical, Undo); reason != "" {
				g.s.mark(at, g.s.resources[logical], types.ResourceStatusUpdateFailed, reason)
				stuck = append(stuck, logical)
				return nil
			}
			if err := g.restore(at, logical); err != nil {
				g.s.mark(at, g.s.resources[logical], types.ResourceStatusUpdateFailed, err.Error())
				stuck = append(stuck, logical)
			}
			return nil
		})
	}
	return append(all, func(at time.Time) []step {
		if len(stuck) > 0 {
			g.s.stopRollback(at, stuck, func(skip []string) []step { return g.resume(stuck, skip) })
			return nil
		}
		return g.cleanUp(at)
	})
}

// stopRollback leaves a stack in UPDATE_ROLLBACK_FAILED, and keeps the function that ContinueUpdateRollback goes on
// with.
func (s *stack) stopRollback(at time.Time, stuck []string, resume func(skip []string) []step) {
	s.resume = resume
	s.set(at, types.StackStatusUpdateRollbackFailed, fmt.Sprintf("The following resource(s) failed to update: %s. ", bracketed(stuck)))
}

// resume tries again to undo the resources that failed. The skipped ones count as done.
func (g *change) resume(stuck, skip []string) []step {
	again := slices.DeleteFunc(slices.Clone(stuck), func(logical string) bool { return slices.Contains(skip, logical) })
	skipping := func(at time.Time) []step {
		for _, logical := range skip {
			g.s.mark(at, g.s.resources[logical], types.ResourceStatusUpdateComplete, "Resource skipped")
		}
		return nil
	}
	return append([]step{skipping}, g.undo(again)...)
}

// restore puts a resource back to its state before the update. Only a group whose instances do not boot gives an error.
func (g *change) restore(at time.Time, logical string) error {
	now := g.s.resources[logical]
	old := g.saved[logical]
	if err := g.restoreGroup(now, old); err != nil {
		return err
	}
	// A replaced resource is restored by using the old one again: it still exists. The new one is deleted in the clean-up.
	if now.Physical != old.Physical {
		g.obsolete = slices.DeleteFunc(g.obsolete, func(r *resource) bool { return r == old })
		g.obsolete = append(g.obsolete, now)
	}
	// Restoring is an update, too: a launch template gets one more version with the old content.
	old.Revision = now.Revision + 1
	g.s.resources[logical] = old
	g.s.mark(at, old, types.ResourceStatusUpdateComplete, "")
	return nil
}

// cleanUp deletes the resources which the failed update created.
func (g *change) cleanUp(at time.Time) []step {
	g.s.set(at, types.StackStatusUpdateRollbackCompleteCleanupInProgress, "")
	fresh := g.obsolete
	for _, logical := range slices.Backward(g.order) {
		if r := g.s.resources[logical]; g.saved[logical] == nil && r != nil {
			fresh = append(fresh, r)
		}
	}
	return append(g.engine.removal(g.s, fresh, true), func(at time.Time) []step {
		g.s.outputs = g.s.findOutputs()
		g.s.set(at, types.StackStatusUpdateRollbackComplete, "")
		return nil
	})
}
