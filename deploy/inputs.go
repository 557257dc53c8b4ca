package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/deploy/values"
)

// inputs are the values of a stack's parameters, as they were found at one moment.
type inputs values.ByName

// resolve finds the values of the stack's parameters. Deployed is the stack as it is, nil for none.
func (s *stack) resolve(ctx context.Context, deployed *live.Stack) (inputs, error) {
	found, err := s.resolver.Resolve(ctx, s.spec, keepsValues(deployed))
	if err != nil {
		return nil, prefixed(s.ref().String(), err)
	}
	in := inputs(found)
	if err := s.checkValues(in); err != nil {
		return nil, err
	}
	s.addSecrets(in)
	return in, nil
}

// keepsValues returns the stack if its deployed values can be kept: not when it is created, or deleted and created again.
func keepsValues(deployed *live.Stack) *live.Stack {
	switch stepFor(deployed) {
	case toUpdate, toResume:
		return deployed
	}
	return nil
}

// prefixed puts a name before each of several joined errors.
func prefixed(name string, err error) error {
	var out []error
	for _, e := range apart([]error{err}) {
		out = append(out, fmt.Errorf("%s: %w", name, e))
	}
	return errors.Join(out...)
}

// checkValues refuses a value that CloudFormation would refuse, and a required output that this run will not produce.
func (s *stack) checkValues(in inputs) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v := in[name]
		switch {
		// The output is missing, and the stack that has it is not deployed by this run: waiting would not help.
		case v.Pending != assembly.StackRef{} && s.find(v.Pending) == nil:
			errs = append(errs, fmt.Errorf("%s: %s", s.ref(), v.Missing))
		case len(v.Text) > maxParameterValue:
			errs = append(errs, fmt.Errorf("%s: parameter %s: its value is %d bytes, CloudFormation takes %d",
				s.ref(), name, len(v.Text), maxParameterValue))
		}
	}
	return errors.Join(errs...)
}

// addSecrets remembers the secret values, longest first: one may contain another.
func (s *stack) addSecrets(in inputs) {
	for _, v := range in {
		if v.Secret && v.Text != "" && v.Text != live.Masked && !slices.Contains(s.secrets, v.Text) {
			s.secrets = append(s.secrets, v.Text)
		}
	}
	slices.SortFunc(s.secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
}

// pending returns the stacks of this run whose outputs are needed and not there yet, sorted.
func (in inputs) pending() []assembly.StackRef {
	refs := map[assembly.StackRef]bool{}
	for _, v := range in {
		if (v.Pending != assembly.StackRef{}) {
			refs[v.Pending] = true
		}
	}
	return slices.SortedFunc(maps.Keys(refs), assembly.StackRef.Compare)
}

// whyPending returns the text about the first missing value.
func (in inputs) whyPending() string {
	pending := in.pending()
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if v := in[name]; len(pending) > 0 && v.Pending == pending[0] {
			return v.Missing
		}
	}
	return ""
}

// parameters returns the values as CloudFormation takes them, sorted by name.
func (in inputs) parameters() []types.Parameter {
	var out []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v := in[name]
		p := types.Parameter{ParameterKey: &name}
		if keep := true; v.Keep {
			p.UsePreviousValue = &keep
		} else {
			p.ParameterValue = &v.Text
		}
		out = append(out, p)
	}
	return out
}

// moves returns the EBS volumes that go to another zone.
func (in inputs) moves() []values.Move {
	var out []values.Move
	for _, name := range slices.Sorted(maps.Keys(in)) {
		out = append(out, in[name].Moves...)
	}
	return out
}

// setsSecret reports whether a secret is sent. CloudFormation does not show its deployed value, so nobody can tell whether it
// changes.
func (in inputs) setsSecret() bool {
	for _, v := range in {
		if v.Secret && !v.Keep {
			return true
		}
	}
	return false
}

// changes returns the parameters whose values change, sorted by name.
func (in inputs) changes(deployed *live.Stack) []ParameterChange {
	before := map[string]string{}
	if keeps := keepsValues(deployed); keeps != nil {
		before = keeps.Parameters
	}
	var out []ParameterChange
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v := in[name]
		was, is := before[name]
		switch {
		case v.Keep || is && !v.Secret && was == v.Text:
		case v.Secret && is: // only the change set knows whether it changes
		default:
			out = append(out, ParameterChange{Name: name, Before: was, After: shown(v)})
		}
	}
	// Parameters that the new template no longer has.
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, stays := in[name]; !stays {
			out = append(out, ParameterChange{Name: name, Before: before[name]})
		}
	}
	return out
}

// shown returns the value for the plan, masked if it is secret.
func shown(v values.Value) string {
	if v.Secret {
		return live.Masked
	}
	return v.Text
}

// sameOutputs reports whether the values from other stacks are the same in two sets of inputs. During a run only these change.
func (s *stack) sameOutputs(before, now inputs) bool {
	for name, source := range s.spec.Parameters {
		outside := source.Output != nil || source.Subnets != nil
		if outside && (before[name].Text != now[name].Text || before[name].Pending != now[name].Pending) {
			return false
		}
	}
	return true
}

// missingOutputs warns of the missing optional outputs of stacks outside of this run.
func (s *stack) missingOutputs(in inputs) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v := in[name]
		source := s.spec.Parameters[name].Output
		if v.Missing == "" || source == nil || s.find(assembly.StackRef{Region: source.Region, Name: source.Stack}) != nil {
			continue
		}
		if (v.Pending == assembly.StackRef{}) {
			out = append(out, fmt.Sprintf("%s: %s", s.ref(), v.Missing))
		}
	}
	return out
}
