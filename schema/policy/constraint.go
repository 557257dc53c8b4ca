package policy

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/resolved"
)

// Violation is a rule that some value breaks.
type Violation struct {
	Pos     report.Pos // of the value in the manifest; of a default or an absent value, of the nearest written one around it
	Message string     // with the rule's place
}

// Against unifies a value with a constraint on the fields orbit, app and region, and returns the violations. A
// constraint never supplies a value. A required field, without ?, is a violation if the value lacks it. So is a result which
// CUE cannot reduce to one value.
func Against(constraint cue.Value, v resolved.Value) []Violation { return against(constraint, v, true) }

// against is Against. hidden says whether the constraint has hidden fields at its top. Hidden fields are read in a second
// pass, which a constraint without them does not need.
func against(constraint cue.Value, v resolved.Value, hidden bool) []Violation {
	// Unifying the two gives one value with all conflicts in it. CUE then reports them together, not one in each run.
	c := &comparison{of: v, data: tree(v), hidden: hidden}
	// The value is built in the constraint's own context, since a new context for each app and region costs more than the comparison.
	context := constraint.Context() //nolint:staticcheck // SA1019 advises the new context
	c.result = constraint.Unify(context.BuildExpr(c.data.Syntax()))
	c.conflicts(errors.Errors(c.result.Validate()))
	for _, f := range c.data.Fields {
		c.absent(c.result.LookupPath(cue.MakePath(cue.Str(f.Key))), f.Value, []string{f.Key})
	}
	// A conflict or a missing field often makes other results incomplete. They would only repeat the first violation.
	if len(c.found) == 0 {
		c.undecided()
	}
	return c.found
}

// tree returns a value as constraints see it: an object with orbit, app and region. A missing orbit or app is left out, since
// null would conflict with each rule for it.
func tree(v resolved.Value) *manifest.Tree {
	t := &manifest.Tree{Kind: manifest.Object}
	if v.Orbit != nil {
		t.Set("orbit", manifest.Place{}, v.Orbit.Tree)
	}
	if v.App != nil {
		t.Set("app", manifest.Place{}, v.App.Tree)
	}
	t.Set("region", manifest.Place{}, &manifest.Tree{Kind: manifest.Text, Text: v.Region})
	return t
}

// comparison is one value unified with one constraint.
type comparison struct {
	of     resolved.Value
	data   *manifest.Tree
	result cue.Value
	found  []Violation
	hidden bool // the constraint has hidden fields
}

// concerned reports whether the errors of a path are to be reported. Without an app, rules for apps have nothing to check.
func (c *comparison) concerned(keys []string) bool {
	if c.of.App != nil {
		return true
	}
	return len(keys) > 0 && c.data.Lookup(keys[0]) != nil
}

// conflicts reports the errors of the unified value. CUE gives an error for each alternative of a disjunction: those of one
// path are one violation.
func (c *comparison) conflicts(errs []errors.Error) {
	byPath := map[string][]errors.Error{}
	var order []string
	for _, e := range errs {
		path := strings.Join(e.Path(), "\x00")
		if byPath[path] == nil {
			order = append(order, path)
		}
		byPath[path] = append(byPath[path], e)
	}
	for _, path := range order {
		group := byPath[path]
		if keys := keysOf(group[0]); c.concerned(keys) {
			c.add(keys, group)
		}
	}
}

// keysOf returns the keys of an error's path. CUE quotes a key unless it is an identifier, for example "80" or "my-app".
func keysOf(e errors.Error) []string {
	var keys []string
	for _, selector := range e.Path() {
		if plain, err := strconv.Unquote(selector); err == nil {
			selector = plain
		}
		keys = append(keys, selector)
	}
	return keys
}

// absent reports fields of the unified value which the data lacks. The constraint names them without ?. CUE would
// take their values from the constraint, so the unified value alone shows no error.
func (c *comparison) absent(v cue.Value, t *manifest.Tree, keys []string) {
	switch t.Kind {
	case manifest.Object:
		c.absentFields(v, t, keys)
	case manifest.List:
		items, err := v.List()
		if err != nil {
			return // reported as a conflict
		}
		for i := 0; items.Next() && i < len(t.Items); i++ {
			c.absent(items.Value(), t.Items[i], append(slices.Clone(keys), strconv.Itoa(i)))
		}
	}
}

// absentFields is absent for the fields of an object. Only a field without ? is required, and only a regular field is data:
// definitions and hidden fields are helpers of the rule.
func (c *comparison) absentFields(v cue.Value, t *manifest.Tree, keys []string) {
	fields, err := v.Fields(cue.Optional(true))
	if err != nil {
		return // reported as a conflict
	}
	for fields.Next() {
		selector := fields.Selector()
		if selector.ConstraintType() == cue.OptionalConstraint || selector.LabelType() != cue.StringLabel {
			continue
		}
		key := selector.Unquoted()
		// Most fields are scalars that exist. For these nothing is copied.
		if f := t.Field(key); f == nil {
			c.lacks(append(slices.Clone(keys), key), fields.Value())
		} else if f.Value.Kind >= manifest.List {
			c.absent(fields.Value(), f.Value, append(slices.Clone(keys), key))
		}
	}
}

// undecided reports results without a single value, such as a comparison with a missing field. A hidden field may be a type,
// but not an error.
func (c *comparison) undecided() {
	for _, f := range c.data.Fields {
		err := c.result.LookupPath(cue.MakePath(cue.Str(f.Key))).Validate(cue.Concrete(true))
		c.conflicts(errors.Errors(err))
	}
	// A hidden rule may read the app. Without one it cannot be computed, and that would not be a mistake of the orbit.
	if c.of.App == nil || len(c.found) > 0 {
		return
	}
	if !c.hidden {
		return
	}
	fields, err := c.result.Fields(cue.Hidden(true))
	if err != nil {
		return
	}
	for fields.Next() {
		if v := fields.Value(); !slices.Contains(constrained, fields.Selector().String()) && v.IncompleteKind() == cue.BottomKind {
			c.conflicts(errors.Errors(v.Err()))
		}
	}
}
