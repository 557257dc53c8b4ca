package deploy

import (
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

// resolve finds the values of the stack's parameters.
func (j *job) resolve(ctx context.Context) error {
	values, err := j.resolver.Resolve(ctx, j.stack, j.keeps())
	if err != nil {
		return prefixed(j.ref().String(), err)
	}
	if err := j.checkValues(values); err != nil {
		return err
	}
	j.values = values
	return nil
}

// keeps is the stack whose deployed values can be kept: one that is not made anew.
func (j *job) keeps() *live.Stack {
	switch stepFor(j.deployed) {
	case toUpdate, toResume:
		return j.deployed
	}
	return nil
}

// prefixed says of which stack each of several errors is.
func prefixed(name string, err error) error {
	var out []error
	for _, e := range apart([]error{err}) {
		out = append(out, fmt.Errorf("%s: %w", name, e))
	}
	return errors.Join(out...)
}

// checkValues refuses a value that CloudFormation would, and a required one that this run will not bring.
func (j *job) checkValues(values values.ByName) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		switch {
		case v.Pending != assembly.StackRef{} && j.job(v.Pending) == nil:
			errs = append(errs, fmt.Errorf("%s: %s", j.ref(), v.Missing))
		case len(v.Text) > maxParameterValue:
			errs = append(errs, fmt.Errorf("%s: parameter %s: its value is %d bytes, CloudFormation takes %d", j.ref(), name, len(v.Text), maxParameterValue))
		}
	}
	return errors.Join(errs...)
}

// pending are the stacks of this run whose outputs must be there first. Sorted.
func (j *job) pending() []assembly.StackRef {
	refs := map[assembly.StackRef]bool{}
	for _, v := range j.values {
		if (v.Pending != assembly.StackRef{}) {
			refs[v.Pending] = true
		}
	}
	return slices.SortedFunc(maps.Keys(refs), compareRefs)
}

// parameters are the values as CloudFormation takes them, sorted by name.
func (j *job) parameters() []types.Parameter {
	var out []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(j.values)) {
		v := j.values[name]
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

// secrets are values that must not be shown, wherever they turn up.
func (j *job) secrets() live.Secrets {
	var out live.Secrets
	for _, v := range j.values {
		if v.Secret && v.Text != "" && v.Text != live.Masked {
			out = append(out, v.Text)
		}
	}
	return out
}

// unknowable says that a value is a secret whose deployed value CloudFormation does not show.
func (j *job) unknowable() bool {
	for _, v := range j.values {
		if v.Secret && !v.Keep {
			return true
		}
	}
	return false
}

// parameterChanges are the parameters whose values change, sorted by name.
func (j *job) parameterChanges() []ParameterChange {
	before := map[string]string{}
	if keeps := j.keeps(); keeps != nil {
		before = keeps.Parameters
	}
	var out []ParameterChange
	for _, name := range slices.Sorted(maps.Keys(j.values)) {
		v := j.values[name]
		was, is := before[name]
		switch {
		case v.Keep || is && !v.Secret && was == v.Text:
		case v.Secret && is: // whether it changes, only the change set tells
		default:
			out = append(out, ParameterChange{Name: name, Before: was, After: shown(v)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, stays := j.values[name]; !stays {
			out = append(out, ParameterChange{Name: name, Before: before[name]})
		}
	}
	return out
}

func shown(v values.Value) string {
	if v.Secret {
		return live.Masked
	}
	return v.Text
}

// sameOutputs says whether what comes from other stacks is the same in two sets of values: that alone changes in a run.
func (j *job) sameOutputs(before, now values.ByName) bool {
	for name, source := range j.stack.Parameters {
		if source.Output != nil && (before[name].Text != now[name].Text || before[name].Pending != now[name].Pending) {
			return false
		}
	}
	return true
}

// warnings are the optional outputs that are not there, and that this run does not bring either.
func (j *job) warnings() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(j.values)) {
		v := j.values[name]
		source := j.stack.Parameters[name].Output
		if v.Missing == "" || source == nil || j.job(assembly.StackRef{Region: source.Region, Name: source.Stack}) != nil {
			continue
		}
		if (v.Pending == assembly.StackRef{}) {
			out = append(out, fmt.Sprintf("%s: %s", j.ref(), v.Missing))
		}
	}
	return append(out, j.recordWarnings()...)
}
