package live

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// This file is the one place that knows the meaning of CloudFormation's refusals. Many of them share the code ValidationError
// and differ in their message only. CloudFormation names codes without the word Exception, some emulators with it.

// IsCode reports whether AWS answered with one of these error codes.
func IsCode(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}

// Message returns the message of AWS's answer, empty if the error is no answer of AWS.
func Message(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return ""
	}
	return api.ErrorMessage()
}

// IsAnswer reports whether the error is an answer of AWS, as opposed to a broken connection, after which the call may have arrived.
func IsAnswer(err error) bool {
	_, ok := errors.AsType[smithy.APIError](err)
	return ok
}

// isInvalid reports whether CloudFormation answered ValidationError with one of these wordings in its message.
func isInvalid(err error, wordings ...string) bool {
	return IsCode(err, "ValidationError") &&
		slices.ContainsFunc(wordings, func(w string) bool { return strings.Contains(Message(err), w) })
}

// IsGone reports whether the stack or the change set does not exist. For a stack CloudFormation answers ValidationError, its
// code for invalid input, too, so the message decides.
func IsGone(err error) bool {
	return IsCode(err, "ChangeSetNotFound", "ChangeSetNotFoundException") || isInvalid(err, "does not exist")
}

// IsOvertaken reports whether the stack or the change set has changed its state since the caller read it, because somebody
// else's operation came first.
func IsOvertaken(err error) bool {
	return IsGone(err) ||
		IsCode(err, "InvalidChangeSetStatus", "InvalidChangeSetStatusException", "OperationInProgressException") ||
		isInvalid(err, "state and can", "cannot be created again")
}

// IsChangeSetBusy reports whether a change set can be neither executed nor deleted now: it is still being made, or it is
// executed already.
func IsChangeSetBusy(err error) bool {
	return IsCode(err, "InvalidChangeSetStatus", "InvalidChangeSetStatusException")
}

// IsDuplicate reports whether the same call arrived before.
func IsDuplicate(err error) bool {
	return IsCode(err, "AlreadyExistsException", "TokenAlreadyExistsException")
}

// IsRefusal reports whether AWS understood the call and will not do it. The same call would fail again, and the connection is
// not at fault.
func IsRefusal(err error) bool {
	return IsCode(err, "ValidationError", "InsufficientCapabilities", "InsufficientCapabilitiesException", "LimitExceeded",
		"LimitExceededException", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
}

// IsUnchanged reports whether CloudFormation refuses an update or a change set because it would change nothing.
func IsUnchanged(err error) bool { return SaysUnchanged(Message(err)) }

// SaysUnchanged reports whether a text of CloudFormation (a message, or a failed change set's reason) says that there is
// nothing to change.
func SaysUnchanged(text string) bool {
	text = strings.ToLower(text)
	for _, wording := range []string{
		"didn't contain changes", // a change set's reason: The submitted information didn't contain changes. Submit different …
		"did not contain changes",
		"no updates are to be performed", // of templates with transforms, and of UpdateStack
		"no changes to deploy",
		"no changes to perform",
		"no changes detected",
	} {
		if strings.Contains(text, wording) {
			return true
		}
	}
	return false
}
