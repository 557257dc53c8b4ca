package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pebble/spacel/deploy/activity"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// sentinel is an error that steps hand on to each other. It is no failure by itself.
// The steps compare it with errors.Is. Only errStopped and errCancelled ever reach the user.
type sentinel string

// Error returns the text. A sentinel is a constant, so no code can change it.
func (s sentinel) Error() string { return string(s) }

const (
	errUnchanged = sentinel("there are no changes")            // a change set has none
	errOvertaken = sentinel("another operation came first")    // the plan is out of date, and is made again
	errStopped   = sentinel("stopped before anything changed") // Control.Stop came before the stack's operation
	errCancelled = sentinel("cancelled")                       // Control.Cancel undid the operation
)

// overtaken returns errOvertaken with CloudFormation's own words, which the user sees if it happens again and again.
func overtaken(err error) error {
	return fmt.Errorf("%w: %s", errOvertaken, strings.Join(strings.Fields(live.Message(err)), " "))
}

// words returns CloudFormation's words in an error of overtaken, empty for none.
func words(err error) string {
	_, said, _ := strings.Cut(err.Error(), string(errOvertaken)+": ")
	return said
}

// refusedError is a failure of one stack: AWS or deploy itself refuses the change.
type refusedError struct{ text string }

// Error returns the whole message. There is no cause to unwrap: it is in the text.
func (e *refusedError) Error() string { return e.text }

// refuse makes a refusedError from a format. Callers mask secrets before.
func refuse(format string, args ...any) error { return &refusedError{fmt.Sprintf(format, args...)} }

// refuseFor makes any error the stack's own failure.
func refuseFor(err error) error { return refuse("%v", err) }

// operationError is a failure of one stack: an operation in CloudFormation failed. It is explained by its ending.
type operationError struct{ ending live.Ending }

// Error is a short form for logs. The user sees the explanation made from the ending.
func (e *operationError) Error() string { return "the stack is " + string(e.ending.Status) }

// neverBegan is the failure of a stack whose operation CloudFormation accepted and did not begin.
func (s *stack) neverBegan(doing string, end live.Ending) error {
	return refuse("%s: CloudFormation accepted the call to %s, and did not begin within %s: the stack is still %s; "+
		"look at its events (spacel events), then run %s", s.ref(), doing, s.follower.Waits(), end.Status, s.command())
}

// lostError is an operation of ours that goes on, and that could not be followed.
type lostError struct{ error }

// Unwrap returns the reason for losing the operation.
func (e *lostError) Unwrap() error { return e.error }

// isInfrastructureError reports whether AWS or the network failed, as opposed to the stack (refusedError, operationError) or a
// stop requested by the user (sentinel).
func isInfrastructureError(err error) bool {
	if _, ok := errors.AsType[sentinel](err); ok || err == nil || errors.Is(err, live.ErrDetached) {
		return false
	}
	_, refused := errors.AsType[*refusedError](err)
	_, failed := errors.AsType[*operationError](err)
	return !refused && !failed
}

// failed wraps the error of a call with a description of the call.
func (s *stack) failed(doing string, err error) error {
	if live.IsRefusal(err) {
		// CloudFormation's messages can have several lines, which are joined, and can repeat a secret parameter's value.
		return refuse("%s: %s: %s", s.ref(), doing, s.mask(strings.Join(strings.Fields(live.Message(err)), " ")))
	}
	return fmt.Errorf("%s: %s: %w", s.ref(), doing, cloud.Explain(err))
}

// asFailure makes an error the stack's own failure if AWS refused the call.
func (s *stack) asFailure(err error) error {
	if live.IsRefusal(err) {
		return refuse("%s: %s", s.ref(), s.mask(err.Error()))
	}
	return err
}

// alwaysOvertaken is the failure of a stack in which others begin operations all the time. It ends with CloudFormation's last words.
func (s *stack) alwaysOvertaken(last error) error {
	said := words(last)
	if said != "" {
		said = " (CloudFormation says: " + s.mask(said) + ")"
	}
	return refuse("%s: other operations came first %d times%s: wait until nobody else deploys this stack, and run spacel %s again",
		s.ref(), maxOvertaken, said, s.verb())
}

// pauseOvertaken tells why a plan is made again, and waits, so that the other operation has time to show.
func (s *stack) pauseOvertaken(ctx context.Context, err error) error {
	s.tell(activity.Event{Kind: activity.Note, Reason: s.mask(err.Error()) + "; planning again"})
	return s.follower.Pause(ctx)
}
