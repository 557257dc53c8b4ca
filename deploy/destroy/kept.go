package destroy

import (
	"context"
	"slices"

	"github.com/pebble/spacel/deploy/live"
)

// isOptional reports whether a parameter may be empty. The compiler gives an optional parameter the default "".
func isOptional(t *live.Template, parameter string) bool {
	return t != nil && t.Parameters[parameter].Default == ""
}

// keeps reports whether something of a resource with this DeletionPolicy stays in the account. RetainExceptOnCreate keeps it here,
// too: the exception is only for a creation that fails.
func keeps(policy string) bool {
	return slices.Contains([]string{"Retain", "RetainExceptOnCreate", "Snapshot"}, policy)
}

// readTemplate reads a stack's template as it was deployed, and returns its outline, since the survey holds those of all stacks. A stack
// that only holds change sets has an empty one.
func (s *survey) readTemplate(ctx context.Context, stack *live.Stack) (*live.Template, error) {
	if !stack.Exists() {
		return &live.Template{}, nil
	}
	whole, err := s.stacks.Template(ctx, stack)
	if err != nil {
		return nil, err
	}
	return whole.Outline(), nil
}

// readResources lists the current resources of a stack, none for a stack that only holds change sets.
func (s *survey) readResources(ctx context.Context, stack *live.Stack) ([]Resource, error) {
	if !stack.Exists() {
		return nil, nil
	}
	all, err := s.stacks.Resources(ctx, stack)
	var found []Resource
	for _, r := range all {
		found = append(found, Resource{LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type})
	}
	return found, err
}
