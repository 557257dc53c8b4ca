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
func Against(constraint cue.Value, v resolved.Value) []Violation {
	return rules{constraint, true}.against(v)
}

// rules is a constraint that many values are compared with.
type rules struct {
	constraint cue.Value
	hidden     bool // the constraint has hidden fields or others of its own at its top, which need a second pass
}

// against is Against for one value.
func (r rules) against(v resolved.Value) []Violation {
	// Unifying the two gives one value with all conflicts in it. CUE then reports them together, not one in each run. One expression,
	// rules & {…}, would be evaluated in less time, but then CUE forgets that definitions in the rules are closed.
	c := &comparison{of: v, data: tree(v), hidden: r.hidden}
	// The value is built in the constraint's own context, since a new context for each app and region costs more than the comparison.
	context := r.constraint.Context() //nolint:staticcheck // SA1019 advises the new context
	data := context.BuildExpr(c.data.Syntax())
	c.result = r.constraint.Unify(data)
	undecided := c.notConcrete()
	if len(undecided) > 0 || r.hidden {
		c.conflicts(errors.Errors(c.result.Validate()))
	}
	// Most values keep all rules, and then the result is the value itself: no rule has added a field.
	for _, f := range c.data.Fields {
		path := cue.MakePath(cue.Str(f.Key))
		if result := c.result.LookupPath(path); len(undecided) > 0 || !result.Equals(data.LookupPath(path)) {
			c.absent(result, f.Value, []string{f.Key})
		}
	}
	c.unknownFields()
	// A conflict or a missing field often makes other results incomplete. They would only repeat the first violation.
	if len(c.found) == 0 {
		c.conflicts(undecided)
		c.hiddenErrors()
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
	if onlyData(v) {
		return
	}
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

// onlyData reports whether no rule is about a value: it is made of the data alone, which has no positions. Asking CUE for the
// fields of an object is slow, and most objects of a manifest have no rules.
func onlyData(v cue.Value) bool {
	source := v.Source()
	return source != nil && !manifest.Written(source.Pos())
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

// notConcrete returns the errors of the constrained fields, among them those of results without a single value, such as a
// comparison with a missing field.
func (c *comparison) notConcrete() (errs []errors.Error) {
	for _, f := range c.data.Fields {
		err := c.result.LookupPath(cue.MakePath(cue.Str(f.Key))).Validate(cue.Concrete(true))
		errs = append(errs, errors.Errors(err)...)
	}
	return errs
}

// unknownFields reports fields at the top that are none of the constrained ones: of an embedded value, with a computed name, or
// under an if. declaresOnly finds the others without a value.
func (c *comparison) unknownFields() {
	if !c.hidden {
		return
	}
	fields, err := c.result.Fields(cue.Optional(true))
	if err != nil {
		return // reported as a conflict
	}
	for fields.Next() {
		name, at := fields.Selector().Unquoted(), fields.Value().Pos()
		if !slices.Contains(constrained, name) && manifest.Written(at) {
			c.found = append(c.found, Violation{manifest.PlaceOf(at).Pos(name), unknownField(name)})
		}
	}
}

// hiddenErrors reports errors in hidden fields, which may be types. A hidden rule may read the app. Without one it cannot be
// computed, and that would not be a mistake of the orbit.
func (c *comparison) hiddenErrors() {
	if c.of.App == nil || len(c.found) > 0 || !c.hidden {
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
