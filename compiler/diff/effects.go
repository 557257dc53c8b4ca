package diff

import (
	"maps"
	"slices"

	"github.com/pebble/spacel/compiler/template"
)

// cause is the reason for which a value changes although its text in the template stays the same. If it is not certain,
// only AWS knows whether the value changes.
type cause struct {
	because string
	certain bool
}

// weaker reports whether a cause adds nothing to the known one. A certain cause replaces an uncertain one.
func (c cause) weaker(known cause, found bool) bool { return found && (known.certain || !c.certain) }

// effect is what happens to a resource that both sides have, of one type.
type effect struct {
	direct     []difference // of properties
	attributes []difference
	indirect   map[string]indirectChange // by path
	action     Action
}

// indirectChange is a property that changes with something else.
type indirectChange struct {
	path  template.Path
	cause cause
}

// effects computes CloudFormation's action on each resource of a stack. A replaced resource gets a new id and new
// attributes, which changes every value that refers to it, which may replace further resources. The computation repeats
// until nothing changes. It ends, because actions only become worse and causes only more certain.
type effects struct {
	table      table
	old, now   *template.Template
	inputs     map[string]cause // parameters whose values change
	conditions map[string]cause // conditions that may turn out otherwise
	resources  map[string]*effect
}

// newEffects starts with the direct changes, then follows their effects. A resource whose type changed is not among
// them: CloudFormation refuses that.
func newEffects(t table, old, now *template.Template, inputs map[string]cause) *effects {
	e := &effects{table: t, old: old, now: now, inputs: inputs, conditions: map[string]cause{}, resources: map[string]*effect{}}
	for id, r := range now.Resources {
		before, ok := old.Resources[id]
		if !ok || before.Type != r.Type {
			continue
		}
		e.resources[id] = &effect{
			direct:     compareTrees(nil, object(before.Properties), object(r.Properties)),
			attributes: compareTrees(nil, object(before.Attributes), object(r.Attributes)),
			indirect:   map[string]indirectChange{},
			action:     None,
		}
	}
	for name := range now.Conditions {
		if old.Conditions[name] != nil && len(compareTrees(nil, old.Conditions[name], now.Conditions[name])) > 0 {
			e.conditions[name] = cause{"condition " + name, false}
		}
	}
	// An empty body: each round tells whether another one can find more.
	for e.round() {
	}
	return e
}

// object turns a missing section into an empty object, so that compareTrees reports its members one by one.
func object(v map[string]any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// round goes once through conditions and resources and says whether anything came of it.
func (e *effects) round() bool {
	changed := false
	for name, test := range e.now.Conditions {
		if _, found := e.conditions[name]; found {
			continue
		}
		template.ConditionReferences(test, func(r template.Reference) {
			if c, ok := e.causeOf(r); ok {
				e.conditions[name] = cause{c.because, false}
				changed = true
			}
		})
	}
	for _, id := range slices.Sorted(maps.Keys(e.resources)) {
		changed = e.visit(id) || changed
	}
	return changed
}

// visit looks at one resource again and says whether more is known of it.
func (e *effects) visit(id string) bool {
	r, now := e.resources[id], e.now.Resources[id]
	changed := false
	template.References(nil, object(now.Properties), func(p template.Path, to template.Reference) {
		c, ok := e.causeOf(to)
		known, found := r.indirect[p.String()]
		if !ok || r.isDirect(p) || c.weaker(known.cause, found) {
			return
		}
		r.indirect[p.String()] = indirectChange{p, c}
		changed = true
	})
	if action := e.action(id); action != r.action {
		r.action = action
		changed = true
	}
	return changed
}

// isDirect reports whether the property, one around it or one inside it is already listed as a direct change.
func (r *effect) isDirect(p template.Path) bool {
	return slices.ContainsFunc(r.direct, func(d difference) bool { return d.path.Covers(p) || p.Covers(d.path) })
}

// causeOf returns the reason for which a reference's value changes, or false.
func (e *effects) causeOf(r template.Reference) (cause, bool) {
	if r.Condition {
		c, ok := e.conditions[r.Name]
		return c, ok
	}
	if c, ok := e.inputs[r.Name]; ok {
		return c, true
	}
	before, was := e.old.Resources[r.Name]
	now, is := e.now.Resources[r.Name]
	// A changed type means another resource under the same logical id, so its id changes for certain.
	if was && is && before.Type != now.Type {
		return cause{r.Name + " is replaced", true}, true
	}
	target, ok := e.resources[r.Name]
	if !ok {
		return cause{}, false
	}
	switch {
	case target.action == Replace:
		return cause{r.Name + " is replaced", true}, true
	case target.action == MaybeReplace:
		return cause{r.Name + " may be replaced", false}, true
	case target.action == Update && volatile(now.Type, r.Attribute):
		return cause{r.Name + " is updated", true}, true
	}
	return cause{}, false
}

// volatile reports whether an attribute gets a new value in an update in place. A launch template's update makes a new
// version, and its number starts the replacement of the group's instances.
func volatile(kind, attribute string) bool {
	return kind == "AWS::EC2::LaunchTemplate" && (attribute == "LatestVersionNumber" || attribute == "DefaultVersionNumber")
}

// action is the worst that any change does to a resource.
func (e *effects) action(id string) Action {
	r, now := e.resources[id], e.now.Resources[id]
	action := None
	for _, d := range r.direct {
		action = worse(action, e.directAction(now, d))
	}
	for _, k := range r.indirect {
		action = worse(action, e.indirectAction(now, k))
	}
	if e.conditional(id) != "" {
		action = worse(action, MaybeReplace)
	}
	return action
}

// directAction is the action for a changed text. Adding or removing an object counts for all properties inside it.
func (e *effects) directAction(r template.Resource, d difference) Action {
	if replacesInstances(r, d.path) {
		return groupAction(r)
	}
	return worse(e.table.deepAction(r.Type, d.path, d.before), e.table.deepAction(r.Type, d.path, d.after))
}

// indirectAction is the action for an indirectly changed value. If the cause is uncertain, a replacement is only
// possible, not certain.
func (e *effects) indirectAction(r template.Resource, k indirectChange) Action {
	action := e.table.action(r.Type, k.path)
	if replacesInstances(r, k.path) {
		action = groupAction(r)
	}
	if action == Replace && !k.cause.certain {
		return MaybeReplace
	}
	return action
}

// conditional describes a change of the resource's Condition, which may create or delete the resource.
func (e *effects) conditional(id string) string {
	before, now := e.old.Resources[id].Condition, e.now.Resources[id].Condition
	if before != now {
		return "may be created or deleted: its Condition changes"
	}
	if c, ok := e.conditions[now]; ok {
		return "may be created or deleted: its Condition " + now + " changes with " + c.because
	}
	return ""
}

// unknown returns a note if the replacement table does not know the type.
func (e *effects) unknown(r template.Resource, of *effect) string {
	if _, known := e.table[r.Type]; known || len(of.direct)+len(of.indirect) == 0 {
		return ""
	}
	return "which of its properties can change in place is not known offline"
}
