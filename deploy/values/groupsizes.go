package values

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/groups"
	"github.com/pebble/spacel/deploy/live"
)

// groupSize returns a size of the app's group. The deployed value stays: a change that replaces the group's instances takes it from the
// live group, by Sizes.
func (r *Resolver) groupSize(ctx context.Context, q question, s assembly.GroupSize) (Value, error) {
	if v, ok := q.kept(); ok {
		if n, err := strconv.Atoi(v.Text); err == nil && s.Allows(n) {
			return v, nil
		}
	}
	sizes, err := r.liveSizes(ctx, q.stack, q.deployed)
	if err != nil {
		return Value{}, err
	}
	return q.sized(s, sizes), nil
}

// Sizes returns the sizes of a deployed stack's group, and the values of the stack's parameters that follow from them. Without such
// parameters, or a group, both are nil.
func (r *Resolver) Sizes(ctx context.Context, stack assembly.Stack, deployed *live.Stack) (ByName, *assembly.Sizes, error) {
	found := ByName{}
	var sizes *assembly.Sizes
	for _, name := range slices.Sorted(maps.Keys(stack.Parameters)) {
		s := stack.Parameters[name].GroupSize
		if s == nil {
			continue
		}
		if sizes == nil {
			var err error
			if sizes, err = r.liveSizes(ctx, stack, deployed); sizes == nil || err != nil {
				return nil, nil, err
			}
		}
		q := question{name, stack.Parameters[name], stack, deployed}
		v := q.sized(*s, sizes)
		if old, ok := q.kept(); ok && old.Text == v.Text {
			v = old
		}
		found[name] = v
	}
	if sizes == nil {
		return nil, nil, nil
	}
	return found, sizes, nil
}

// sized returns a size for a live group, or the manifest's when there is no group, or when the manifest's own number changed.
func (q question) sized(s assembly.GroupSize, sizes *assembly.Sizes) Value {
	if sizes == nil || q.renumbered(q.name) {
		return Value{Text: strconv.Itoa(s.Default)}
	}
	limits := *sizes
	if q.renumbered(assembly.ParameterCapacityMin + strconv.Itoa(s.Min)) {
		limits.Min = s.Min
	}
	if q.renumbered(assembly.ParameterCapacityMax + strconv.Itoa(s.Max)) {
		limits.Max = s.Max
	}
	return Value{Text: strconv.Itoa(s.From(limits))}
}

// renumbered reports whether the deployed stack has the same parameter with another of the manifest's numbers in its name.
func (q question) renumbered(name string) bool {
	if _, same := q.deployed.Parameters[name]; same {
		return false
	}
	base := strings.TrimRight(name, "0123456789")
	return slices.ContainsFunc(slices.Collect(maps.Keys(q.deployed.Parameters)), func(other string) bool {
		return strings.TrimRight(other, "0123456789") == base
	})
}

// liveSizes asks for the sizes of the group that a stack's outputs name, nil if there is none.
func (r *Resolver) liveSizes(ctx context.Context, stack assembly.Stack, deployed *live.Stack) (*assembly.Sizes, error) {
	if deployed == nil || deployed.Outputs[document.OutputGroup] == "" {
		return nil, nil
	}
	name := deployed.Outputs[document.OutputGroup]
	found, err := groups.Read(ctx, r.cloud.Region(stack.Region), name)
	if err != nil {
		return nil, fmt.Errorf("read the size of the auto scaling group %s: %w", name, err)
	}
	g, exists := found[name]
	switch {
	case !exists: // somebody deleted the group outside of CloudFormation
		return nil, nil
	case g.MinSize == nil || g.MaxSize == nil || g.DesiredCapacity == nil:
		return nil, fmt.Errorf("read the size of the auto scaling group %s: %w", name,
			cloud.Incomplete("autoscaling:DescribeAutoScalingGroups", "no MinSize, MaxSize or DesiredCapacity"))
	}
	return &assembly.Sizes{Min: int(*g.MinSize), Desired: int(*g.DesiredCapacity), Max: int(*g.MaxSize)}, nil
}
