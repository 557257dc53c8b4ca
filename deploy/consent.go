package deploy

import (
	"context"
	"errors"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// Consent is who is asked before something happens. Questions come one at a time. An answer of false is no; an error means
// that there is nobody to ask, or that asking failed, and says what to do about it.
type Consent interface {
	// Confirm asks, once and first, whether the plan is to be carried out. A plan without anything to do is not asked about.
	Confirm(ctx context.Context, plan *Plan) (bool, error)

	// Dangers asks about dangers of a stack that Options.AllowReplace does not name: before anything starts about those of
	// the plan, later about those that only then come to light.
	Dangers(ctx context.Context, stack StackPlan, dangers []Danger) (bool, error)

	// SkipResources asks whether a rollback that failed again may leave these resources as they are. They are then not what
	// the stack's template says until the next update mends them.
	SkipResources(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error)

	// LeaveBehind asks whether a stack that is to be deleted may be deleted without these resources, which stay and are
	// nobody's any more.
	LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error)
}

// ErrDeclined is what Execute returns when the plan was not confirmed. Nothing was changed.
var ErrDeclined = errors.New("not confirmed: nothing was changed")
