package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Explain puts one plain sentence in place of the SDK's chain of errors: what AWS says, and what to do next. What the error
// says around the chain stays, and errors.As and errors.Is find what they found.
func Explain(err error) error {
	call, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return err
	}
	if _, already := errors.AsType[*explainedError](err); already {
		return err
	}
	return &explainedError{text: strings.Replace(err.Error(), call.Error(), sentence(call), 1), err: err}
}

// explainedError is an error in other words.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }

// sentence tries the kinds of failure, the most telling first. A call may have failed in one that it needed: for credentials.
func sentence(call *smithy.OperationError) string {
	inner := innermost(call)
	switch {
	case errors.Is(call, context.Canceled):
		return "interrupted"
	case errors.Is(call, context.DeadlineExceeded) || strings.Contains(call.Error(), "would exceed context deadline"):
		return "no answer in time"
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
	return last(call).Error()
}

// innermost is the call that failed first.
func innermost(call *smithy.OperationError) *smithy.OperationError {
	for {
		inner, ok := errors.AsType[*smithy.OperationError](call.Err)
		if !ok {
			return call
		}
		call = inner
	}
}

// last is the innermost error of a chain.
func last(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// explainAnswer is for an answer of AWS's that is an error.
func explainAnswer(call *smithy.OperationError, api smithy.APIError) string {
	code, message := api.ErrorCode(), strings.TrimSpace(api.ErrorMessage())
	if message == code || message == "UnknownError" { // the SDK's words for none
		message = ""
	}
	if text := explainRefusal(call, code, message); text != "" {
		return text
	}
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return fmt.Sprintf("AWS throttles %s%s: other tools may be using the account's limit up; run it again later", action(call), tries(call))
	}
	if message == "" {
		message = "AWS gives no reason"
	}
	if status(call) >= http.StatusInternalServerError {
		return fmt.Sprintf("AWS fails to answer %s%s: %s (%s%s); run it again later", action(call), tries(call), message, code, requestID(call))
	}
	return fmt.Sprintf("%s (%s%s)", strings.TrimSuffix(message, "."), code, requestID(call))
}

// tries says how often a call was made, if more than once.
func tries(call error) string {
	if most, ok := errors.AsType[*retry.MaxAttemptsError](call); ok {
		return fmt.Sprintf(" after %d attempts", most.Attempt)
	}
	return ""
}

func status(call error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](call); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// requestID is what AWS's support asks for.
func requestID(call error) string {
	if response, ok := errors.AsType[*awshttp.ResponseError](call); ok && response.RequestID != "" {
		return ", request " + response.RequestID
	}
	return ""
}
