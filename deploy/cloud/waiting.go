package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// A call may take long: AWS is slow or throttles, or the connection is down and the call is tried again. The user is told
// while it goes on, in every command, because this is the only place through which all calls pass.

// attempt is the state of a call without an answer so far.
type attempt struct {
	mu     sync.Mutex
	number int
	failed error // of the attempt before, nil for none
}

// attemptKey is the key of *attempt in a call's context.
type attemptKey struct{}

// tellOfWaiting adds the two steps to a client: around the whole call, and around each attempt.
func (c *Cloud) tellOfWaiting(stack *middleware.Stack) error {
	return errors.Join(
		stack.Initialize.Add(middleware.InitializeMiddlewareFunc("spacel:TellOfWaiting", c.tellOfCall), middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("spacel:NoteAttempt", c.noteAttempt), middleware.Before),
	)
}

// tellOfCall tells the user again and again while a call goes on, until it has an answer or fails. The goroutine ends with the
// call. Without a listener (waiting is nil) it adds nothing.
func (c *Cloud) tellOfCall(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	if c.waiting == nil {
		return next.HandleInitialize(ctx, in)
	}
	state := &attempt{}
	began, done := time.Now(), make(chan struct{})
	defer close(done)
	go func() {
		ticker := time.NewTicker(c.timing.notice())
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				c.tell(ctx, state, time.Since(began))
			}
		}
	}()
	return next.HandleInitialize(context.WithValue(ctx, attemptKey{}, state), in)
}

// noteAttempt remembers the failure of an attempt, and an answer of any kind.
func (c *Cloud) noteAttempt(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	state, ok := ctx.Value(attemptKey{}).(*attempt)
	if ok {
		state.mu.Lock()
		state.number++
		state.mu.Unlock()
	}
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if out.RawResponse != nil && !isUnreachable(err) {
		c.answered.Store(true)
	}
	if ok {
		state.mu.Lock()
		state.failed = err
		state.mu.Unlock()
	}
	return out, metadata, err
}

// tell reports a call without an answer so far. Many calls may wait at a time, and one line says enough.
func (c *Cloud) tell(ctx context.Context, state *attempt, since time.Duration) {
	c.mu.Lock()
	now := time.Now()
	// told is shared by all calls of the run: the first call that has waited for long enough speaks for the others.
	recent := now.Sub(c.told) < c.timing.notice()/2
	if !recent {
		c.told = now
	}
	c.mu.Unlock()
	if recent {
		return
	}
	state.mu.Lock()
	defer state.mu.Unlock()
	call := &smithy.OperationError{ServiceID: awsmiddleware.GetServiceID(ctx), OperationName: awsmiddleware.GetOperationName(ctx)}
	text := fmt.Sprintf("no usable answer to %s in %s after %s", action(call), awsmiddleware.GetRegion(ctx), since.Round(time.Second))
	if state.number > 1 {
		text += fmt.Sprintf(" (attempt %d)", state.number)
	}
	if state.failed != nil {
		text += ": " + briefly(state.failed)
	}
	c.waiting(text)
}

// briefly explains the failure of one attempt.
func briefly(err error) string {
	if answer, ok := errors.AsType[*AnswerError](err); ok {
		return answer.Error()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Sprintf("%s (%s)", api.ErrorMessage(), api.ErrorCode())
	}
	if text := explainConnection(err); text != "" {
		return text
	}
	return last(err).Error()
}

// isUnreachable reports whether a call failed before there was an answer.
func isUnreachable(err error) bool {
	_, ok := errors.AsType[*url.Error](err)
	return ok
}
