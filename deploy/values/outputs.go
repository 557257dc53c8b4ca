package values

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
)

// output returns an output of another stack, which may be in another region. While a required output is missing, the
// value is Pending and the stack waits. A missing optional output is the empty string.
func (r *Resolver) output(ctx context.Context, q question, o assembly.Output) (Value, error) {
	from := assembly.StackRef{Region: o.Region, Name: o.Stack}
	stack, err := r.live.Get(ctx, from)
	if err != nil {
		return Value{}, err
	}
	if stack.Exists() && stack.Orbit() != q.orbit() {
		return Value{}, fmt.Errorf("stack %s does not belong to orbit %s: %s; rename that stack, or the orbit or app", from, q.orbit(),
			owner(stack))
	}
	// An output whose condition is false is absent. An empty one counts as absent, too.
	if stack.Exists() && stack.Outputs[o.Output] != "" {
		return Value{Text: stack.Outputs[o.Output]}, nil
	}
	if o.Optional {
		return Value{Missing: fmt.Sprintf("%s; the rules and settings that need %s are left out until a later deploy finds the output",
			why(from, stack, o.Output), q.name)}, nil
	}
	advice := "; deploy that stack first"
	if stack.Exists() && isBuilt(stack.Status) && len(stack.Outputs) == 0 {
		advice = "; deploy that stack again, from a directory whose template has the output"
	}
	if stack.Exists() && isBuilt(stack.Status) && len(stack.Outputs) > 0 && isOrbitStack(q.orbit(), o.Stack) {
		advice = "; the orbit is older than this app: build and deploy the orbit's own stacks with this spacel first"
	}
	return Value{Pending: from, Missing: why(from, stack, o.Output) + advice}, nil
}

// isOrbitStack reports whether a stack is one of the orbit's own, which all its apps share.
func isOrbitStack(orbit, stack string) bool {
	name, found := document.CutStackName(orbit, stack)
	return found && slices.Contains(document.OrbitStacks(), name)
}

// owner describes the tag that names another orbit.
func owner(s *live.Stack) string {
	if s.Orbit() == "" {
		return "it has no tag " + document.TagOrbit
	}
	return fmt.Sprintf("its tag %s says %s", document.TagOrbit, s.Orbit())
}

// isBuilt reports whether a stack has the outputs of its template: it was created, and the last operation succeeded.
func isBuilt(status types.StackStatus) bool {
	return status == types.StackStatusCreateComplete || status == types.StackStatusUpdateComplete
}

// why explains why a stack does not give an output.
func why(ref assembly.StackRef, s *live.Stack, output string) string {
	switch {
	case !s.Exists():
		return fmt.Sprintf("stack %s is not deployed", ref)
	case len(s.Outputs) == 0 && !s.IsIdle():
		return fmt.Sprintf("stack %s is %s and has no outputs yet", ref, s.Status)
	case len(s.Outputs) == 0 && isBuilt(s.Status):
		return fmt.Sprintf("stack %s is %s, and its deployed template has no outputs, so not %s either", ref, s.Status, output)
	case len(s.Outputs) == 0:
		return fmt.Sprintf("stack %s has no outputs, in state %s", ref, s.Status)
	}
	return fmt.Sprintf("stack %s as it is deployed has no output %s", ref, output)
}
