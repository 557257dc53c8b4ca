package destroy

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/schedule"
)

// edge is a dependency between two stacks.
// A deletion must go from the taker to the giver: the giver's resources are in use until the taker is gone.
type edge struct {
	from, to  assembly.StackRef // from takes, to gives
	parameter string            // "" for a dependency without a value
	optional  bool              // the stack works without the value
}

// edges lists the dependencies on stacks to be deleted. It matches live parameter values against live outputs, because the
// artifact directory may be lost. Dependencies on the orbit's own stacks follow from their names, and a directory adds its own.
func (s *survey) edges(doomed map[assembly.StackRef]bool) []edge {
	var out []edge
	givers := s.givers(doomed)
	for _, stack := range s.found {
		for _, name := range slices.Sorted(maps.Keys(stack.Parameters)) {
			for _, to := range givers[stack.Parameters[name]] {
				// A stack can have one of its own outputs as a parameter, for example a given name.
				if to != stack.StackRef {
					out = append(out, edge{stack.StackRef, to, name, isOptional(s.templates[stack.StackRef], name)})
				}
			}
		}
		for _, to := range s.named(stack, doomed) {
			out = append(out, edge{from: stack.StackRef, to: to})
		}
	}
	return append(out, s.written(doomed)...)
}

// givers maps output values to the stacks to be deleted with these outputs. Two stacks may have the same value.
func (s *survey) givers(doomed map[assembly.StackRef]bool) map[string][]assembly.StackRef {
	out := map[string][]assembly.StackRef{}
	for _, stack := range s.found {
		if !doomed[stack.StackRef] {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(stack.Outputs)) {
			if value := stack.Outputs[name]; identifies(value) && !slices.Contains(out[value], stack.StackRef) {
				out[value] = append(out[value], stack.StackRef)
			}
		}
	}
	return out
}

// identifies reports whether a value names one thing only, like an id, an address or an ARN. A port or a version does not.
func identifies(value string) bool {
	const shortest = 7 // 1.1.1.1
	_, err := strconv.Atoi(value)
	return err != nil && len(value) >= shortest && value != live.Masked
}

// named returns the orbit's own stacks among the needs of a stack, even without a parameter: instances read the tables by their
// names.
func (s *survey) named(stack *live.Stack, doomed map[assembly.StackRef]bool) []assembly.StackRef {
	kind, own := document.CutStackName(s.scope.Orbit, stack.Name)
	if own && stack.App() == "" && (kind == document.StackVPC || kind == document.StackTables) {
		return nil
	}
	var out []assembly.StackRef
	for _, kind := range []string{document.StackTables, document.StackVPC} {
		ref := assembly.StackRef{Region: stack.Region, Name: document.StackName(s.scope.Orbit, kind)}
		if to := s.find(ref); to != nil && to.App() == "" && doomed[ref] {
			out = append(out, ref)
		}
	}
	return out
}

// written returns the dependencies in the directory, between existing stacks. They cover needs without a value, too.
func (s *survey) written(doomed map[assembly.StackRef]bool) []edge {
	var out []edge
	for _, stack := range s.scope.Stacks {
		for _, to := range stack.DependsOn {
			if doomed[to] && s.find(stack.Ref()) != nil {
				out = append(out, edge{from: stack.Ref(), to: to})
			}
		}
	}
	return out
}

// details reads the templates and resources of the stacks to be deleted, and of the stacks with values of theirs.
func (s *survey) details(ctx context.Context, doomed map[assembly.StackRef]bool) error {
	givers := s.givers(doomed)
	templates := make([]*live.Template, len(s.found))
	resources := make([][]Resource, len(s.found))
	regionOf := func(i int) string { return s.found[i].Region }
	err := schedule.Each(ctx, len(s.found), 0, regionOf, func(ctx context.Context, i int) (err error) {
		// Other stacks are not concerned. Each skipped one saves two calls.
		if stack := s.found[i]; doomed[stack.StackRef] || takes(stack, givers) {
			if templates[i], err = s.readTemplate(ctx, stack); err != nil {
				return err
			}
			resources[i], err = s.readResources(ctx, stack)
		}
		return err
	})
	// Goroutines write to slices, each to its own index; only here, after all of them, are the maps filled.
	for i, stack := range s.found {
		s.templates[stack.StackRef], s.resources[stack.StackRef] = templates[i], resources[i]
	}
	return err
}

// takes reports whether one of the stack's parameters has the value of an output of a stack to be deleted.
func takes(stack *live.Stack, givers map[string][]assembly.StackRef) bool {
	for _, value := range stack.Parameters {
		if len(givers[value]) > 0 {
			return true
		}
	}
	return false
}
