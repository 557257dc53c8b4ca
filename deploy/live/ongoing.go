package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// TokenPrefix starts the ClientRequestToken of every operation that spacel begins, and the name of every change set.
const TokenPrefix = "spacel-"

// Ongoing describes an operation that somebody else began, or an earlier run of ours, as the stack's events show it.
type Ongoing struct {
	Status   types.StackStatus
	Token    string // the ClientRequestToken of its call, empty for none
	Since    time.Time
	InFlight []string // logical ids of the resources in progress, sorted
	Last     string   // id of the newest event
}

// String describes the operation in one line.
func (o Ongoing) String() string {
	text := fmt.Sprintf("%s since %s, begun by %s", o.Status, o.Since.UTC().Format(time.RFC3339), startedBy(o.Token))
	if len(o.InFlight) > 0 {
		text += "; in progress: " + strings.Join(o.InFlight, ", ")
	}
	return text
}

// Ongoing reads the operation that goes on in a stack.
func (s *Stacks) Ongoing(ctx context.Context, stack *Stack) (Ongoing, error) {
	begun := false
	// Events are read from the newest back to the first one of the operation, and one more, which tells that nothing is missing.
	events, err := s.EventsAfter(ctx, stack.StackRef, stack.ID, func(e Event) bool {
		was := begun
		begun = begun || e.begins()
		return was
	})
	o := Ongoing{Status: stack.Status, Since: stack.Updated}
	if stack.Updated.IsZero() {
		o.Since = stack.Created
	}
	running := map[string]bool{}
	for _, e := range events {
		switch {
		case e.begins():
			o.Token, o.Since = e.Token, e.Time
			clear(running)
		case e.OfStack:
		case strings.HasSuffix(e.Status, "_IN_PROGRESS"):
			running[e.Resource] = true
		default:
			delete(running, e.Resource)
		}
		o.Last = e.ID
	}
	o.InFlight = slices.Sorted(maps.Keys(running))
	return o, err
}

// begins reports whether an event is the first one of an operation. A rollback is a part of the operation that failed.
func (e Event) begins() bool {
	switch types.StackStatus(e.Status) {
	case types.StackStatusCreateInProgress, types.StackStatusUpdateInProgress,
		types.StackStatusDeleteInProgress, types.StackStatusImportInProgress:
		return e.OfStack
	}
	return false
}

// startedBy names the one who began an operation, by its token: "spacel-USER-RANDOM-NUMBER" is ours, and the console's tokens
// begin with "Console-".
func startedBy(token string) string {
	rest, ours := strings.CutPrefix(token, TokenPrefix)
	switch {
	case ours:
		parts := strings.Split(rest, "-")
		return "another spacel, of " + strings.Join(parts[:max(1, len(parts)-2)], "-")
	case strings.HasPrefix(token, "Console-"):
		return "someone in the console"
	case token == "":
		return "someone"
	}
	return "someone with the token " + token
}
