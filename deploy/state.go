package deploy

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/deploy/live"
)

// step is the next work on a stack, by its state.
type step string

const (
	toCreate step = "create" // a change set that creates
	toUpdate step = "update" // a change set that updates
	toRemove step = "remove" // delete the remains, then create
	toResume step = "resume" // continue the rollback, then update
	toWait   step = "wait"   // until the operation has ended, then read the state again
	toRefuse step = "refuse" // deploy knows no safe step
)

// stepFor is the one table of stack states (CloudFormation User Guide, "Stack status codes").
func stepFor(s *live.Stack) step {
	if s == nil {
		return toCreate
	}
	switch s.Status {
	case types.StackStatusReviewInProgress, // change sets alone: another creates as well
		types.StackStatusDeleteComplete:
		return toCreate
	case types.StackStatusCreateComplete,
		types.StackStatusUpdateComplete,
		types.StackStatusUpdateRollbackComplete,
		types.StackStatusUpdateFailed, // someone updated it with rollback off
		types.StackStatusImportComplete,
		types.StackStatusImportRollbackComplete:
		return toUpdate
	case types.StackStatusCreateFailed, // these take no update
		types.StackStatusRollbackComplete,
		types.StackStatusRollbackFailed,
		types.StackStatusDeleteFailed:
		return toRemove
	case types.StackStatusUpdateRollbackFailed:
		return toResume
	}
	// Every state with this ending passes by itself, those that CloudFormation may add, too.
	if strings.HasSuffix(string(s.Status), "_IN_PROGRESS") {
		return toWait
	}
	return toRefuse // IMPORT_ROLLBACK_FAILED, and states that CloudFormation may add
}

// isDeployed reports whether there is a stack to update, now or after its operation has ended.
func isDeployed(s *live.Stack) bool {
	switch stepFor(s) {
	case toUpdate, toWait, toResume:
		return true
	}
	return false
}

// succeeded reports whether an operation that ended in this state did its work.
func succeeded(status types.StackStatus) bool {
	switch status {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusImportComplete:
		return true
	}
	return false
}

// describeState explains a state in which a stack needs more than a change set.
func describeState(s *live.Stack) string {
	switch s.Status {
	case types.StackStatusCreateFailed, types.StackStatusRollbackComplete:
		return "an earlier creation failed: what is left of it is deleted, and the stack is created again"
	case types.StackStatusRollbackFailed:
		return "an earlier creation failed and could not be rolled back: what is left of it is deleted, and the stack is created again"
	case types.StackStatusDeleteFailed:
		return "an earlier deletion failed: it is finished, and the stack is created again"
	case types.StackStatusUpdateRollbackFailed:
		return "an earlier update failed and could not be rolled back: the rollback is continued, and the stack is updated"
	}
	return ""
}
