package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"

	"github.com/pebble/spacel/deploy/cloud"
)

func (j *job) cloudFormation() *cloudformation.Client {
	return j.cloud.Region(j.stack.Region).CloudFormation()
}

// isCode says whether AWS answered with one of these codes.
func isCode(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}

// messageOf is what AWS said, empty if it said nothing.
func messageOf(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return ""
	}
	return api.ErrorMessage()
}

// Codes of answers. CloudFormation says them without the word Exception, emulators sometimes with it.
func isGone(err error) bool {
	return isCode(err, "ChangeSetNotFound", "ChangeSetNotFoundException") ||
		isCode(err, "ValidationError") && strings.Contains(messageOf(err), "does not exist")
}

// isOvertaken says that the stack or the change set is no longer in the state that the call was made for: someone else was
// quicker.
func isOvertaken(err error) bool {
	return isGone(err) ||
		isCode(err, "InvalidChangeSetStatus", "InvalidChangeSetStatusException", "OperationInProgressException") ||
		isCode(err, "ValidationError") && (strings.Contains(messageOf(err), "state and can") || strings.Contains(messageOf(err), "cannot be created again"))
}

// isDuplicate says that the same call was made before.
func isDuplicate(err error) bool {
	return isCode(err, "AlreadyExistsException", "TokenAlreadyExistsException")
}

// isRefusal says that AWS understood the call and will not do it: calling again does not help, and it is no fault of the
// connection.
func isRefusal(err error) bool {
	return isCode(err, "ValidationError", "InsufficientCapabilities", "InsufficientCapabilitiesException", "LimitExceeded", "LimitExceededException",
		"AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
}

// refusedError is what stands in one stack's way. It is that stack's failure, and not the world's.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

func refuse(format string, args ...any) error { return &refusedError{fmt.Sprintf(format, args...)} }

// worldError wraps the error of a call that is not about one stack's content.
func worldError(doing string, err error) error {
	return fmt.Errorf("%s: %w", doing, cloud.Explain(err))
}

// failed wraps the error of a call with what was being done, and to what.
func (j *job) failed(doing string, err error) error {
	if isRefusal(err) {
		return refuse("%s: %s: %s", j.ref(), doing, j.mask(strings.Join(strings.Fields(messageOf(err)), " ")))
	}
	return fmt.Errorf("%s: %s: %w", j.ref(), doing, cloud.Explain(err))
}
