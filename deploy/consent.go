package deploy

import (
	"context"
	"errors"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// Consent asks the user before something happens. Questions come one at a time. The answer false means no. An error means that
// there is nobody to ask, or that asking failed, and contains advice.
type Consent interface {
	// Confirm asks, once and first, whether to carry the plan out. There is no question about a plan that changes nothing.
	Confirm(ctx context.Context, plan *Plan) (bool, error)

	// Dangers asks about the dangers of a stack that Options.AllowReplace does not name: about those of the plan before anything
	// starts, and about new ones later.
	Dangers(ctx context.Context, stack StackPlan, dangers []Danger) (bool, error)

	// SkipResources asks whether a rollback that failed again may skip these resources. They then differ from the stack's
	// template until the next update changes them.
	SkipResources(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error)

	// LeaveBehind asks whether to delete a stack without these resources, which then stay in the account outside of any stack.
	LeaveBehind(ctx context.Context, stack assembly.StackRef, failed []live.FailedResource) (bool, error)
}

// ErrDeclined is returned by Execute when the user did not confirm the plan. Nothing was changed.
var ErrDeclined = errors.New("not confirmed: nothing was changed")
