package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Explain replaces the SDK's chain of errors by one plain sentence: the answer of AWS, and the next step. Text that
// callers wrapped around the chain stays, and errors.As and errors.Is still find every error in it.
func Explain(err error) error {
	if _, already := errors.AsType[*explainedError](err); already {
		return err
	}
	call, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return explainBody(err)
	}
	return &explainedError{text: strings.Replace(err.Error(), call.Error(), sentence(call), 1), err: err}
}

// explainBody explains the error about a body that stopped, which has no call around it: limitedBody returns it.
func explainBody(err error) error {
	request, ok := errors.AsType[*url.Error](err)
	if !ok || !errors.Is(request, errHung{}) {
		return err
	}
	return &explainedError{text: strings.Replace(err.Error(), request.Error(), explainConnection(request), 1), err: err}
}

// explainedError is an error with another text.
type explainedError struct {
	text string
	err  error
}

// Error returns the plain sentence. Unwrap keeps the SDK's errors for errors.As and errors.Is.
func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }

// sentence tries the kinds of failure in turn, the most specific first. A call can fail because another call failed
// which it needed, for example the one that gets credentials.
func sentence(call *smithy.OperationError) string {
	inner := innermost(call)
	switch {
	case errors.Is(call, context.Canceled):
		return "interrupted"
	case isUnreachable(inner) && tries(inner) != "": // the time limit of an attempt, and not the caller's
		return explainConnection(inner)
	case errors.Is(call, context.DeadlineExceeded) || strings.Contains(call.Error(), "would exceed context deadline"):
		return "no answer in time"
	}
	if answer, ok := errors.AsType[*AnswerError](inner); ok {
		return action(inner) + tries(inner) + ": " + answer.Error()
	}
	if text := explainCredentials(call, inner); text != "" {
		return text
	}
	if api, ok := errors.AsType[smithy.APIError](inner); ok {
		return explainAnswer(inner, api)
	}
	if text := explainConnection(inner); text != "" {
		return text
	}
	if code := status(inner); code != 0 {
		return fmt.Sprintf("the answer to %s%s cannot be read (HTTP status %d): %s", action(inner), tries(inner), code, last(call))
	}
	return last(call).Error()
}

// innermost returns the call that failed first. A call for credentials, for example, is inside of the call that needs them.
func innermost(call *smithy.OperationError) *smithy.OperationError {
	for {
		inner, ok := errors.AsType[*smithy.OperationError](call.Err)
		if !ok {
			return call
		}
		call = inner
	}
}

// last returns the innermost error of a chain.
func last(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// explainAnswer explains an error that AWS answered with.
func explainAnswer(call *smithy.OperationError, api smithy.APIError) string {
	code, message := api.ErrorCode(), strings.TrimSpace(api.ErrorMessage())
	if message == code || message == "UnknownError" { // the SDK puts these where AWS sent no message
		message = ""
	}
	if text := explainRefusal(call, code, message); text != "" {
		return text
	}
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return fmt.Sprintf("AWS throttles %s%s: other tools may be using the account's limit up; run it again later", action(call),
			tries(call))
	}
	if message == "" {
		message = "AWS gives no reason"
	}
	if status(call) >= http.StatusInternalServerError {
		return fmt.Sprintf("AWS fails to answer %s%s: %s (%s%s); run it again later", action(call), tries(call), message, code,
			requestID(call))
	}
	return fmt.Sprintf("%s (%s%s)", strings.TrimSuffix(message, "."), code, requestID(call))
}

// tries returns the number of attempts for a message, "" if the call was made once.
func tries(call error) string {
	if most, ok := errors.AsType[*retry.MaxAttemptsError](call); ok {
		return fmt.Sprintf(" after %d attempts", most.Attempt)
	}
	return ""
}

// status returns the HTTP status of the answer, 0 if there was none.
func status(call error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](call); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// requestID returns the id that AWS Support asks for, "" if the answer had none.
func requestID(call error) string {
	if response, ok := errors.AsType[*awshttp.ResponseError](call); ok && response.RequestID != "" {
		return ", request " + response.RequestID
	}
	return ""
}

// IncompleteError is an answer of status 200 without the elements which the call asked for, or about something else. AWS does
// not answer so. A proxy, or an emulator, does.
type IncompleteError struct {
	Call string // as in IAM policies, such as cloudformation:DescribeStacks
	What string // in the answer, in words
}

// Error names the call and the unusable answer, and the endpoint as the likely cause.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("the answer to %s is unusable (HTTP status 200): it has %s; check the endpoint and a proxy between here and AWS",
		e.Call, e.What)
}

// Incomplete returns the error for an unusable answer.
func Incomplete(call, what string) error { return &IncompleteError{Call: call, What: what} }
